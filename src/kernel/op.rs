//! What a kernel looks like from a training graph: values in, values out, and the way back.

use std::fmt::Debug;

/// Inputs that an operation may have; one that it does not have is an empty slice.
pub const INPUTS: usize = 3;

/// An operation with its own gradients, on row-major slices.
pub trait Op: Debug + Send + Sync {
    /// The output's dimensions.
    fn shape(&self) -> Vec<usize>;

    /// Writes every element of `y`, whose old values do not matter.
    fn forward(&self, x: [&[f32]; INPUTS], y: &mut [f32]);

    /// From `dy`, the gradient with respect to y, which may be overwritten, to those of the inputs that are asked for:
    /// writes every element of them.
    fn backward(&self, x: [&[f32]; INPUTS], y: &[f32], dy: &mut [f32], dx: [Option<&mut [f32]>; INPUTS]);
}

/// An operation whose gradient with respect to its second input can be had after the way back, a piece at a time.
pub trait Later: Op {
    /// How many of the input's values a piece has; the last may have fewer.
    fn piece(&self) -> usize;

    /// The gradient of the piece from value number `from` on, from the first input and from `dy` as the way back left
    /// it. Writes every element of `dx`, which is as long as the piece.
    fn piece_of_gradient(&self, x: &[f32], dy: &[f32], from: usize, dx: &mut [f32]);
}
