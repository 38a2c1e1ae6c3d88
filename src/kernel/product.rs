//! Matrix products with small sides: one factor is read where it lies, the other in rows of vectors.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::lanes::MOST;
use super::simd;
use super::tasks::{self, Shared};
use super::tile;

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

/// Depth that is summed before sums go back to memory: `right`'s part stays in the second-level cache.
const DEPTH: usize = 1024;
/// Rows in a task: whole tiles of 6 and of 12.
const CHUNK: usize = 192;
/// Vectors of `right` in a panel.
const VECTORS: usize = 2;

impl Product<'_> {
    /// Computes every element of `out`, which has `rows · columns`. Panics where a slice is too short.
    pub fn into(self, out: &mut [f32]) {
        assert_eq!(out.len(), self.rows * self.columns);
        if out.is_empty() {
            return;
        }
        let last = |count: usize, step: usize| count.saturating_sub(1) * step;
        assert!(self.depth == 0 || last(self.rows, self.left_row) + last(self.depth, self.left_step) < self.left.len());
        assert!(self.depth * self.columns <= self.right.len());
        assert!(self.bias.is_none_or(|bias| bias.len() == self.columns));
        let panels = Panels::of(self, simd::lanes());
        let chunks = self.rows.div_ceil(CHUNK);
        let out = Shared::new(out);
        tasks::each(panels.count() * chunks, |task| {
            let first = task % chunks * CHUNK;
            let rows = first..(first + CHUNK).min(self.rows);
            simd::run(Chunk { product: self, panel: panels.panel(task / chunks), rows, out });
        });
    }
}

/// The columns of `right` in panels of `VECTORS` vectors. Those that fill none are copied and padded with zeros.
struct Panels<'a> {
    product: Product<'a>,
    lanes: usize,
    whole: usize,
    padded: Vec<f32>,
    padded_step: usize,
}

/// The columns of one panel: `right`'s first vector for them, and how far apart those of neighbouring k are.
#[derive(Clone, Copy)]
struct Panel<'a> {
    right: &'a [f32],
    step: usize,
    first: usize,
    columns: usize,
}

impl<'a> Panels<'a> {
    fn of(product: Product<'a>, lanes: usize) -> Panels<'a> {
        let whole = product.columns / (VECTORS * lanes);
        let first = whole * VECTORS * lanes;
        let columns = product.columns - first;
        let padded_step = columns.next_multiple_of(lanes);
        let mut padded = vec![0.0; padded_step * product.depth];
        if columns > 0 {
            let rows = product.right.chunks_exact(product.columns);
            for (padded, row) in padded.chunks_exact_mut(padded_step).zip(rows) {
                padded[..columns].copy_from_slice(&row[first..]);
            }
        }
        Panels { product, lanes, whole, padded, padded_step }
    }

    fn count(&self) -> usize {
        self.whole + usize::from(self.padded_step > 0)
    }

    fn panel(&self, number: usize) -> Panel<'_> {
        let Product { right, columns: step, .. } = self.product;
        let columns = VECTORS * self.lanes;
        let first = number * columns;
        match number < self.whole {
            true => Panel { right: &right[first.min(right.len())..], step, first, columns },
            false => Panel { right: &self.padded, step: self.padded_step, first, columns: step - first },
        }
    }
}

/// Some rows of a panel: a task.
struct Chunk<'a> {
    product: Product<'a>,
    panel: Panel<'a>,
    rows: Range<usize>,
    out: Shared<'a>,
}

impl WithSimd for Chunk<'_> {
    type Output = ();

    /// Sums, one vector each of the panel's and one of `left` fill the registers: 32 with AVX-512, else 16.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match (S::F32_LANES >= 16, self.panel.columns > S::F32_LANES) {
            (true, true) => self.blocks::<S, 12, VECTORS>(simd),
            (true, false) => self.blocks::<S, 12, 1>(simd),
            (false, true) => self.blocks::<S, 6, VECTORS>(simd),
            (false, false) => self.blocks::<S, 6, 1>(simd),
        }
    }
}

