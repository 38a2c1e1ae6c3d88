//! Work divided among the threads of the pool at hand, in pieces that do not depend on how many there are.

use rayon::prelude::*;

/// Does every task of `0..count`: one after the other where the pool has one thread.
pub fn each(count: usize, task: impl Fn(usize) + Send + Sync) {
    match rayon::current_num_threads() {
        1 => (0..count).for_each(task),
        _ => (0..count).into_par_iter().with_max_len(1).for_each(task),
    }
}

/// Does the work for each part: one after the other where the pool has one thread.
pub fn each_part<T: Send>(parts: impl Iterator<Item = T>, work: impl Fn(T) + Send + Sync) {
    match rayon::current_num_threads() {
        1 => parts.for_each(work),
        _ => parts.collect::<Vec<T>>().into_par_iter().for_each(work),
    }
}

/// Does `work(state, chunk's number, chunk)` for each chunk of the values; a state serves many chunks, one after the
/// other.
pub fn each_chunk<T>(
    values: &mut [f32],
    chunk: usize,
    state: impl Fn() -> T + Send + Sync,
    work: impl Fn(&mut T, usize, &mut [f32]) + Send + Sync,
) {
    if rayon::current_num_threads() == 1 {
        let mut state = state();
        return values.chunks_mut(chunk).enumerate().for_each(|(i, chunk)| work(&mut state, i, chunk));
    }
    let chunks = values.par_chunks_mut(chunk).enumerate();
    chunks.for_each_init(state, |state, (i, chunk)| work(state, i, chunk));
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
