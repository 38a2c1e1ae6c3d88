//! A model on a device: layers and parameters become a burn training graph.
//!
//! Parameters rest as flat tensors, which layers reshape: a training reads and writes them on the host without a copy
//! where the device is the host, and nothing here depends on rank. Masks do not appear: a masked weight is exactly 0.

use burn::tensor::Tensor;

use crate::device::{self, Late};
use crate::kernel::ops::Add;
use crate::layer::{Activation, Pass, Relu, Shape};
use crate::model::{Model, Node, Placed};
use crate::registry::Plugin;
use crate::seed::{Purpose, Seeds};

/// The key of a training pass's noise.
#[derive(Clone, Copy)]
pub struct Noise {
    pub seeds: Seeds,
    pub iteration: u64,
}

/// What a pass gives.
pub struct Passed {
    /// `[batch, classes]`.
    pub logits: Tensor<2>,
    /// Of a training pass, what the buffers become, each by its number among the model's parameters.
    pub buffers: Vec<(usize, Tensor<1>)>,
    /// Gradients that follow the way back, numbered likewise.
    pub late: Vec<(usize, Late)>,
}

/// Runs a batch of pixels through the model: a training pass where there is noise, evaluation where there is none.
///
/// `pixels` is `[batch, pixels]`, an example of the model's input shape in each row; `params` are flat, in the model's
/// order. `kernels` tells whether the tensors rest where our kernels work. Logits are tracked where the device has
/// autodiff and a parameter requires gradients.
pub fn forward(model: &Model, params: &[Tensor<1>], pixels: Tensor<2>, kernels: bool, noise: Option<Noise>) -> Passed {
    let mut walk = Walk { params, next: 0, noise, kernels, buffers: Vec::new(), late: Vec::new() };
    let logits = match walk.through(&model.nodes, input(model.input, pixels)) {
        Activation::Flat(logits) => logits,
        Activation::Image(image) => image.flatten(1, 3),
    };
    Passed { logits, buffers: walk.buffers, late: walk.late }
}

/// A pass under way: parameters are taken in the order in which layers have them.
struct Walk<'a> {
    params: &'a [Tensor<1>],
    next: usize,
    noise: Option<Noise>,
    kernels: bool,
    buffers: Vec<(usize, Tensor<1>)>,
    late: Vec<(usize, Late)>,
}

impl Walk<'_> {
    fn through(&mut self, nodes: &[Node], input: Activation) -> Activation {
        let mut rest = nodes.iter().peekable();
        let mut x = input;
        while let Some(node) = rest.next() {
            // A ReLU costs a sweep over memory of its own, unless what comes before it does it on the way.
            let relu = self.fuses_relu(node) && rest.next_if(|next| is_relu(next)).is_some();
            x = match node {
                Node::Layer(placed) => self.layer(placed, x, relu),
                Node::Residual(block) => {
                    let body = self.through(&block.body, x.clone());
                    sum(body, self.through(&block.shortcut, x), self.kernels, relu)
                }
            };
        }
        x
    }

    fn fuses_relu(&self, node: &Node) -> bool {
        self.kernels
            && match node {
                Node::Layer(placed) => placed.layer.fuses_relu(),
                Node::Residual(_) => true,
            }
    }

    fn layer(&mut self, placed: &Placed, input: Activation, relu: bool) -> Activation {
        let first = self.next;
        self.next += placed.params;
        let stream = |noise: Noise| noise.seeds.stream(Purpose::Noise, &placed.name).part(noise.iteration);
        let stream = self.noise.map(|noise| move || stream(noise));
        let noise = stream.as_ref().map(|f| f as &dyn Fn() -> _);
        let mut pass = Pass { noise, kernels: self.kernels, relu, ..Pass::default() };
        let output = placed.layer.forward(input, &self.params[first..self.next], &mut pass);
        self.buffers.extend(pass.buffers.into_iter().map(|(param, value)| (first + param, value)));
        self.late.extend(pass.late.into_iter().map(|(param, late)| (first + param, late)));
        output
    }
}

fn is_relu(node: &Node) -> bool {
    matches!(node, Node::Layer(placed) if placed.plugin == Relu::NAME)
}

/// The sum of a block's branches; `relu` only with kernels.
fn sum(a: Activation, b: Activation, kernels: bool, relu: bool) -> Activation {
    match (a, b) {
        (Activation::Flat(a), Activation::Flat(b)) => Activation::Flat(added(a, b, kernels, relu)),
        (Activation::Image(a), Activation::Image(b)) => Activation::Image(added(a, b, kernels, relu)),
        _ => unreachable!("the plan adds equal shapes only"),
    }
}

fn added<const D: usize>(a: Tensor<D>, b: Tensor<D>, kernels: bool, relu: bool) -> Tensor<D> {
    if !kernels {
        return a + b;
    }
    let nothing = device::nothing(&a.device());
    device::apply(Add { shape: a.dims().into(), relu }, a, b, nothing)
}

fn input(shape: Shape, pixels: Tensor<2>) -> Activation {
    let [batch, _] = pixels.dims();
    match shape {
        Shape::Flat(_) => Activation::Flat(pixels),
        Shape::Image([c, h, w]) => Activation::Image(pixels.reshape([batch, c, h, w])),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use burn::tensor::TensorData;

    use super::*;
    use crate::device;
    use crate::layer::Linear;
    use crate::model::Part;

    fn linear(name: &str) -> Part {
        let layer = Linear { units: 2, width: 1.0, bias: false };
        Part::Layer { name: name.into(), plugin: "linear".into(), layer: Arc::new(layer) }
    }

    /// A block between two layers, on the input (1, 2).
    fn logits(shortcut: Vec<Part>, weights: &[[f32; 4]]) -> Vec<f32> {
        let block = Part::Residual { name: "block".into(), body: vec![linear("body")], shortcut };
        let model = Model::infer(Shape::Flat(2), vec![linear("first"), block, linear("last")]).ok().unwrap();
        let device = device::open("cpu").unwrap().plain;
        let params: Vec<Tensor<1>> =
            weights.iter().map(|w| Tensor::from_data(TensorData::new(w.to_vec(), [4]), &device)).collect();
        let pixels = Tensor::from_data([[1.0, 2.0]], &device);
        let logits = forward(&model, &params, pixels, true, None).logits;
        logits.into_data().try_into_vec().unwrap()
    }

    const SAME: [f32; 4] = [1.0, 0.0, 0.0, 1.0];
    const TENFOLD: [f32; 4] = [10.0, 0.0, 0.0, 10.0];
    const SWAP: [f32; 4] = [0.0, 1.0, 1.0, 0.0];

    #[test]
    fn a_block_adds_its_input_or_its_shortcut() {
        assert_eq!(logits(Vec::new(), &[SAME, TENFOLD, SAME]), [11.0, 22.0]);
        // 10 · (1, 2) + (2, 1), then swapped.
        assert_eq!(logits(vec![linear("shortcut")], &[SAME, TENFOLD, SWAP, SWAP]), [21.0, 12.0]);
    }
}
