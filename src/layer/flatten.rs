//! An image becomes features.

use burn::tensor::Tensor;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Activation, Layer, ParamSpec, Pass, Shape};
use crate::refusal::Refusal;
use crate::registry::Plugin;

/// `[batch, channels, height, width]` becomes `[batch, channels · height · width]`, row-major; features stay.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Flatten {}

impl Plugin for Flatten {
    const NAME: &'static str = "flatten";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "An image becomes a row of features";
}

impl Layer for Flatten {
    fn infer(&self, input: Shape) -> Result<(Shape, Vec<ParamSpec>), Refusal> {
        Ok((Shape::Flat(input.len()), Vec::new()))
    }

    fn keeps_units_apart(&self) -> bool {
        true
    }

    fn forward(&self, input: Activation, _: &[Tensor<1>], _: &mut Pass<'_>) -> Activation {
        match input {
            Activation::Flat(x) => Activation::Flat(x),
            Activation::Image(x) => Activation::Flat(x.flatten(1, 3)),
        }
    }
}
