//! The sums of a linear layer over rows that hold one feature of all examples of a block.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::dots::{self, Pairs};
use super::gather::{self, Source};
use super::pattern::Pattern;
use crate::kernel::lanes::{self, SOME};
use crate::kernel::simd::{load, store};

/// Some rows of a product, from the source rows `columns`, all `[..][width]`.
pub struct Gather<'a> {
    /// A row for each result row of each tile of source rows.
    pub pattern: &'a Pattern,
    pub tiles: usize,
    pub values: &'a [f32],
    pub bias: Option<&'a [f32]>,
    pub relu: bool,
    pub columns: &'a [f32],
    pub rows: Range<usize>,
    pub sums: &'a mut [f32],
    pub width: usize,
}

impl WithSimd for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.width / S::F32_LANES {
            1 => self.all::<S, 1>(simd),
            2 => self.all::<S, 2>(simd),
            4 => self.all::<S, 4>(simd),
            vectors => {
                assert_eq!(vectors, 8);
                self.all::<S, 8>(simd);
            }
        }
    }
}

impl Gather<'_> {
    #[inline(always)]
    fn all<S: Simd, const VECTORS: usize>(self, simd: S) {
        let width = VECTORS * S::F32_LANES;
        assert!(self.columns.len() >= self.pattern.sources() * width && self.sums.len() == self.rows.len() * width);
        assert_eq!(self.values.len(), self.pattern.kept());
        let (zero, total) = (simd.splat_f32s(0.0), self.pattern.rows() / self.tiles);
        assert!(self.rows.end <= total);
        let source = Source { values: self.values.as_ptr(), rows: self.columns.as_ptr(), step: width };
        for tile in 0..self.tiles {
            let last = tile + 1 == self.tiles;
            for (i, row) in self.rows.clone().enumerate() {
                let to = self.sums.as_mut_ptr().wrapping_add(i * width);
                let mut sums = [simd.splat_f32s(self.bias.map_or(0.0, |bias| bias[row])); VECTORS];
                if tile > 0 {
                    for (v, sum) in sums.iter_mut().enumerate() {
                        // SAFETY: row i of `sums` has `width` numbers, which the tile before has written.
                        *sum = unsafe { load(simd, to.add(v * S::F32_LANES)) };
                    }
                }
                let terms = self.pattern.row(tile * total + row);
                // SAFETY: the pattern's indices are below its counts, and those were compared with the lengths.
                sums = unsafe { gather::sum::<S, VECTORS>(simd, sums, terms, source) };
                for (v, mut sum) in sums.into_iter().enumerate() {
                    if self.relu && last {
                        sum = simd.select_f32s(simd.less_than_f32s(sum, zero), zero, sum);
                    }
                    // SAFETY: row i of `sums` has `width` numbers.
                    unsafe { store(simd, to.add(v * S::F32_LANES), sum) };
                }
            }
        }
    }
}

/// Dot products of rows of `left` and `right`, both `[..][width]`, from pair `first` on.
pub struct Dots<'a> {
    pub pairs: &'a Pairs,
    pub first: usize,
    pub left: &'a [f32],
    pub right: &'a [f32],
    pub width: usize,
    pub add: bool,
    pub dots: &'a mut [f32],
}

impl WithSimd for Dots<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (left, right) = self.pairs.counts();
        assert!(self.left.len() >= left * self.width && self.right.len() >= right * self.width);
        let pairs = &self.pairs.get()[self.first..][..self.dots.len()];
        let rows = dots::Rows { left: self.left.as_ptr(), right: self.right.as_ptr(), step: self.width };
        // SAFETY: no pair names a row past the counts, and there are so many rows of this width.
        unsafe {
            match self.width / S::F32_LANES {
                1 => dots::dots::<S, 1>(simd, pairs, rows, self.add, self.dots),
                2 => dots::dots::<S, 2>(simd, pairs, rows, self.add, self.dots),
                4 => dots::dots::<S, 4>(simd, pairs, rows, self.add, self.dots),
                vectors => {
                    assert_eq!(vectors, 8);
                    dots::dots::<S, 8>(simd, pairs, rows, self.add, self.dots);
                }
            }
        }
    }
}

/// The sum of each row of `[sums][width]`.
pub struct Sums<'a> {
    pub rows: &'a [f32],
    pub width: usize,
    pub add: bool,
    pub sums: &'a mut [f32],
}

impl WithSimd for Sums<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let blocks = self.rows.chunks(self.width * S::F32_LANES);
        for (rows, sums) in blocks.zip(self.sums.chunks_mut(S::F32_LANES)) {
            let total = lanes::sum_each(
                simd,
                #[inline(always)]
                |first| {
                    let mut totals = [simd.splat_f32s(0.0); SOME];
                    let rows = rows.chunks_exact(self.width).skip(first).take(lanes::some::<S>());
                    for (row, total) in rows.zip(&mut totals) {
                        for vector in row.chunks_exact(S::F32_LANES) {
                            // SAFETY: the chunk is one vector.
                            *total = simd.add_f32s(*total, unsafe { load(simd, vector.as_ptr()) });
                        }
                    }
                    totals
                },
            );
            dots::put(simd, total, self.add, sums);
        }
    }
}
