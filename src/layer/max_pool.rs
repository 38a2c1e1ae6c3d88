//! Max pooling.

use burn::tensor::Tensor;
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::window::{self, LARGEST, Window, image, two};
use super::{Activation, Layer, ParamSpec, Pass, Shape};
use crate::kernel::ops::Summary;
use crate::range;
use crate::refusal::Refusal;
use crate::registry::Plugin;

/// The largest value of each square window, channel by channel. Windows that do not fit whole are left away. Padding is
/// below all values, as in PyTorch, so that it never is the largest.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaxPool {
    /// The window's side.
    #[serde(default = "two", deserialize_with = "range::at_least_one")]
    #[schemars(range(min = 1, max = LARGEST))]
    pub window: usize,
    /// By how many pixels the window moves; where absent, by its side.
    #[serde(default, deserialize_with = "range::some_at_least_one")]
    #[schemars(range(min = 1))]
    pub stride: Option<usize>,
    /// Pixels of padding on every side, at most half the window; where absent, none.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub padding: Option<usize>,
}

impl MaxPool {
    fn window(&self) -> Window {
        Window { padding: self.padding.unwrap_or(0), ..Window::pooling(self.window, self.stride) }
    }
}

impl Plugin for MaxPool {
    const NAME: &'static str = "max-pool";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "The largest value of each window of an image";
    const EXAMPLE: &'static str = "window = 2";
}

impl Layer for MaxPool {
    fn infer(&self, input: Shape) -> Result<(Shape, Vec<ParamSpec>), Refusal> {
        let [channels, height, width] = image("max-pool", input)?;
        let window = self.window();
        if 2 * window.padding > window.side {
            let refusal =
                Refusal::of("padding", format!("padding = {} lets a window see padding only", window.padding));
            return Err(refusal.help(format!("it must be at most half of window = {}", window.side)));
        }
        let [height, width] = window.over(height, width)?;
        Ok((Shape::Image([channels, height, width]), Vec::new()))
    }

    fn keeps_units_apart(&self) -> bool {
        true
    }

    fn forward(&self, input: Activation, _: &[Tensor<1>], pass: &mut Pass<'_>) -> Activation {
        let Activation::Image(x) = input else { unreachable!("infer accepts images only") };
        let window = self.window();
        // Our kernel knows no padding, which one layer of a network has at most.
        if pass.kernels && window.padding == 0 {
            return Activation::Image(window::summarise(x, window, Summary::Maximum));
        }
        let Window { side, stride, padding, .. } = window;
        let options = MaxPoolOptions::new([side; 2]).with_stride([stride; 2]).with_padding([padding; 2]);
        Activation::Image(max_pool2d(x, options))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{evaluated, images};
    use super::*;

    #[test]
    fn the_largest_of_four_and_what_does_not_fit_is_left_away() {
        let pool = |stride| MaxPool { window: 2, stride, padding: None };
        // 1 -2 9 / 3 -4 9 / 9 9 9
        let image = || images(&[1.0, -2.0, 9.0, 3.0, -4.0, 9.0, 9.0, 9.0, 9.0], [1, 1, 3, 3]);
        assert_eq!(evaluated(&pool(None), image()), (vec![1, 1, 1, 1], vec![3.0]));
        assert_eq!(evaluated(&pool(Some(1)), image()), (vec![1, 1, 2, 2], vec![3.0, 9.0, 9.0, 9.0]));
        assert_eq!(evaluated(&pool(None), images(&[-1.0, -2.0, -3.0, -4.0], [1, 1, 2, 2])).1, [-1.0], "below 0 too");
    }

    #[test]
    fn padding_is_below_every_value() {
        let pool = MaxPool { window: 3, stride: Some(2), padding: Some(1) };
        // -1 -2 -3 -4 / -5 -6 -7 -8 / -9 -10 -11 -12 / -13 -14 -15 -16: windows around rows and columns 0 and 2.
        let values: Vec<f32> = (1..=16).map(|value| -(value as f32)).collect();
        assert_eq!(evaluated(&pool, images(&values, [1, 1, 4, 4])), (vec![1, 1, 2, 2], vec![-1.0, -2.0, -5.0, -6.0]));
        assert_eq!(pool.infer(Shape::Image([64, 112, 112])).unwrap().0, Shape::Image([64, 56, 56]), "ResNet's");
        let error = MaxPool { padding: Some(2), ..pool }.infer(Shape::Image([1, 4, 4])).unwrap_err().to_string();
        assert!(error.contains("at most half of window = 3"), "{error}");
    }

    #[test]
    fn features_are_refused() {
        let error = MaxPool { window: 2, stride: None, padding: None }.infer(Shape::Flat(4)).unwrap_err().to_string();
        assert!(error.contains("put it before `flatten = {}`"), "{error}");
    }
}
