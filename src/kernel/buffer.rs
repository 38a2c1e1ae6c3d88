//! Scratch memory: aligned to a cache line, so that no vector lies across two, and used again by later calls, so that
//! the system need not find (and clear) pages for each.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

/// Floats in a cache line.
pub const LINE: usize = 16;

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; LINE]);

/// At most this many are kept for later by each thread.
const POOLED: usize = 8;

thread_local!(static POOL: RefCell<Vec<Vec<Line>>> = const { RefCell::new(Vec::new()) });

/// Numbers that begin on a cache line.
pub struct Buffer {
    lines: Vec<Line>,
    len: usize,
}

impl Buffer {
    /// Numbers whose first contents are arbitrary.
    pub fn new(len: usize) -> Self {
        let needed = len.div_ceil(LINE);
        let mut lines = POOL.with_borrow_mut(|pool| {
            let fits = |(_, lines): &(usize, &Vec<Line>)| lines.len() >= needed;
            let smallest = pool.iter().enumerate().filter(fits).min_by_key(|(_, lines)| lines.len());
            let at = smallest.map(|(at, _)| at).or(pool.len().checked_sub(1));
            at.map(|at| pool.swap_remove(at)).unwrap_or_default()
        });
        if lines.len() < needed {
            lines.resize(needed, Line([0.0; LINE]));
        }
        Self { lines, len }
    }

    pub fn zeros(len: usize) -> Self {
        let mut buffer = Self::new(len);
        buffer.fill(0.0);
        buffer
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        // A thread that is ending keeps nothing.
        let _ = POOL.try_with(|pool| {
            let mut pool = pool.borrow_mut();
            if pool.len() < POOLED {
                pool.push(lines);
            }
        });
    }
}

impl Deref for Buffer {
    type Target = [f32];

    #[inline(always)]
    fn deref(&self) -> &[f32] {
        // SAFETY: the lines are arrays of f32 with no gaps, and hold at least `len` of them.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl DerefMut for Buffer {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as in `deref`, and the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

/// Rounds a distance between rows up to an odd number of lines: rows at a power of two would share a few cache sets.
pub fn odd_lines(len: usize) -> usize {
    (len.div_ceil(LINE) | 1) * LINE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_begins_at_a_cache_line_and_is_used_again() {
        let first = Buffer::new(100);
        let at = first.as_ptr();
        assert_eq!(at as usize % 64, 0);
        drop(first);
        let second = Buffer::new(50);
        assert_eq!((second.as_ptr(), second.len()), (at, 50));
    }

    #[test]
    fn zeros_are_zeros_where_something_was() {
        Buffer::new(100).fill(7.0);
        assert_eq!(*Buffer::zeros(50), [0.0; 50]);
    }
}
