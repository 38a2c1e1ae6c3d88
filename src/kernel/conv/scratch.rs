//! Working memory that starts on a cache line, so that whole vectors do not straddle two.

use std::ops::{Deref, DerefMut};
use std::slice::{from_raw_parts, from_raw_parts_mut};

/// Floats in a cache line.
pub const LINE: usize = 16;

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; LINE]);

/// A slice of floats, zeros to start with, its length rounded up to whole lines.
pub struct Scratch(Vec<Line>);

impl Scratch {
    pub fn zeros(len: usize) -> Self {
        Self(vec![Line([0.0; LINE]); len.div_ceil(LINE)])
    }
}

impl Deref for Scratch {
    type Target = [f32];

    #[inline(always)]
    fn deref(&self) -> &[f32] {
        // SAFETY: a line is exactly its floats, without padding.
        unsafe { from_raw_parts(self.0.as_ptr().cast(), self.0.len() * LINE) }
    }
}

impl DerefMut for Scratch {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: a line is exactly its floats, without padding, and borrowed mutably here.
        unsafe { from_raw_parts_mut(self.0.as_mut_ptr().cast(), self.0.len() * LINE) }
    }
}

/// Rounds a distance between rows up to an odd number of lines: rows at a power of two would share a few cache sets.
pub fn odd_lines(len: usize) -> usize {
    (len.div_ceil(LINE) | 1) * LINE
}
