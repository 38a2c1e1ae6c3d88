//! Convolution over images.

use std::sync::Arc;

use burn::tensor::Tensor;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sparse::FewConv;
use super::width::{one, scaled, yes};
use super::window::{LARGEST, Window, image};
use super::{Activation, Layer, ParamSpec, Pass, Role, Shape, WeightKind};
use crate::device;
use crate::kernel::conv;
use crate::kernel::ops::Convolve;
use crate::mask::Mask;
use crate::range;
use crate::refusal::Refusal;
use crate::registry::Plugin;

/// `[batch, inputs, height, width]` becomes `[batch, channels, height′, width′]`: each output is the sum over a square
/// window of all input channels × weights, plus a bias. The weight is `[channels, inputs, kernel, kernel]`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Conv {
    /// Output channels.
    #[serde(deserialize_with = "range::at_least_one")]
    #[schemars(range(min = 1))]
    pub channels: usize,
    /// Multiplies `channels`; the product is rounded half up and is at least 1.
    #[serde(default = "one", deserialize_with = "range::positive")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub width: f64,
    /// The window's side.
    #[serde(default = "three", deserialize_with = "range::at_least_one")]
    #[schemars(range(min = 1, max = LARGEST))]
    pub kernel: usize,
    /// By how many pixels the window moves.
    #[serde(default = "step", deserialize_with = "range::at_least_one")]
    #[schemars(range(min = 1))]
    pub stride: usize,
    /// Zeros on every side; where absent, kernel ÷ 2, which keeps the image's size where the kernel is odd and the
    /// stride 1.
    #[serde(default)]
    pub padding: Option<usize>,
    /// Whether a bias is added; biases start at 0 and are never pruned.
    #[serde(default = "yes")]
    pub bias: bool,
}

fn three() -> usize {
    3
}

fn step() -> usize {
    1
}

/// The share of kept weights below which a step over these alone is faster, from benches/README.md.
const SPARSE_BELOW: f64 = 0.35;

impl Plugin for Conv {
    const NAME: &'static str = "conv";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Convolution over an image";
    const EXAMPLE: &'static str = "channels = 64, kernel = 3";
}

impl Conv {
    fn window(&self) -> Window {
        let padding = self.padding.unwrap_or(self.kernel / 2);
        Window { name: "kernel", side: self.kernel, stride: self.stride, padding }
    }
}

impl Layer for Conv {
    fn infer(&self, input: Shape) -> Result<(Shape, Vec<ParamSpec>), Refusal> {
        let [inputs, height, width] = image("a conv layer", input)?;
        let channels = scaled("channels", self.channels, self.width)?;
        let [height, width] = self.window().over(height, width)?;
        let area = self.kernel * self.kernel;
        let role = Role::Weight { kind: WeightKind::Conv, fan_in: inputs * area, fan_out: channels * area };
        let weight = ParamSpec { name: "weight", shape: vec![channels, inputs, self.kernel, self.kernel], role };
        let bias = ParamSpec { name: "bias", shape: vec![channels], role: Role::Bias };
        let params = if self.bias { vec![weight, bias] } else { vec![weight] };
        Ok((Shape::Image([channels, height, width]), params))
    }

    fn fuses_relu(&self) -> bool {
        true
    }

    fn sparse(&self, input: Shape, mask: &Mask) -> Option<Arc<dyn Layer>> {
        let (Shape::Image([inputs, height, width]), true) = (input, mask.density() < SPARSE_BELOW) else { return None };
        let Window { side, stride, padding, .. } = self.window();
        let outputs = mask.len() / (inputs * side * side);
        let conv = conv::Conv { batch: 0, inputs, height, width, outputs, kernel: side, stride, padding };
        Some(Arc::new(FewConv::new(conv, mask)))
    }

    fn of_units(&self, channels: usize) -> Option<Arc<dyn Layer>> {
        Some(Arc::new(Conv { channels, width: 1.0, ..self.clone() }))
    }

    fn forward(&self, input: Activation, params: &[Tensor<1>], pass: &mut Pass<'_>) -> Activation {
        let (Activation::Image(x), [weight, bias @ ..]) = (input, params) else {
            unreachable!("infer accepts images only and gives a weight")
        };
        let [batch, inputs, height, width] = x.dims();
        let Window { side, stride, padding, .. } = self.window();
        let channels = weight.dims()[0] / (inputs * side * side);
        if pass.kernels {
            let conv = conv::Conv { batch, inputs, height, width, outputs: channels, kernel: side, stride, padding };
            let bias = bias.first().cloned().unwrap_or_else(|| device::nothing(&x.device()));
            return Activation::Image(device::apply(Convolve { conv, relu: pass.relu }, x, weight.clone(), bias));
        }
        let weight = weight.clone().reshape([channels, inputs, side, side]);
        let window = device::Window { stride, padding };
        Activation::Image(device::convolve(x, weight, bias.first().cloned(), window))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{images, param, values};
    use super::*;

    fn conv(json: &str) -> Conv {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn an_image_of_four_pixels_worked_by_hand() {
        // The window sees, of 1 2 / 3 4, what its place leaves; the kernel is 1 to 9, row by row.
        let kernel: Vec<f32> = (1..=9u8).map(f32::from).collect();
        let forward = |config: &str, params: &[Tensor<1>]| {
            values(conv(config).forward(images(&[1.0, 2.0, 3.0, 4.0], [1, 1, 2, 2]), params, &mut Pass::default()))
        };
        // Top left: 5·1 + 6·2 + 8·3 + 9·4; top right: 4·1 + 5·2 + 7·3 + 8·4; and so on.
        let (dims, sums) = forward(r#"{ "channels": 1, "bias": false }"#, &[param(&kernel)]);
        assert_eq!((dims, sums), (vec![1, 1, 2, 2], vec![77.0, 67.0, 47.0, 37.0]));
        let (dims, sums) = forward(r#"{ "channels": 1, "stride": 2 }"#, &[param(&kernel), param(&[0.5])]);
        assert_eq!((dims, sums), (vec![1, 1, 1, 1], vec![77.5]));
        // Two channels of 1 × 1: ×2 and ×(−1), with biases.
        let (dims, sums) = forward(r#"{ "channels": 2, "kernel": 1 }"#, &[param(&[2.0, -1.0]), param(&[0.0, 1.0])]);
        assert_eq!((dims, sums), (vec![1, 2, 2, 2], vec![2.0, 4.0, 6.0, 8.0, 0.0, -1.0, -2.0, -3.0]));
    }

    #[test]
    fn a_weight_knows_its_fans() {
        let (output, params) =
            conv(r#"{ "channels": 64, "width": 0.5, "stride": 2 }"#).infer(Shape::Image([3, 32, 32])).unwrap();
        assert_eq!(output, Shape::Image([32, 16, 16]));
        assert_eq!(params[0].shape, [32, 3, 3, 3]);
        assert_eq!(params[0].role, Role::Weight { kind: WeightKind::Conv, fan_in: 27, fan_out: 288 });
        assert_eq!((params[1].name, params[1].shape.as_slice()), ("bias", &[32][..]));
    }

    #[test]
    fn features_are_refused_with_the_remedy() {
        let error = conv(r#"{ "channels": 1 }"#).infer(Shape::Flat(784)).unwrap_err().to_string();
        let told = "a conv layer expects an image and gets 784 features: put it before `flatten = {}`, or leave it out";
        assert_eq!(error, told);
    }
}
