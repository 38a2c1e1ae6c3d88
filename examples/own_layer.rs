//! A layer of one's own, registered beside those that ship; docs/adding-a-layer.md builds it:
//!
//!     cargo run --release --example own_layer -- run examples/own-layer

use std::process::ExitCode;

use burn::tensor::{Tensor, activation::leaky_relu};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tombola::layer::{Activation, Layer, ParamSpec, Pass, Shape};
use tombola::refusal::Refusal;
use tombola::registry::{Plugin, Registry};

/// y = x where x > 0, and slope × x elsewhere, element by element: no unit is without a gradient.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LeakyRelu {
    /// What values below 0 are multiplied by, from 0 to 1.
    #[serde(default = "hundredth", deserialize_with = "tombola::range::fraction")]
    #[schemars(range(min = 0.0, max = 1.0))]
    slope: f64,
}

fn hundredth() -> f64 {
    0.01
}

impl Plugin for LeakyRelu {
    const NAME: &'static str = "leaky-relu";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Rectifier that lets a little of what is below 0 through";
    const SOURCE: &'static str =
        "Maas, Hannun, Ng 2013, Rectifier nonlinearities improve neural network acoustic models";
    const EXAMPLE: &'static str = "slope = 0.1";
}

impl Layer for LeakyRelu {
    fn infer(&self, input: Shape) -> Result<(Shape, Vec<ParamSpec>), Refusal> {
        Ok((input, Vec::new()))
    }

    fn forward(&self, input: Activation, _: &[Tensor<1>], _: &mut Pass<'_>) -> Activation {
        match input {
            Activation::Flat(x) => Activation::Flat(leaky_relu(x, self.slope)),
            Activation::Image(x) => Activation::Image(leaky_relu(x, self.slope)),
        }
    }
}

fn main() -> ExitCode {
    tombola::cli::main(Registry::builtin().layer::<LeakyRelu>())
}
