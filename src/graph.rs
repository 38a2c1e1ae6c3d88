//! A model on a device: layers and parameters become a burn training graph.
//!
//! Parameters rest as flat tensors, which layers reshape: a training reads and writes them on the host without a copy
//! where the device is the host, and nothing here depends on rank. Masks do not appear: a masked weight is exactly 0.

use burn::tensor::{Device, Tensor, TensorData};

use crate::layer::{Activation, Pass, Shape};
use crate::model::Model;
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
    let mut activation = input(model.input, pixels, device);
    let mut rest = params;
    let mut buffers = Vec::new();
    for placed in &model.layers {
        let first = params.len() - rest.len();
        let (own, others) = rest.split_at(placed.params);
        rest = others;
        let stream = |noise: Noise| noise.seeds.stream(Purpose::Noise, &placed.name).part(noise.iteration);
        let stream = noise.map(|noise| move || stream(noise));
        let mut pass = Pass { noise: stream.as_ref().map(|f| f as &dyn Fn() -> _), buffers: Vec::new() };
        activation = placed.layer.forward(activation, own, &mut pass);
        buffers.extend(pass.buffers.into_iter().map(|(param, value)| (first + param, value)));
    }
    let logits = match activation {
        Activation::Flat(logits) => logits,
        Activation::Image(image) => image.flatten(1, 3),
    };
    Passed { logits, buffers }
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
