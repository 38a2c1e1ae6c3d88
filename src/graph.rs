//! A model on a device: layers and parameters become a burn training graph.
//!
//! Parameters rest as flat tensors, which layers reshape: a training reads and writes them on the host without a copy
//! where the device is the host, and nothing here depends on rank. Masks do not appear: a masked weight is exactly 0.

use burn::tensor::{Device, Tensor, TensorData};

use crate::layer::{Activation, Pass, Shape};
use crate::model::{Model, Node, Placed};
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
}

/// Runs a batch of pixels through the model: a training pass where there is noise, evaluation where there is none.
///
/// `pixels` holds `batch` examples of the model's input shape, row-major; `params` are flat, in the model's order.
/// Logits are tracked where the device has autodiff and a parameter requires gradients.
pub fn forward(model: &Model, params: &[Tensor<1>], pixels: Vec<f32>, device: &Device, noise: Option<Noise>) -> Passed {
    let mut walk = Walk { params, next: 0, noise, buffers: Vec::new() };
    let logits = match walk.through(&model.nodes, input(model.input, pixels, device)) {
        Activation::Flat(logits) => logits,
        Activation::Image(image) => image.flatten(1, 3),
    };
    Passed { logits, buffers: walk.buffers }
}

/// A pass under way: parameters are taken in the order in which layers have them.
struct Walk<'a> {
    params: &'a [Tensor<1>],
    next: usize,
    noise: Option<Noise>,
    buffers: Vec<(usize, Tensor<1>)>,
}

impl Walk<'_> {
    fn through(&mut self, nodes: &[Node], input: Activation) -> Activation {
        nodes.iter().fold(input, |x, node| match node {
            Node::Layer(placed) => self.layer(placed, x),
            Node::Residual(block) => {
                let body = self.through(&block.body, x.clone());
                sum(body, self.through(&block.shortcut, x))
            }
        })
    }

    fn layer(&mut self, placed: &Placed, input: Activation) -> Activation {
        let first = self.next;
        self.next += placed.params;
        let stream = |noise: Noise| noise.seeds.stream(Purpose::Noise, &placed.name).part(noise.iteration);
        let stream = self.noise.map(|noise| move || stream(noise));
        let mut pass = Pass { noise: stream.as_ref().map(|f| f as &dyn Fn() -> _), buffers: Vec::new() };
        let output = placed.layer.forward(input, &self.params[first..self.next], &mut pass);
        self.buffers.extend(pass.buffers.into_iter().map(|(param, value)| (first + param, value)));
        output
    }
}

fn sum(a: Activation, b: Activation) -> Activation {
    match (a, b) {
        (Activation::Flat(a), Activation::Flat(b)) => Activation::Flat(a + b),
        (Activation::Image(a), Activation::Image(b)) => Activation::Image(a + b),
        _ => unreachable!("the plan adds equal shapes only"),
    }
}

fn input(shape: Shape, pixels: Vec<f32>, device: &Device) -> Activation {
    let batch = pixels.len() / shape.len();
    match shape {
        Shape::Flat(n) => Activation::Flat(Tensor::from_data(TensorData::new(pixels, [batch, n]), device)),
        Shape::Image([c, h, w]) => {
            Activation::Image(Tensor::from_data(TensorData::new(pixels, [batch, c, h, w]), device))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

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
        let logits = forward(&model, &params, vec![1.0, 2.0], &device, None).logits;
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
