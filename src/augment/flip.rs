//! Random mirror images.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Augment, Image};
use crate::range;
use crate::registry::Plugin;
use crate::seed::Stream;

/// Left and right are exchanged, with a probability.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Flip {
    /// How likely an image is flipped.
    #[serde(default = "half", deserialize_with = "range::fraction")]
    #[schemars(range(min = 0, max = 1))]
    pub probability: f64,
}

fn half() -> f64 {
    0.5
}

impl Plugin for Flip {
    const NAME: &'static str = "flip";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "The mirror image, every other time";
    const SOURCE: &'static str = "Krizhevsky et al. 2012, §4.1";
    const EXAMPLE: &'static str = "probability = 0.5";
}

impl Augment for Flip {
    fn apply(&self, image: &mut Image<'_>, draws: &mut Stream) {
        if draws.uniform() < self.probability {
            let width = image.shape[2];
            image.pixels.chunks_exact_mut(width).for_each(<[f32]>::reverse);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::seen;
    use super::*;

    #[test]
    fn an_image_is_mirrored_as_often_as_the_probability_says() {
        let image = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let mirrored = |probability| {
            let all = seen(Flip { probability }, &image, [2, 3], 1000);
            assert!(all.iter().all(|seen| *seen == image || *seen == [3.0, 2.0, 1.0, 6.0, 5.0, 4.0]));
            all.iter().filter(|seen| **seen != image).count()
        };
        assert_eq!((mirrored(0.0), mirrored(1.0)), (0, 1000));
        // Five standard deviations of 15.8.
        assert!(mirrored(0.5).abs_diff(500) < 80);
    }
}
