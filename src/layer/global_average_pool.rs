//! Global average pooling.

use burn::tensor::Tensor;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::window::{self, Window, image};
use super::{Activation, Layer, ParamSpec, Pass, Shape};
use crate::kernel::ops::Summary;
use crate::refusal::Refusal;
use crate::registry::Plugin;

/// `[batch, channels, height, width]` becomes `[batch, channels]`: each channel's mean is a feature, whatever the
/// image's size. It ends a residual network before its output layer.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GlobalAveragePool {}

impl Plugin for GlobalAveragePool {
    const NAME: &'static str = "global-average-pool";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Each channel's mean becomes a feature";
    const SOURCE: &'static str = "Lin et al. 2014, Network in network, §3.2";
}

impl Layer for GlobalAveragePool {
    fn infer(&self, input: Shape) -> Result<(Shape, Vec<ParamSpec>), Refusal> {
        let [channels, ..] = image(Self::NAME, input)?;
        Ok((Shape::Flat(channels), Vec::new()))
    }

    fn keeps_units_apart(&self) -> bool {
        true
    }

    fn forward(&self, input: Activation, _: &[Tensor<1>], pass: &mut Pass<'_>) -> Activation {
        let Activation::Image(x) = input else { unreachable!("infer accepts images only") };
        let [batch, channels, height, width] = x.dims();
        if pass.kernels && height == width {
            let whole = Window::pooling(height, None);
            return Activation::Flat(window::summarise(x, whole, Summary::Average).reshape([batch, channels]));
        }
        let means = x.reshape([batch, channels, height * width]).mean_dim(2);
        Activation::Flat(means.reshape([batch, channels]))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{evaluated, images};
    use super::*;

    #[test]
    fn channels_become_features() {
        // Two examples of two channels of 1 × 2 pixels.
        let batch = images(&[1.0, 3.0, -1.0, 1.0, 5.0, 5.0, 0.5, 1.5], [2, 2, 1, 2]);
        assert_eq!(evaluated(&GlobalAveragePool {}, batch), (vec![2, 2], vec![2.0, 0.0, 5.0, 1.0]));
        assert_eq!(GlobalAveragePool {}.infer(Shape::Image([64, 8, 8])).unwrap().0, Shape::Flat(64));
    }
}
