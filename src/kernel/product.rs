//! Matrix products with small sides: one factor is read where it lies, the other in rows of vectors.

use std::ops::Range;

use super::block::{Block, VECTORS};
use super::simd;
use super::tasks::{self, Shared};

/// `out[i][j] = Σ_k left(i, k) × right(k, j)`, plus a bias for each j, then a ReLU, where they are asked for.
#[derive(Clone, Copy)]
pub struct Product<'a> {
    pub rows: usize,
    pub columns: usize,
    pub depth: usize,
    /// left(i, k) lies at `i · left_row + k · left_step`.
    pub left: &'a [f32],
    pub left_row: usize,
    pub left_step: usize,
    /// right(k, j) lies at `k · columns + j`.
    pub right: &'a [f32],
    pub bias: Option<&'a [f32]>,
    pub relu: bool,
    /// Whether out(i, j) lies at `j · rows + i` rather than at `i · columns + j`.
    pub transposed: bool,
}

/// Rows in a task: whole tiles of 6 and of 12.
const CHUNK: usize = 192;

impl Product<'_> {
    /// Computes every element of `out`, which has `rows · columns`. Panics where a slice is too short.
    pub fn into(self, out: &mut [f32]) {
        self.by_blocks(out, |count, block| tasks::each(count, block));
    }

    /// As `into`, on this thread alone.
    pub fn into_here(self, out: &mut [f32]) {
        self.by_blocks(out, |count, block| (0..count).for_each(block));
    }

    fn by_blocks(self, out: &mut [f32], each: impl FnOnce(usize, &(dyn Fn(usize) + Send + Sync))) {
        assert_eq!(out.len(), self.rows * self.columns);
        if out.is_empty() {
            return;
        }
        let last = |count: usize, step: usize| count.saturating_sub(1) * step;
        assert!(self.depth == 0 || last(self.rows, self.left_row) + last(self.depth, self.left_step) < self.left.len());
        assert!(self.depth * self.columns <= self.right.len());
        assert!(self.bias.is_none_or(|bias| bias.len() == self.columns));
        let panel = VECTORS * simd::lanes();
        let chunks = self.rows.div_ceil(CHUNK);
        let out = Shared::new(out);
        each(self.columns.div_ceil(panel) * chunks, &|block| {
            let (rows, columns) = (span(block % chunks, CHUNK, self.rows), span(block / chunks, panel, self.columns));
            // SAFETY: the lengths are as asserted, and no other block has these rows and columns.
            simd::run(unsafe { Block::new(self, rows, columns, out) });
        });
    }
}

/// Piece number `number` of `0..len` in pieces of `size`.
fn span(number: usize, size: usize, len: usize) -> Range<usize> {
    number * size..len.min((number + 1) * size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::testing::{Sum, assert_near, on_threads, values};
    use proptest::prelude::*;

    fn oracle(p: Product<'_>) -> Vec<Sum> {
        let mut out = vec![Sum::default(); p.rows * p.columns];
        for (i, j) in (0..p.rows).flat_map(|i| (0..p.columns).map(move |j| (i, j))) {
            let mut sum = p.bias.map_or(Sum::default(), |bias| Sum::of(bias[j]));
            for k in 0..p.depth {
                sum.add(f64::from(p.left[i * p.left_row + k * p.left_step]) * f64::from(p.right[k * p.columns + j]));
            }
            if p.relu {
                sum.relu();
            }
            out[if p.transposed { j * p.rows + i } else { i * p.columns + j }] = sum;
        }
        out
    }

    fn into(product: Product<'_>) -> Vec<f32> {
        let mut out = vec![f32::NAN; product.rows * product.columns];
        product.into(&mut out);
        out
    }

    #[test]
    fn a_product_of_two_by_two_worked_by_hand() {
        // [1 2; 3 4] · [5 6; 7 8] = [19 22; 43 50]; with the bias −20, −50 a ReLU leaves [0 0; 23 0].
        let product = Product {
            rows: 2,
            columns: 2,
            depth: 2,
            left: &[1.0, 2.0, 3.0, 4.0],
            left_row: 2,
            left_step: 1,
            right: &[5.0, 6.0, 7.0, 8.0],
            bias: None,
            relu: false,
            transposed: false,
        };
        assert_eq!(into(product), [19.0, 22.0, 43.0, 50.0]);
        assert_eq!(into(Product { transposed: true, ..product }), [19.0, 43.0, 22.0, 50.0]);
        assert_eq!(into(Product { bias: Some(&[-20.0, -50.0]), relu: true, ..product }), [0.0, 0.0, 23.0, 0.0]);
        assert_eq!(into(Product { left_row: 1, left_step: 2, ..product }), [26.0, 30.0, 38.0, 44.0]);
    }

    #[test]
    fn a_nan_passes_through_a_relu() {
        let product = Product {
            rows: 1,
            columns: 1,
            depth: 1,
            left: &[f32::NAN],
            left_row: 1,
            left_step: 1,
            right: &[1.0],
            bias: None,
            relu: true,
            transposed: false,
        };
        assert!(into(product)[0].is_nan());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn every_shape_agrees_with_sums_in_f64_on_any_threads_and_instructions(
            rows in prop_oneof![0usize..70, 180usize..400], columns in 0usize..70,
            depth in prop_oneof![0usize..40, 1000usize..1100],
            flat in any::<bool>(), with_bias in any::<bool>(), relu in any::<bool>(), transposed in any::<bool>(),
        ) {
            let (left, right, bias) = (values(rows * depth, 1), values(depth * columns, 2), values(columns, 3));
            let (left_row, left_step) = if flat { (depth, 1) } else { (1, rows) };
            let bias = with_bias.then_some(&bias[..]);
            let (left, right) = (&left[..], &right[..]);
            let product =
                Product { rows, columns, depth, left, left_row, left_step, right, bias, relu, transposed };
            let found = into(product);
            assert_near(&found, &oracle(product));
            assert_near(&simd::portable::only(|| into(product)), &oracle(product));
            for threads in [1, 2, 4] {
                prop_assert_eq!(&on_threads(threads, || into(product)), &found);
            }
        }
    }
}
