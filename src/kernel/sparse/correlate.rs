//! The two sums over planes: grids from kept weights, and gradients of kept weights from grids.

use pulp::{Simd, WithSimd};

use super::gather::{self, Source};
use super::pattern::Pattern;
use crate::kernel::lanes::{self, SOME};
use crate::kernel::simd::{load, store};

/// Vectors of a grid that are worked on at once: their sums stay in registers, and what they are summed from in the
/// nearest cache.
const VECTORS: usize = 8;

/// `grids[row] = first[row] + Σ weight × planes[source ..]`, each grid of `grid` numbers, a multiple of 16.
pub struct Grids<'a> {
    pub pattern: &'a Pattern,
    pub values: &'a [f32],
    pub bias: Option<&'a [f32]>,
    pub relu: bool,
    pub planes: &'a [f32],
    pub grid: usize,
    pub grids: &'a mut [f32],
}

impl WithSimd for Grids<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        assert!(self.pattern.sources() + self.grid <= self.planes.len() + 1 || self.pattern.kept() == 0);
        assert!(self.grid.is_multiple_of(16) && self.values.len() == self.pattern.kept());
        assert_eq!(self.grids.len(), self.pattern.rows() * self.grid);
        let mut at = 0;
        while at < self.grid {
            match (self.grid - at) / S::F32_LANES {
                VECTORS.. => at += self.block::<S, VECTORS>(simd, at),
                4.. => at += self.block::<S, 4>(simd, at),
                2.. => at += self.block::<S, 2>(simd, at),
                _ => at += self.block::<S, 1>(simd, at),
            }
        }
    }
}

impl Grids<'_> {
    /// One block of all grids; gives its length.
    #[inline(always)]
    fn block<S: Simd, const VECTORS: usize>(&mut self, simd: S, at: usize) -> usize {
        let zero = simd.splat_f32s(0.0);
        let source = Source { values: self.values.as_ptr(), rows: self.planes.as_ptr().wrapping_add(at), step: 1 };
        for row in 0..self.pattern.rows() {
            let first = [simd.splat_f32s(self.bias.map_or(0.0, |bias| bias[row])); VECTORS];
            // SAFETY: the largest source has a whole grid after it, as was checked at first.
            let sums = unsafe { gather::sum::<S, VECTORS>(simd, first, self.pattern.row(row), source) };
            for (v, mut sum) in sums.into_iter().enumerate() {
                if self.relu {
                    sum = simd.select_f32s(simd.less_than_f32s(sum, zero), zero, sum);
                }
                // SAFETY: the block is within the row's grid.
                unsafe { store(simd, self.grids.as_mut_ptr().add(row * self.grid + at + v * S::F32_LANES), sum) };
            }
        }
        VECTORS * S::F32_LANES
    }
}

/// Adds to each value's vector of sums the products of its part of `planes` with its output's grid of `gradients`.
pub struct Products<'a> {
    /// For each output, in the order of the values: where in `planes` they begin.
    pub outputs: &'a Pattern,
    /// Where each output's grid of `grid` numbers is.
    pub gradient: &'a dyn Fn(usize) -> usize,
    pub planes: &'a [f32],
    pub gradients: &'a [f32],
    pub grid: usize,
    /// 16 for each value, of which as many are used as there are lanes.
    pub sums: &'a mut [f32],
}

impl WithSimd for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        assert!(self.outputs.sources() + self.grid <= self.planes.len() + 1 || self.outputs.kept() == 0);
        assert!(self.grid.is_multiple_of(16) && self.sums.len() == self.outputs.kept() * lanes::MOST);
        let mut at = 0;
        while at < self.grid {
            match (self.grid - at) / S::F32_LANES {
                VECTORS.. => at += self.block::<S, VECTORS>(simd, at),
                4.. => at += self.block::<S, 4>(simd, at),
                2.. => at += self.block::<S, 2>(simd, at),
                _ => at += self.block::<S, 1>(simd, at),
            }
        }
    }
}

impl Products<'_> {
    /// One block of all grids; gives its length.
    #[inline(always)]
    fn block<S: Simd, const VECTORS: usize>(&mut self, simd: S, at: usize) -> usize {
        let length = VECTORS * S::F32_LANES;
        for output in 0..self.outputs.rows() {
            let gradient = &self.gradients[(self.gradient)(output) + at..][..length];
            let mut gradients = [simd.splat_f32s(0.0); VECTORS];
            for (v, gradients) in gradients.iter_mut().enumerate() {
                // SAFETY: the slice has this many vectors.
                *gradients = unsafe { load(simd, gradient.as_ptr().add(v * S::F32_LANES)) };
            }
            for term in self.outputs.row(output) {
                // SAFETY: the largest source has a whole grid after it, and there are sums for all values.
                unsafe {
                    let from = self.planes.as_ptr().add(term.source as usize + at);
                    let to = self.sums.as_mut_ptr().add(term.value as usize * lanes::MOST);
                    let mut sum = load(simd, to);
                    for (v, gradient) in gradients.iter().enumerate() {
                        sum = simd.mul_add_e_f32s(*gradient, load(simd, from.add(v * S::F32_LANES)), sum);
                    }
                    store(simd, to, sum);
                }
            }
        }
        length
    }
}

/// The sum of each value's vector.
pub struct Totals<'a> {
    pub sums: &'a [f32],
    pub totals: &'a mut [f32],
}

impl WithSimd for Totals<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let blocks = self.sums.chunks(lanes::MOST * S::F32_LANES);
        for (block, totals) in blocks.zip(self.totals.chunks_mut(S::F32_LANES)) {
            let sums = lanes::sum_each(
                simd,
                #[inline(always)]
                |first| {
                    let mut vectors = [simd.splat_f32s(0.0); SOME];
                    let block = block.chunks_exact(lanes::MOST).skip(first).take(lanes::some::<S>());
                    for (vector, sums) in vectors.iter_mut().zip(block) {
                        // SAFETY: the chunk is as long as the longest vector.
                        *vector = unsafe { load(simd, sums.as_ptr()) };
                    }
                    vectors
                },
            );
            simd.partial_store_f32s(totals, sums);
        }
    }
}

/// The sum of each grid, one after the other.
pub struct GridTotals<'a> {
    pub gradient: &'a dyn Fn(usize) -> usize,
    pub gradients: &'a [f32],
    pub grid: usize,
    /// What is there is added to.
    pub totals: &'a mut [f32],
}

impl WithSimd for GridTotals<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for (output, total) in self.totals.iter_mut().enumerate() {
            let mut sum = simd.splat_f32s(0.0);
            for vector in self.gradients[(self.gradient)(output)..][..self.grid].chunks_exact(S::F32_LANES) {
                // SAFETY: the chunk is one vector.
                sum = simd.add_f32s(sum, unsafe { load(simd, vector.as_ptr()) });
            }
            *total += simd.reduce_sum_f32s(sum);
        }
    }
}
