//! A fully connected layer.

use std::sync::Arc;

use burn::tensor::Tensor;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sparse::FewLinear;
use super::width::{one, scaled, yes};
use super::{Activation, Layer, ParamSpec, Pass, Role, Shape, WeightKind};
use crate::mask::Mask;
use crate::range;
use crate::refusal::Refusal;
use crate::registry::Plugin;
use crate::{device, kernel};

/// y = x · W + b, with W of `[inputs, units]` (burn's order; PyTorch stores its transpose) and b of `[units]`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Linear {
    /// Output features.
    #[serde(deserialize_with = "range::at_least_one")]
    #[schemars(range(min = 1))]
    pub units: usize,
    /// Multiplies `units`; the product is rounded half up and is at least 1.
    #[serde(default = "one", deserialize_with = "range::positive")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub width: f64,
    /// Whether a bias is added; biases start at 0 and are never pruned.
    #[serde(default = "yes")]
    pub bias: bool,
}

/// The share of kept weights below which a step over these alone is faster, from benches/README.md.
const SPARSE_BELOW: f64 = 0.5;

impl Plugin for Linear {
    const NAME: &'static str = "linear";
    const VERSION: u32 = 2;
    const SUMMARY: &'static str = "Fully connected layer, x · W + b";
    const EXAMPLE: &'static str = "units = 300";
}

impl Layer for Linear {
    fn infer(&self, input: Shape) -> Result<(Shape, Vec<ParamSpec>), Refusal> {
        let Shape::Flat(inputs) = input else {
            let refusal = Refusal::new(format!("a linear layer expects features and gets {input}"));
            return Err(refusal.help("put `flatten = {}` before it"));
        };
        let outputs = scaled("units", self.units, self.width)?;
        let role = Role::Weight { kind: WeightKind::Linear, fan_in: inputs, fan_out: outputs };
        let weight = ParamSpec { name: "weight", shape: vec![inputs, outputs], role };
        let bias = ParamSpec { name: "bias", shape: vec![outputs], role: Role::Bias };
        let params = if self.bias { vec![weight, bias] } else { vec![weight] };
        Ok((Shape::Flat(outputs), params))
    }

    fn fuses_relu(&self) -> bool {
        true
    }

    fn sparse(&self, input: Shape, mask: &Mask) -> Option<Arc<dyn Layer>> {
        let inputs = input.len();
        (mask.density() < SPARSE_BELOW).then(|| Arc::new(FewLinear::new(inputs, mask.len() / inputs, mask)) as _)
    }

    fn of_units(&self, units: usize) -> Option<Arc<dyn Layer>> {
        Some(Arc::new(Linear { units, width: 1.0, ..self.clone() }))
    }

    fn forward(&self, input: Activation, params: &[Tensor<1>], pass: &mut Pass<'_>) -> Activation {
        let (Activation::Flat(x), [weight, bias @ ..]) = (input, params) else {
            unreachable!("infer accepts features only and gives a weight")
        };
        let [batch, inputs] = x.dims();
        let outputs = weight.dims()[0] / inputs;
        if pass.kernels {
            let op = kernel::linear::Linear { batch, inputs, units: outputs, relu: pass.relu };
            let bias = bias.first().cloned().unwrap_or_else(|| device::nothing(&x.device()));
            if !(pass.is_training() && weight.is_require_grad()) {
                return Activation::Flat(device::apply(op, x, weight.clone(), bias));
            }
            let (y, late) = device::apply_late(op, x, weight.clone(), bias);
            pass.late.push((0, late));
            return Activation::Flat(y);
        }
        let y = x.matmul(weight.clone().reshape([inputs, outputs]));
        Activation::Flat(match bias {
            [bias] => y + bias.clone().reshape([1, outputs]),
            _ => y,
        })
    }
}
