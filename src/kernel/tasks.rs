//! Work divided among the threads of the pool at hand, in pieces that do not depend on how many there are.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::simd;

/// Does every task of `0..count`: one after the other where the pool has one thread.
pub fn each(count: usize, task: impl Fn(usize) + Send + Sync) {
    each_with(count, || (), |(), i| task(i));
}

/// Does `task(state, i)` for each i of `0..count`. Every thread makes one state, for all tasks that it takes, and takes
/// another task whenever it is done with one: a thread that is held up holds nobody up.
pub fn each_with<T>(count: usize, state: impl Fn() -> T + Send + Sync, task: impl Fn(&mut T, usize) + Send + Sync) {
    let threads = rayon::current_num_threads().min(count);
    let next = AtomicUsize::new(0);
    let take = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|i| *i < count);
    let work = |_| {
        let Some(first) = take() else { return };
        let mut state = state();
        std::iter::successors(Some(first), |_| take()).for_each(|i| task(&mut state, i));
    };
    match threads {
        0 | 1 => work(0),
        _ => (0..threads).into_par_iter().with_max_len(1).for_each(work),
    }
}

/// Does the work for each part: one after the other where the pool has one thread.
pub fn each_part<T: Send>(parts: impl Iterator<Item = T>, work: impl Fn(T) + Send + Sync) {
    match rayon::current_num_threads() {
        1 => parts.for_each(work),
        _ => parts.collect::<Vec<T>>().into_par_iter().with_max_len(1).for_each(work),
    }
}

/// Does `work(state, chunk's number, chunk)` for each chunk of the values, as `each_with`.
pub fn each_chunk<T>(
    values: &mut [f32],
    chunk: usize,
    state: impl Fn() -> T + Send + Sync,
    work: impl Fn(&mut T, usize, &mut [f32]) + Send + Sync,
) {
    let len = values.len();
    let values = Shared::new(values);
    each_with(len.div_ceil(chunk), state, |state, i| {
        // SAFETY: every chunk is one task's.
        work(state, i, unsafe { values.range(i * chunk, chunk.min(len - i * chunk)) })
    });
}

/// Values that a task of `each_piece` has to do with: so few that the caches hold them, and worth another thread.
const PIECE: usize = 1 << 15;

/// Does `work(first unit, units)`, with the widest instructions, for pieces of values that come in units of `unit`; for
/// each of them `read` values are looked at.
pub fn each_piece(values: &mut [f32], unit: usize, read: usize, work: impl Fn(usize, &mut [f32]) + Send + Sync) {
    let units = (PIECE / read).max(1);
    each_chunk(
        values,
        units * unit,
        || (),
        |(), i, piece| {
            simd::run(
                #[inline(always)]
                || work(i * units, piece),
            )
        },
    );
}

/// A slice that tasks write to at places of their own.
#[derive(Clone, Copy)]
pub struct Shared<'a> {
    at: *mut f32,
    len: usize,
    whose: std::marker::PhantomData<&'a mut [f32]>,
}

// SAFETY: it gives nothing out but through `range` and `place`, whose callers promise that no two threads touch one place.
unsafe impl Send for Shared<'_> {}
// SAFETY: as above.
unsafe impl Sync for Shared<'_> {}

impl<'a> Shared<'a> {
    pub fn new(slice: &'a mut [f32]) -> Shared<'a> {
        Shared { at: slice.as_mut_ptr(), len: slice.len(), whose: std::marker::PhantomData }
    }

    /// Where a value lies. Whoever writes there keeps the contract of `range`.
    #[inline(always)]
    pub fn place(&self, start: usize) -> *mut f32 {
        self.at.wrapping_add(start)
    }

    /// `len` values from `start`. Panics past the end.
    ///
    /// # Safety
    /// Nobody else may hold any of them meanwhile.
    pub unsafe fn range(&self, start: usize, len: usize) -> &'a mut [f32] {
        assert!(start + len <= self.len, "{start} + {len} > {}", self.len);
        // SAFETY: within the slice; the contract excludes aliases.
        unsafe { std::slice::from_raw_parts_mut(self.at.add(start), len) }
    }
}
