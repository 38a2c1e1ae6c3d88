//! Between examples side by side and features side by side.

use pulp::{Simd, WithSimd};

use super::lanes::{self, MOST};
use super::simd::{load, read, store, write};

/// `to[c][r] = from[r][c]`, both with rows of any step.
///
/// `to`'s rows are written to a length of `padded ≥ rows`, with zeros past `rows`.
pub struct Transpose<'a> {
    pub from: &'a [f32],
    pub from_step: usize,
    /// Where a fused ReLU gave 0, its gradient is 0: `from` counts where this, of the same shape, is not ≤ 0.
    pub gate: Option<&'a [f32]>,
    pub rows: usize,
    pub columns: usize,
    pub to: &'a mut [f32],
    pub to_step: usize,
    pub padded: usize,
}

impl WithSimd for Transpose<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let reach = |count: usize, step: usize, length: usize| if count == 0 { 0 } else { (count - 1) * step + length };
        assert!(self.from.len() >= reach(self.rows, self.from_step, self.columns));
        assert!(self.gate.is_none_or(|gate| gate.len() >= reach(self.rows, self.from_step, self.columns)));
        assert!(self.to.len() >= reach(self.columns, self.to_step, self.padded) && self.padded >= self.rows);
        if self.gate.is_some() {
            self.all::<S, true>(simd);
        } else {
            self.all::<S, false>(simd);
        }
    }
}

impl Transpose<'_> {
    #[inline(always)]
    fn all<S: Simd, const GATED: bool>(&mut self, simd: S) {
        let whole_rows = self.rows / S::F32_LANES * S::F32_LANES;
        let whole_columns = self.columns / S::F32_LANES * S::F32_LANES;
        for column in (0..whole_columns).step_by(S::F32_LANES) {
            for row in (0..whole_rows).step_by(S::F32_LANES) {
                self.whole::<S, GATED>(simd, row, column);
            }
            for row in (whole_rows..self.padded).step_by(S::F32_LANES) {
                self.part::<S, GATED>(simd, row, column);
            }
        }
        if whole_columns < self.columns {
            for row in (0..self.padded).step_by(S::F32_LANES) {
                self.part::<S, GATED>(simd, row, whole_columns);
            }
        }
    }

    /// A square of which all rows and columns are there.
    #[inline(always)]
    fn whole<S: Simd, const GATED: bool>(&mut self, simd: S, row: usize, column: usize) {
        let mut square = [simd.splat_f32s(0.0); MOST];
        for (i, vector) in square.iter_mut().enumerate().take(S::F32_LANES) {
            let at = (row + i) * self.from_step + column;
            // SAFETY: the square is within `from` (and its gate), whose length was checked at first.
            *vector = unsafe { load(simd, self.from.as_ptr().add(at)) };
            if GATED && let Some(gate) = self.gate {
                // SAFETY: as above.
                *vector = gated(simd, unsafe { load(simd, gate.as_ptr().add(at)) }, *vector);
            }
        }
        lanes::transpose(simd, &mut square);
        for (i, vector) in square.iter().enumerate().take(S::F32_LANES) {
            // SAFETY: the square is within `to`, whose length was checked at first.
            unsafe { store(simd, self.to.as_mut_ptr().add((column + i) * self.to_step + row), *vector) };
        }
    }

    /// A square of which some rows or columns may be missing.
    #[inline(always)]
    fn part<S: Simd, const GATED: bool>(&mut self, simd: S, row: usize, column: usize) {
        let mut square = [simd.splat_f32s(0.0); MOST];
        let rows = self.rows.saturating_sub(row).min(S::F32_LANES);
        let columns = (self.columns - column).min(S::F32_LANES);
        let length = (self.padded - row).min(S::F32_LANES);
        for (i, vector) in square.iter_mut().enumerate().take(rows) {
            let at = (row + i) * self.from_step + column;
            *vector = read(simd, &self.from[at..at + columns]);
            if GATED && let Some(gate) = self.gate {
                *vector = gated(simd, read(simd, &gate[at..at + columns]), *vector);
            }
        }
        lanes::transpose(simd, &mut square);
        for (i, vector) in square.iter().enumerate().take(columns) {
            let at = (column + i) * self.to_step + row;
            write(simd, &mut self.to[at..at + length], *vector);
        }
    }
}

/// A gate that is NaN lets the gradient through.
#[inline(always)]
fn gated<S: Simd>(simd: S, gate: S::f32s, gradient: S::f32s) -> S::f32s {
    let zero = simd.splat_f32s(0.0);
    simd.select_f32s(simd.less_than_or_equal_f32s(gate, zero), zero, gradient)
}
