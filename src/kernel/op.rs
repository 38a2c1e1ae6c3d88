//! What a kernel looks like from a training graph: values in, values out, and the way back.

use std::fmt::Debug;

/// Inputs that an operation may have; one that it does not have is an empty slice.
pub const INPUTS: usize = 3;

/// An operation with its own gradients, on row-major slices.
pub trait Op: Debug + Send + Sync {
    /// The output's dimensions.
    fn shape(&self) -> Vec<usize>;

    /// What `backward` reads of the step forward. The rest is not held for it: `backward` is given empty slices.
    fn reads(&self) -> Reads {
        Reads { x: true, y: true }
    }

    /// Writes every element of `y`, whose old values do not matter.
    fn forward(&self, x: [&[f32]; INPUTS], y: &mut [f32]);

    /// From `dy`, the gradient with respect to y, to those of the inputs that are asked for: writes every element of
    /// them.
    fn backward(&self, x: [&[f32]; INPUTS], y: &[f32], dy: &mut dyn Incoming, dx: [Option<&mut [f32]>; INPUTS]);

    /// Whether `dy`, as `backward` leaves it, is the gradient of every input: then `backward` is asked for none.
    fn passes_on(&self) -> bool {
        false
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Reads {
    pub x: bool,
    pub y: bool,
}

/// A gradient on its way back. Others may hold it too: who only reads it makes no copy.
pub trait Incoming {
    fn read(&self) -> &[f32];
    /// To overwrite.
    fn write(&mut self) -> &mut [f32];
}

impl Incoming for Vec<f32> {
    fn read(&self) -> &[f32] {
        self
    }

    fn write(&mut self) -> &mut [f32] {
        self
    }
}

/// An operation whose gradient with respect to its second input can be had after the way back, a piece at a time.
pub trait Later: Op {
    /// How many of the input's values a piece has; the last may have fewer.
    fn piece(&self) -> usize;

    /// The gradient of the piece from value number `from` on, from the first input and from `dy` as the way back left
    /// it. Writes every element of `dx`, which is as long as the piece.
    fn piece_of_gradient(&self, x: &[f32], dy: &[f32], from: usize, dx: &mut [f32]);
}
