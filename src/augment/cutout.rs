//! Squares cut out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Augment, Image};
use crate::range;
use crate::refusal::Refusal;
use crate::registry::Plugin;
use crate::seed::Stream;

/// A square of pixels becomes 0, which after normalisation is the data set's mean. Its centre is any pixel with equal
/// chances, so that at the edges less than the whole square is cut out, as in the authors' code.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cutout {
    /// The square's side.
    #[serde(deserialize_with = "range::at_least_one")]
    #[schemars(range(min = 1))]
    pub size: usize,
}

impl Plugin for Cutout {
    const NAME: &'static str = "cutout";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "A random square set to 0";
    const SOURCE: &'static str = "DeVries & Taylor 2017";
    const EXAMPLE: &'static str = "size = 16";
}

impl Augment for Cutout {
    fn apply(&self, image: &mut Image<'_>, draws: &mut Stream) {
        let [_, height, width] = image.shape;
        let (rows, columns) = (self.part(height, draws), self.part(width, draws));
        for (pixels, _) in image.channels() {
            rows.clone().for_each(|y| pixels[y * width..][columns.clone()].fill(0.0));
        }
    }

    fn fits(&self, [_, height, width]: [usize; 3]) -> Result<(), Refusal> {
        let largest = 2 * height.max(width);
        if self.size >= largest {
            let message = format!("a square of {} cuts out all of images of {height}×{width}", self.size);
            return Err(Refusal::new(message).help(format!("make it less than {largest}")));
        }
        Ok(())
    }
}

impl Cutout {
    /// From half the size before a centre to half the size after it, within the image.
    fn part(&self, length: usize, draws: &mut Stream) -> std::ops::Range<usize> {
        let centre = draws.below(length as u64) as usize;
        let start = centre.saturating_sub(self.size / 2);
        start..(centre + self.size.div_ceil(2)).min(length)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::seen;
    use super::*;

    #[test]
    fn a_square_of_two_around_each_pixel_of_a_row() {
        let mut found = seen(Cutout { size: 2 }, &[1.0, 2.0, 3.0], [1, 3], 100);
        found.sort_by(|a, b| a.partial_cmp(b).unwrap());
        found.dedup();
        // Around 0, 1 and 2: pixel 0 (−1 is outside), pixels 0 and 1, pixels 1 and 2.
        assert_eq!(found, [vec![0.0, 0.0, 3.0], vec![0.0, 2.0, 3.0], vec![1.0, 0.0, 0.0]]);
    }

    #[test]
    fn an_image_of_nothing_is_refused() {
        assert!(Cutout { size: 63 }.fits([3, 32, 32]).is_ok());
        assert!(Cutout { size: 64 }.fits([3, 32, 32]).unwrap_err().message.contains("all of images of 32×32"));
    }
}
