//! Average pooling.

use burn::tensor::Tensor;
use burn::tensor::module::avg_pool2d;
use burn::tensor::ops::AvgPoolOptions;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::window::{self, LARGEST, Window, image, two};
use super::{Activation, Layer, ParamSpec, Pass, Shape};
use crate::kernel::ops::Summary;
use crate::range;
use crate::refusal::Refusal;
use crate::registry::Plugin;

/// The mean of each square window, channel by channel. Windows that do not fit whole are left away.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AveragePool {
    /// The window's side.
    #[serde(default = "two", deserialize_with = "range::at_least_one")]
    #[schemars(range(min = 1, max = LARGEST))]
    pub window: usize,
    /// By how many pixels the window moves; where absent, by its side.
    #[serde(default, deserialize_with = "range::some_at_least_one")]
    #[schemars(range(min = 1))]
    pub stride: Option<usize>,
}

impl Plugin for AveragePool {
    const NAME: &'static str = "average-pool";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "The mean of each window of an image";
    const EXAMPLE: &'static str = "window = 2";
}

impl Layer for AveragePool {
    fn infer(&self, input: Shape) -> Result<(Shape, Vec<ParamSpec>), Refusal> {
        let [channels, height, width] = image("average-pool", input)?;
        let [height, width] = Window::pooling(self.window, self.stride).over(height, width)?;
        Ok((Shape::Image([channels, height, width]), Vec::new()))
    }

    fn keeps_units_apart(&self) -> bool {
        true
    }

    fn forward(&self, input: Activation, _: &[Tensor<1>], pass: &mut Pass<'_>) -> Activation {
        let Activation::Image(x) = input else { unreachable!("infer accepts images only") };
        let window = Window::pooling(self.window, self.stride);
        if pass.kernels {
            return Activation::Image(window::summarise(x, window, Summary::Average));
        }
        let Window { side, stride, .. } = window;
        Activation::Image(avg_pool2d(x, AvgPoolOptions::new([side; 2]).with_stride([stride; 2])))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{evaluated, images};
    use super::*;

    #[test]
    fn the_mean_of_four_and_what_does_not_fit_is_left_away() {
        let pool = AveragePool { window: 2, stride: None };
        let image = images(&[1.0, 2.0, 9.0, 3.0, 4.0, 9.0, 9.0, 9.0, 9.0], [1, 1, 3, 3]);
        assert_eq!(evaluated(&pool, image), (vec![1, 1, 1, 1], vec![2.5]));
        let error = pool.infer(Shape::Image([8, 1, 1])).unwrap_err().to_string();
        assert!(error.contains("a window of 2 does not fit into an image of 1×1"), "{error}");
    }
}
