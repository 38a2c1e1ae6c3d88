//! The rectifier.

use burn::tensor::{Tensor, activation};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Activation, Layer, ParamSpec, Pass, Shape};
use crate::device;
use crate::kernel::ops::Add;
use crate::refusal::Refusal;
use crate::registry::Plugin;

/// y = max(x, 0), element by element.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Relu {}

impl Plugin for Relu {
    const NAME: &'static str = "relu";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Rectifier, max(x, 0)";
}

fn rectify<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let (b, c) = (device::nothing(&x.device()), device::nothing(&x.device()));
    device::apply(Add { shape: x.dims().into(), relu: true }, x, b, c)
}

impl Layer for Relu {
    fn infer(&self, input: Shape) -> Result<(Shape, Vec<ParamSpec>), Refusal> {
        Ok((input, Vec::new()))
    }

    fn keeps_units_apart(&self) -> bool {
        true
    }

    fn forward(&self, input: Activation, _: &[Tensor<1>], pass: &mut Pass<'_>) -> Activation {
        if pass.kernels {
            return match input {
                Activation::Flat(x) => Activation::Flat(rectify(x)),
                Activation::Image(x) => Activation::Image(rectify(x)),
            };
        }
        match input {
            Activation::Flat(x) => Activation::Flat(activation::relu(x)),
            Activation::Image(x) => Activation::Image(activation::relu(x)),
        }
    }
}
