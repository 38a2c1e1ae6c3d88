//! Pixels moved sideways within their rows; zeros come in where a row ends.

use pulp::Simd;

use crate::kernel::lanes::MOST;
use crate::kernel::simd;

/// Vectors that are worked on at once: whole rows, so that none needs a neighbour outside.
pub const VECTORS: usize = 8;

/// Result column c takes column c + `by`.
#[derive(Clone, Debug)]
pub struct Shift {
    by: isize,
    /// Vectors in a row; 1 where a vector holds several rows.
    row_vectors: usize,
    /// For each lane, all ones where what it takes is in the same vector and row.
    inside: [u32; MOST],
}

impl Shift {
    /// None where rows and vectors do not fit each other.
    pub fn new(height: usize, width: usize, by: isize) -> Option<Self> {
        let lanes = simd::lanes();
        let row_vectors = width.div_ceil(lanes);
        let fits = width.max(lanes).is_multiple_of(width.min(lanes)) && (height * width).is_multiple_of(lanes);
        let near = by.unsigned_abs() < width.min(lanes);
        if !(fits && near && row_vectors.is_power_of_two() && row_vectors <= VECTORS) {
            return None;
        }
        let segment = width.min(lanes);
        let inside = std::array::from_fn(|lane| {
            let from = (lane % segment).checked_add_signed(by);
            if from.is_some_and(|from| from < segment) { u32::MAX } else { 0 }
        });
        Some(Self { by, row_vectors, inside })
    }

    /// `to += ` the moved `from`, both whole rows.
    #[inline(always)]
    pub fn add<S: Simd, const VECTORS: usize>(&self, simd: S, from: &[S::f32s; VECTORS], to: &mut [S::f32s; VECTORS]) {
        if self.by == 0 {
            for v in 0..VECTORS {
                to[v] = simd.add_f32s(to[v], from[v]);
            }
            return;
        }
        // SAFETY: a vector has at most MOST lanes, and is plain data.
        let inside = unsafe { self.inside.as_ptr().cast::<S::u32s>().read_unaligned() };
        let inside = simd.equal_u32s(inside, simd.splat_u32s(u32::MAX));
        let (zero, left) = (simd.splat_f32s(0.0), self.by > 0);
        let mut turned = *from;
        for turned in &mut turned {
            *turned = simd.rotate_left_f32s(*turned, self.by as usize);
        }
        for v in 0..VECTORS {
            let next = if left { v + 1 } else { v.wrapping_sub(1) };
            // Neither the first vector of a row nor the last has a neighbour on that side.
            let edge = if left { next & (self.row_vectors - 1) == 0 } else { v & (self.row_vectors - 1) == 0 };
            let other = if edge || next >= VECTORS { zero } else { turned[next] };
            to[v] = simd.add_f32s(to[v], simd.select_f32s(inside, turned[v], other));
        }
    }
}
