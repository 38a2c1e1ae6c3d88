//! Sums over aligned planes, one kernel column at a time: grids from kept weights, and gradients of kept weights.

use pulp::{Simd, WithSimd};

use super::pattern::{Pattern, Weighted};
use super::shift::{Shift, VECTORS};
use crate::kernel::lanes;
use crate::kernel::simd::{load, store};

/// `to[row] = bias[row] + Σ over kernel columns of moved (Σ weight × planes[source ..])`.
pub struct Grids<'a> {
    pub pattern: &'a Pattern,
    pub weighted: &'a [Weighted],
    pub bias: Option<&'a [f32]>,
    pub relu: bool,
    pub planes: &'a [f32],
    pub shifts: &'a [Shift],
    pub grid: usize,
    pub to: &'a mut [f32],
}

impl WithSimd for Grids<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        assert!(self.pattern.sources() + self.grid <= self.planes.len() + 1 || self.pattern.kept() == 0);
        assert_eq!(self.to.len() * self.shifts.len(), self.pattern.rows() * self.grid);
        assert!(self.grid.is_multiple_of(S::F32_LANES));
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
        let (columns, zero) = (self.shifts.len(), simd.splat_f32s(0.0));
        let planes = self.planes.as_ptr().wrapping_add(at);
        for row in 0..self.pattern.rows() / columns {
            let mut totals = [simd.splat_f32s(self.bias.map_or(0.0, |bias| bias[row])); VECTORS];
            for (column, shift) in self.shifts.iter().enumerate() {
                let terms = self.pattern.part(self.weighted, row * columns + column);
                if !terms.is_empty() {
                    // SAFETY: the largest source has a whole grid after it, as was checked at first.
                    let sums = unsafe { sum::<S, VECTORS>(simd, terms, planes) };
                    shift.add::<S, VECTORS>(simd, &sums, &mut totals);
                }
            }
            for (v, mut total) in totals.into_iter().enumerate() {
                if self.relu {
                    total = simd.select_f32s(simd.less_than_f32s(total, zero), zero, total);
                }
                // SAFETY: the block is within the row's grid, and `to` holds a grid for each row.
                unsafe { store(simd, self.to.as_mut_ptr().add(row * self.grid + at + v * S::F32_LANES), total) };
            }
        }
        VECTORS * S::F32_LANES
    }
}

/// # Safety
/// `VECTORS` vectors must be readable at each source.
#[inline(always)]
unsafe fn sum<S: Simd, const VECTORS: usize>(simd: S, terms: &[Weighted], planes: *const f32) -> [S::f32s; VECTORS] {
    let mut sums = [simd.splat_f32s(0.0); VECTORS];
    for term in terms {
        let weight = simd.splat_f32s(term.weight);
        let from = planes.wrapping_add(term.source as usize);
        for (v, sum) in sums.iter_mut().enumerate() {
            // SAFETY: by the contract.
            *sum = simd.mul_add_e_f32s(weight, unsafe { load(simd, from.add(v * S::F32_LANES)) }, *sum);
        }
    }
    sums
}

/// Adds to each value's vector of sums the products of its part of `planes` with its output's gradient, moved the other
/// way.
pub struct Products<'a> {
    pub pattern: &'a Pattern,
    pub gradient: &'a dyn Fn(usize) -> usize,
    pub planes: &'a [f32],
    pub gradients: &'a [f32],
    pub shifts: &'a [Shift],
    pub grid: usize,
    /// 16 for each value, of which as many are used as there are lanes.
    pub sums: &'a mut [f32],
}

impl WithSimd for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        assert!(self.pattern.sources() + self.grid <= self.planes.len() + 1 || self.pattern.kept() == 0);
        assert!(self.grid.is_multiple_of(S::F32_LANES) && self.sums.len() == self.pattern.kept() * lanes::MOST);
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
        let (columns, length) = (self.shifts.len(), VECTORS * S::F32_LANES);
        for output in 0..self.pattern.rows() / columns {
            let gradient = &self.gradients[(self.gradient)(output) + at..][..length];
            let mut plain = [simd.splat_f32s(0.0); VECTORS];
            for (v, plain) in plain.iter_mut().enumerate() {
                // SAFETY: the slice has this many vectors.
                *plain = unsafe { load(simd, gradient.as_ptr().add(v * S::F32_LANES)) };
            }
            for column in 0..columns {
                let terms = self.pattern.row(output * columns + column);
                if terms.is_empty() {
                    continue;
                }
                let mut moved = [simd.splat_f32s(0.0); VECTORS];
                self.shifts[columns - 1 - column].add::<S, VECTORS>(simd, &plain, &mut moved);
                for term in terms {
                    // SAFETY: the largest source has a whole grid after it, and there are sums for all values.
                    unsafe {
                        let from = self.planes.as_ptr().add(term.source as usize + at);
                        let to = self.sums.as_mut_ptr().add(term.value as usize * lanes::MOST);
                        // Two sums, so that one multiply-add need not wait for the other.
                        let mut sums = [load(simd, to), simd.splat_f32s(0.0)];
                        for (v, moved) in moved.iter().enumerate() {
                            let product = load(simd, from.add(v * S::F32_LANES));
                            sums[v % 2] = simd.mul_add_e_f32s(*moved, product, sums[v % 2]);
                        }
                        store(simd, to, simd.add_f32s(sums[0], sums[1]));
                    }
                }
            }
        }
        length
    }
}
