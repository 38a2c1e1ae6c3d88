//! Dense two-dimensional convolution and its gradients: implicit matrix products, one group of images at a time.
//!
//! Forward and input gradient are both a `correlation`; the weight gradient sums over pixels instead of channels.

mod band;
mod column_phases;
mod correlation;
mod gate;
mod input_gradient;
mod packed_weights;
mod pixel_major;
#[cfg(test)]
mod tests;
mod unrolled;
mod weight_gradient;

use correlation::{Correlation, Epilogue, Prepared, Target};
use packed_weights::Weights;

/// The shapes of one convolution; images are `[batch, channels, height, width]`, kernels and steps square.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv {
    pub batch: usize,
    /// Channels of `x`.
    pub inputs: usize,
    pub height: usize,
    pub width: usize,
    /// Channels of `y`.
    pub outputs: usize,
    /// Side of the square kernel.
    pub kernel: usize,
    pub stride: usize,
    /// Zeros around each side of an image.
    pub padding: usize,
}

impl Conv {
    pub fn output_height(&self) -> usize {
        (self.height + 2 * self.padding - self.kernel) / self.stride + 1
    }

    pub fn output_width(&self) -> usize {
        (self.width + 2 * self.padding - self.kernel) / self.stride + 1
    }

    /// Values in one image of `x`.
    pub fn image(&self) -> usize {
        self.inputs * self.height * self.width
    }

    /// Values in one image of `y`.
    pub fn output(&self) -> usize {
        self.outputs * self.output_height() * self.output_width()
    }

    /// Values in `x`: `[batch, inputs, height, width]`.
    pub fn input_len(&self) -> usize {
        self.batch * self.image()
    }

    /// Values in `weight`: `[outputs, inputs, kernel, kernel]`.
    pub fn weight_len(&self) -> usize {
        self.outputs * self.inputs * self.kernel * self.kernel
    }

    /// Values in `y`: `[batch, outputs, output height, output width]`.
    pub fn output_len(&self) -> usize {
        self.batch * self.output()
    }
}

/// `y = x ⋆ weight + bias`, then a ReLU where `relu` is set. `bias` is `[outputs]`; the other shapes are [`Conv`]'s.
pub fn forward(conv: &Conv, x: &[f32], weight: &[f32], bias: Option<&[f32]>, relu: bool, y: &mut [f32]) {
    assert_eq!((x.len(), weight.len(), y.len()), (conv.input_len(), conv.weight_len(), conv.output_len()));
    assert!(bias.is_none_or(|bias| bias.len() == conv.outputs));
    let (rows, columns) = (conv.output_height(), conv.output_width());
    let correlation = Correlation {
        inputs: conv.inputs,
        height: conv.height,
        width: conv.width,
        outputs: conv.outputs,
        rows,
        columns,
        kernel_rows: conv.kernel,
        kernel_columns: conv.kernel,
        stride: conv.stride,
        top: conv.padding as isize,
        left: conv.padding as isize,
    };
    let area = conv.kernel * conv.kernel;
    let weights = Weights {
        values: weight,
        first: 0,
        output_step: conv.inputs * area,
        input_step: area,
        row_step: conv.kernel as isize,
        column_step: 1,
    };
    let target = Target { height: rows, width: columns, first_row: 0, first_column: 0, step: 1 };
    Prepared::new(correlation, &weights, Epilogue { bias, relu }, target).run(x, y);
}

/// The gradients that are asked for, given `dy`, the gradient of `y`.
///
/// With `y`, whose ReLU was fused, `dy` is first gated in place: it becomes 0 where `y` is 0. A NaN in `y` lets it pass.
/// `dx`, `dw` and `db` have the shapes of `x`, `weight` and the bias; all their values are overwritten.
#[expect(clippy::too_many_arguments, reason = "a kernel's tensors")]
pub fn backward(
    conv: &Conv,
    x: &[f32],
    weight: &[f32],
    y: Option<&[f32]>,
    dy: &mut [f32],
    dx: Option<&mut [f32]>,
    dw: Option<&mut [f32]>,
    db: Option<&mut [f32]>,
) {
    assert_eq!((x.len(), weight.len(), dy.len()), (conv.input_len(), conv.weight_len(), conv.output_len()));
    assert!(y.is_none_or(|y| y.len() == dy.len()));
    gate::gate_and_sum(conv, y, dy, db);
    if let Some(dw) = dw {
        weight_gradient::weight_gradient(conv, x, dy, dw);
    }
    if let Some(dx) = dx {
        input_gradient::input_gradient(conv, weight, dy, dx);
    }
}
