//! The rectifier.

use burn::tensor::{Tensor, activation};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Activation, Layer, ParamSpec, Pass, Shape};
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

impl Layer for Relu {
    fn infer(&self, input: Shape) -> Result<(Shape, Vec<ParamSpec>), String> {
        Ok((input, Vec::new()))
    }

    fn forward(&self, input: Activation, _: &[Tensor<1>], _: &mut Pass<'_>) -> Activation {
        match input {
            Activation::Flat(x) => Activation::Flat(activation::relu(x)),
            Activation::Image(x) => Activation::Image(activation::relu(x)),
        }
    }
}
