//! Layers: each infers its shapes at plan time and computes with burn tensors at run time.

use burn::tensor::Tensor;

use crate::seed::Stream;

/// What flows between layers, for one example: features, or an image of channels × height × width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Flat(usize),
    Image([usize; 3]),
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

/// Layer kinds that prune rates tell apart; `output` is the last prunable layer, whatever its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightKind {
    Conv,
    Linear,
}

/// One forward pass: whether it trains, and the noise of its iteration.
#[derive(Clone, Copy)]
pub struct Pass<'a> {
    /// `None` at evaluation: no noise then.
    pub noise: Option<&'a dyn Fn() -> Stream>,
}

pub trait Layer: Send + Sync {
    /// The shape that leaves the layer and the parameters it has, or why the input does not fit.
    fn infer(&self, input: Shape) -> Result<(Shape, Vec<ParamSpec>), String>;

    /// Computes a batch. `params` are flat, in the order that `infer` gave.
    fn forward(&self, input: Activation, params: &[Tensor<1>], pass: Pass<'_>) -> Activation;
}
