//! Layers: each infers its shapes at plan time and computes with burn tensors at run time.

mod average_pool;
mod batch_norm;
mod conv;
mod dropout;
mod flatten;
mod global_average_pool;
mod linear;
mod max_pool;
mod relu;
mod sparse;
mod width;
mod window;

pub use average_pool::AveragePool;
pub use batch_norm::BatchNorm;
pub use conv::Conv;
pub use dropout::Dropout;
pub use flatten::Flatten;
pub use global_average_pool::GlobalAveragePool;
pub use linear::Linear;
pub use max_pool::MaxPool;
pub use relu::Relu;

use std::fmt;
use std::sync::Arc;

use burn::tensor::Tensor;

use crate::device::Late;
use crate::mask::Mask;
use crate::refusal::Refusal;
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
    /// "weight", "running_mean": the full name has the layer's before it.
    pub name: &'static str,
    pub shape: Vec<usize>,
    pub role: Role,
}

/// What an array of a layer is for. All of them belong to a ticket, and a rewind restores them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Role {
    /// A weight tensor that may be pruned, and what an initialiser needs to know of it.
    Weight { kind: WeightKind, fan_in: usize, fan_out: usize },
    /// Trained, never pruned, starts at 0.
    Bias,
    /// What normalised values are multiplied by: trained, never pruned, starts at 1.
    Scale,
    /// What is added to normalised values: trained, never pruned, starts at 0.
    Shift,
    /// What training passes leave behind, as running statistics: no gradient reaches it, whatever is learned.
    Buffer { start: f32 },
}

impl Role {
    /// The value that a network starts with, whatever the initialiser; `None` for weights, which are drawn.
    pub fn start(self) -> Option<f32> {
        match self {
            Role::Weight { .. } => None,
            Role::Bias | Role::Shift => Some(0.0),
            Role::Scale => Some(1.0),
            Role::Buffer { start } => Some(start),
        }
    }

    /// Whether it is a parameter, which training may move by gradients.
    pub fn is_trained(self) -> bool {
        !matches!(self, Role::Buffer { .. })
    }
}

/// What a weight tensor belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightKind {
    Conv,
    Linear,
}

/// One forward pass through one layer.
#[derive(Default)]
pub struct Pass<'a> {
    /// In training, this layer's stream of noise for this iteration; none in evaluation.
    pub noise: Option<&'a dyn Fn() -> Stream>,
    /// Whether the device's tensors rest where our kernels work; elsewhere burn's own operations do.
    pub kernels: bool,
    /// Whether the layer computes the ReLU that follows it too; only where it `fuses_relu`, and with kernels.
    pub relu: bool,
    /// What the layer's buffers become after this pass, each by its number among the layer's parameters.
    pub buffers: Vec<(usize, Tensor<1>)>,
    /// Parameters' gradients that are computed after the way back, and not by the graph, each by its number among the
    /// layer's; none in evaluation.
    pub late: Vec<(usize, Late)>,
}

impl Pass<'_> {
    /// Whether this is training: evaluation draws nothing and leaves buffers as they are.
    pub fn is_training(&self) -> bool {
        self.noise.is_some()
    }

    /// Hands back what buffer number `param` becomes; no gradient flows through it.
    pub fn keep(&mut self, param: usize, value: Tensor<1>) {
        self.buffers.push((param, value.inner()));
    }
}

/// Maps activations to activations.
pub trait Layer: Send + Sync {
    /// The shape that leaves the layer and the parameters and buffers it has, or why the input does not fit.
    fn infer(&self, input: Shape) -> Result<(Shape, Vec<ParamSpec>), Refusal>;

    /// Whether the layer's kernel can compute a ReLU that follows it in the same sweep.
    fn fuses_relu(&self) -> bool {
        false
    }

    /// The same layer over the weights alone that `mask` keeps, whose first parameter is the flat array of their values
    /// in rising order; `None` where so many are kept that the dense layer is as fast, or where there is no such layer.
    fn sparse(&self, _input: Shape, _mask: &Mask) -> Option<Arc<dyn Layer>> {
        None
    }

    /// The same layer with so many units, features or channels, of a layer whose weight makes each of its units of all that
    /// it reads, and whose bias has a value for each; `None` of any other, whose units nobody can take away.
    fn of_units(&self, _units: usize) -> Option<Arc<dyn Layer>> {
        None
    }

    /// Whether units pass through one by one and in order, so that one of them less is one of them less behind the layer,
    /// and its parameters have as many values for each.
    fn keeps_units_apart(&self) -> bool {
        false
    }

    /// Computes a batch of the shape that `infer` accepted. `params` are flat, in the order that `infer` gave.
    fn forward(&self, input: Activation, params: &[Tensor<1>], pass: &mut Pass<'_>) -> Activation;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device;
    use burn::tensor::TensorData;

    /// A batch of images of `[batch, channels, height, width]` on the host.
    pub fn images(values: &[f32], dims: [usize; 4]) -> Activation {
        let device = device::open("cpu").unwrap().plain;
        Activation::Image(Tensor::from_data(TensorData::new(values.to_vec(), dims), &device))
    }

    /// A flat parameter on the host.
    pub fn param(values: &[f32]) -> Tensor<1> {
        let device = device::open("cpu").unwrap().plain;
        Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), &device)
    }

    /// Shape and values of what a layer gives.
    pub fn values(activation: Activation) -> (Vec<usize>, Vec<f32>) {
        let (dims, data) = match activation {
            Activation::Flat(x) => (x.dims().to_vec(), x.into_data()),
            Activation::Image(x) => (x.dims().to_vec(), x.into_data()),
        };
        (dims, data.try_into_vec().unwrap())
    }

    /// What a layer without parameters gives in evaluation.
    pub fn evaluated(layer: &dyn Layer, input: Activation) -> (Vec<usize>, Vec<f32>) {
        values(layer.forward(input, &[], &mut Pass::default()))
    }
}
