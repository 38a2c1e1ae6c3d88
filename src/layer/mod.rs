//! Layers: each infers its shapes at plan time and computes with burn tensors at run time.

mod dropout;
mod flatten;
mod linear;
mod relu;

pub use dropout::Dropout;
pub use flatten::Flatten;
pub use linear::Linear;
pub use relu::Relu;

use std::fmt;

use burn::tensor::Tensor;

use crate::seed::Stream;

/// What flows between layers, for one example: features, or an image of channels × height × width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Flat(usize),
    Image([usize; 3]),
}

impl Shape {
    /// Number of values of one example.
    pub fn len(self) -> usize {
        self.dims().iter().product()
    }

    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    pub fn dims(self) -> Vec<usize> {
        match self {
            Shape::Flat(features) => vec![features],
            Shape::Image(dims) => dims.to_vec(),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shape::Flat(features) => write!(f, "{features} features"),
            Shape::Image([channels, height, width]) => write!(f, "an image of {channels}×{height}×{width}"),
        }
    }
}

/// What flows between layers, for a batch: `[batch, features]` or `[batch, channels, height, width]`.
#[derive(Clone, Debug)]
pub enum Activation {
    Flat(Tensor<2>),
    Image(Tensor<4>),
}

/// A parameter or buffer that a layer has.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamSpec {
    /// "weight", "bias": the full name has the layer's before it.
    pub name: &'static str,
    pub shape: Vec<usize>,
    pub role: Role,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A weight tensor that may be pruned, and what an initialiser needs to know of it.
    Weight { kind: WeightKind, fan_in: usize, fan_out: usize },
    /// Trained, never pruned, starts at 0.
    Bias,
}

/// What a weight tensor belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightKind {
    Conv,
    Linear,
}

/// One forward pass.
#[derive(Clone, Copy)]
pub struct Pass<'a> {
    /// In training, this layer's stream of noise for this iteration; none in evaluation.
    pub noise: Option<&'a dyn Fn() -> Stream>,
    /// Whether the device's tensors rest where our kernels work; elsewhere burn's own operations do.
    pub kernels: bool,
    /// Whether the layer computes the ReLU that follows it too; only where it `fuses_relu`, and with kernels.
    pub relu: bool,
}

/// Maps activations to activations.
pub trait Layer: Send + Sync {
    /// The shape that leaves the layer and the parameters it has, or why the input does not fit.
    fn infer(&self, input: Shape) -> Result<(Shape, Vec<ParamSpec>), String>;

    /// Whether the layer's kernel can compute a ReLU that follows it in the same sweep.
    fn fuses_relu(&self) -> bool {
        false
    }

    /// Computes a batch of the shape that `infer` accepted. `params` are flat, in the order that `infer` gave.
    fn forward(&self, input: Activation, params: &[Tensor<1>], pass: Pass<'_>) -> Activation;
}