impl Chunk<'_> {
    #[inline(always)]
    fn blocks<S: Simd, const ROWS: usize, const VECTORS: usize>(&self, simd: S) {
        let depth = self.product.depth;
        for from in (0..depth.max(1)).step_by(DEPTH) {
            let depth = from..(from + DEPTH).min(depth);
            let Range { start, end } = self.rows;
            match end - start < ROWS {
                true => (start..end).for_each(|row| self.tile::<S, 1, VECTORS>(simd, row, 0, &depth)),
                false => {
                    for row in (start..end).step_by(ROWS) {
                        // The last tile covers rows of the one before again, which it leaves as they are.
                        let at = row.min(end - ROWS);
                        self.tile::<S, ROWS, VECTORS>(simd, at, row - at, &depth);
                    }
                }
            }
        }
    }

    /// One tile of `out`, from row `row` on, over a part of the depth. Rows before `fresh` are not written.
    #[inline(always)]
    fn tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &self,
        simd: S,
        row: usize,
        fresh: usize,
        depth: &Range<usize>,
    ) {
        let Product { left, left_row, left_step, relu, .. } = self.product;
        let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
        self.begin(simd, row, depth.start == 0, &mut sums);
        self.fetch::<S, ROWS, VECTORS>(row + fresh);
        let a = left.as_ptr().wrapping_add(row * left_row + depth.start * left_step);
        let b = self.panel.right.as_ptr().wrapping_add(depth.start * self.panel.step);
        // SAFETY: `into` has checked that all of `left` and `right` is there; a padded panel is of whole vectors.
        unsafe {
            tile::accumulate_rows(simd, depth.len(), (a, left_row, left_step), (b, self.panel.step), &mut sums);
        }
        if relu && depth.end == self.product.depth {
            sums.iter_mut().flatten().for_each(|sum| *sum = simd::relu(simd, *sum));
        }
        self.end(simd, row, fresh, &sums);
    }

    /// Asks for the lines that a tile will be written to: where sums are soon complete, waiting for them counts.
    #[inline(always)]
    fn fetch<S: Simd, const ROWS: usize, const VECTORS: usize>(&self, row: usize) {
        if self.product.transposed {
            return;
        }
        for row in row..(row + ROWS).min(self.rows.end) {
            for v in 0..VECTORS {
                let columns = self.columns(v * S::F32_LANES, S::F32_LANES);
                self.out.fetch(row * self.product.columns + columns.start);
            }
        }
    }

    /// The sums that a tile begins with: the bias, or what an earlier part of the depth left in `out`.
    #[inline(always)]
    fn begin<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &self,
        simd: S,
        row: usize,
        fresh: bool,
        sums: &mut [[S::f32s; VECTORS]; ROWS],
    ) {
        for (i, sums) in sums.iter_mut().enumerate() {
            for (v, sum) in sums.iter_mut().enumerate() {
                let columns = self.columns(v * S::F32_LANES, S::F32_LANES);
                match (fresh, self.product.bias) {
                    (true, None) => {}
                    (true, Some(bias)) => *sum = simd::read(simd, &bias[columns]),
                    (false, _) => *sum = self.read(simd, row + i, columns),
                }
            }
        }
    }

    #[inline(always)]
    fn end<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &self,
        simd: S,
        row: usize,
        fresh: usize,
        sums: &[[S::f32s; VECTORS]; ROWS],
    ) {
        if self.product.transposed {
            return self.end_transposed(simd, row, fresh, sums);
        }
        for (i, sums) in sums.iter().enumerate().skip(fresh) {
            for (v, sum) in sums.iter().enumerate() {
                let columns = self.columns(v * S::F32_LANES, S::F32_LANES);
                let place = (row + i) * self.product.columns + columns.start;
                // SAFETY: no other task has these rows and columns.
                simd::write(simd, unsafe { self.out.range(place, columns.len()) }, *sum);
            }
        }
    }

    /// Writes a tile column by column: the rows of a column are neighbours in `out`.
    #[inline(always)]
    fn end_transposed<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &self,
        simd: S,
        row: usize,
        fresh: usize,
        sums: &[[S::f32s; VECTORS]; ROWS],
    ) {
        let mut lines = [[0.0; ROWS]; MOST];
        for v in 0..VECTORS {
            let columns = self.columns(v * S::F32_LANES, S::F32_LANES);
            for (i, sums) in sums.iter().enumerate() {
                let mut values = [0.0; MOST];
                simd.partial_store_f32s(&mut values[..S::F32_LANES], sums[v]);
                lines.iter_mut().zip(values).for_each(|(line, value)| line[i] = value);
            }
            for (column, line) in columns.zip(&lines) {
                // SAFETY: no other task has these rows and columns.
                let out = unsafe { self.out.range(column * self.product.rows + row + fresh, ROWS - fresh) };
                out.copy_from_slice(&line[fresh..]);
            }
        }
    }

    /// A row's values of a vector of columns.
    #[inline(always)]
    fn read<S: Simd>(&self, simd: S, row: usize, columns: Range<usize>) -> S::f32s {
        let Product { rows, columns: step, transposed, .. } = self.product;
        let mut values = [0.0; MOST];
        for (value, column) in values.iter_mut().zip(columns) {
            let place = if transposed { column * rows + row } else { row * step + column };
            // SAFETY: no other task has these rows and columns.
            *value = unsafe { self.out.range(place, 1) }[0];
        }
        simd.partial_load_f32s(&values[..S::F32_LANES])
    }

    /// The columns of `out` that a vector of the panel's holds, from its column `from` on.
    #[inline(always)]
    fn columns(&self, from: usize, lanes: usize) -> Range<usize> {
        let Panel { first, columns, .. } = self.panel;
        first + from..first + columns.min(from + lanes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::testing::{assert_near, on_threads, values};
    use proptest::prelude::*;

    /// The sum of each element in f64, and of the magnitudes of what was summed.
    fn oracle(p: Product<'_>) -> Vec<(f64, f64)> {
        let mut out = vec![(0.0, 0.0); p.rows * p.columns];
        for (i, j) in (0..p.rows).flat_map(|i| (0..p.columns).map(move |j| (i, j))) {
            let bias = f64::from(p.bias.map_or(0.0, |bias| bias[j]));
            let term = |k| f64::from(p.left[i * p.left_row + k * p.left_step]) * f64::from(p.right[k * p.columns + j]);
            let sum = bias + (0..p.depth).map(term).sum::<f64>();
            let size = bias.abs() + (0..p.depth).map(|k| term(k).abs()).sum::<f64>();
            let place = if p.transposed { j * p.rows + i } else { i * p.columns + j };
            out[place] = (if p.relu { sum.max(0.0) } else { sum }, size);
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
            rows in 0usize..70, columns in 0usize..70, depth in prop_oneof![0usize..40, 1000usize..1100],
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
