//! The gradient of the images: for each phase of the stride, a correlation of `dy` with part of the flipped kernel.

use super::Conv;
use super::correlation::{Correlation, Epilogue, Prepared, Target};
use super::packed_weights::Weights;
use crate::kernel::tasks::each_chunk;

/// `dx[c, r, q] = Σ dy[o, (r + padding − i) ÷ stride, (q + padding − j) ÷ stride] · weight[o, c, i, j]` over those
/// kernel rows i and columns j that divide without remainder.
pub fn input_gradient(conv: &Conv, weight: &[f32], dy: &[f32], dx: &mut [f32]) {
    assert_eq!(dx.len(), conv.input_len());
    let phases = |i| (0..conv.stride).map(move |j| (i, j));
    let parts: Vec<_> = (0..conv.stride).flat_map(phases).map(|(i, j)| part(conv, i, j, weight)).collect();
    if let [whole] = &parts[..] {
        return whole.run(dy, dx);
    }
    // All phases of an image while it is in the cache.
    let images = parts.iter().map(Prepared::images).min().unwrap_or(1);
    let (dx_len, dy_len) = (images * dx.len() / conv.batch.max(1), images * dy.len() / conv.batch.max(1));
    let buffers = || parts.iter().map(Prepared::buffers).collect::<Vec<_>>();
    each_chunk(dx, dx_len.max(1), buffers, |buffers, group, dx| {
        let dy = &dy[group * dy_len..];
        let dy = &dy[..dy_len.min(dy.len())];
        parts.iter().zip(buffers).for_each(|(part, buffers)| part.run_here(buffers, dy, dx));
    });
}

/// The rows (or columns) of `dx` that meet only kernel rows `phase`, `phase + stride`, …
struct Phase {
    phase: usize,
    /// Kernel rows of this phase.
    taps: usize,
    /// First row of `dx`, and how many: every `stride`-th.
    first: usize,
    len: usize,
    /// Zeros that `dy` is seen to have before it.
    before: isize,
}

impl Phase {
    fn new(conv: &Conv, phase: usize, side: usize) -> Self {
        let (stride, padding) = (conv.stride, conv.padding);
        let taps = conv.kernel.saturating_sub(phase).div_ceil(stride);
        // Row r of `dx` is at r + padding = stride · q + phase; `dy` row q meets the phase's first tap there.
        let first_q = padding.saturating_sub(phase).div_ceil(stride);
        let first = stride * first_q + phase - padding;
        let len = side.saturating_sub(first).div_ceil(stride);
        Self { phase, taps, first, len, before: taps as isize - 1 - first_q as isize }
    }

    /// The flipped kernel starts with the phase's last tap.
    fn last_tap(&self, stride: usize) -> usize {
        self.phase + stride * self.taps.saturating_sub(1)
    }
}

/// The correlation that gives one phase of rows and one of columns.
fn part<'a>(conv: &Conv, row_phase: usize, column_phase: usize, weight: &[f32]) -> Prepared<'a> {
    let rows = Phase::new(conv, row_phase, conv.height);
    let columns = Phase::new(conv, column_phase, conv.width);
    let empty = rows.taps * columns.taps == 0;
    let correlation = Correlation {
        inputs: if empty { 0 } else { conv.outputs },
        height: conv.output_height(),
        width: conv.output_width(),
        outputs: conv.inputs,
        rows: rows.len,
        columns: columns.len,
        kernel_rows: rows.taps,
        kernel_columns: columns.taps,
        stride: 1,
        top: rows.before,
        left: columns.before,
    };
    let area = conv.kernel * conv.kernel;
    let weights = Weights {
        values: weight,
        first: rows.last_tap(conv.stride) * conv.kernel + columns.last_tap(conv.stride),
        output_step: area,
        input_step: conv.inputs * area,
        row_step: -((conv.stride * conv.kernel) as isize),
        column_step: -(conv.stride as isize),
    };
    let target = Target {
        height: conv.height,
        width: conv.width,
        first_row: rows.first,
        first_column: columns.first,
        step: conv.stride,
    };
    Prepared::new(correlation, &weights, Epilogue { bias: None, relu: false }, target)
}
