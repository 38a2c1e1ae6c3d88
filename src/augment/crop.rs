//! Random crops of a padded image.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Augment, Image};
use crate::range;
use crate::refusal::Refusal;
use crate::registry::Plugin;
use crate::seed::Stream;

/// The image is padded by black pixels on every side, and a window of its own size is cut out, anywhere with equal
/// chances. As in PyTorch, padding is black before pixels are normalised.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Crop {
    /// Pixels on every side.
    #[serde(default = "four", deserialize_with = "range::at_least_one")]
    #[schemars(range(min = 1))]
    pub padding: usize,
}

fn four() -> usize {
    4
}

impl Plugin for Crop {
    const NAME: &'static str = "crop";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "A random window of the padded image";
    const SOURCE: &'static str = "Lee et al. 2015; He et al. 2016, §4.2";
    const EXAMPLE: &'static str = "padding = 4";
}

impl Augment for Crop {
    fn apply(&self, image: &mut Image<'_>, draws: &mut Stream) {
        let [_, height, width] = image.shape;
        let mut shift = || draws.below(2 * self.padding as u64 + 1) as isize - self.padding as isize;
        let (down, right) = (shift(), shift());
        for (pixels, black) in image.channels() {
            moved(pixels, [height, width], [down, right], black);
        }
    }

    fn fits(&self, [_, height, width]: [usize; 3]) -> Result<(), Refusal> {
        let smallest = height.min(width);
        if self.padding >= smallest {
            let message =
                format!("a crop's padding of {} could leave nothing of images of {height}×{width}", self.padding);
            return Err(Refusal::new(message).help(format!("make it less than {smallest}")));
        }
        Ok(())
    }
}

/// Each pixel becomes the one that is so far below and to the right of it, or black beyond the edges.
fn moved(pixels: &mut [f32], [height, width]: [usize; 2], [down, right]: [isize; 2], black: f32) {
    let from = |at: usize, by: isize, end: usize| at.checked_add_signed(by).filter(|at| *at < end);
    let mut row = |y: usize| {
        let Some(other) = from(y, down, height) else { return pixels[y * width..(y + 1) * width].fill(black) };
        let (start, end) = (right.unsigned_abs(), width - right.unsigned_abs());
        let source = other * width;
        match right >= 0 {
            true => {
                pixels.copy_within(source + start..source + width, y * width);
                pixels[y * width + end..(y + 1) * width].fill(black);
            }
            false => {
                pixels.copy_within(source..source + end, y * width + start);
                pixels[y * width..y * width + start].fill(black);
            }
        }
    };
    // No row is overwritten before it was read.
    match down >= 0 {
        true => (0..height).for_each(&mut row),
        false => (0..height).rev().for_each(&mut row),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::seen;
    use super::*;

    #[test]
    fn nine_pixels_moved_by_hand() {
        let moved = |by| {
            let mut pixels: Vec<f32> = (1..=9).map(|value| value as f32).collect();
            super::moved(&mut pixels, [3, 3], by, 0.0);
            pixels
        };
        assert_eq!(moved([0, 0]), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
        assert_eq!(moved([1, 1]), [5.0, 6.0, 0.0, 8.0, 9.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(moved([-1, -2]), [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 4.0]);
        assert_eq!(moved([2, -1]), [0.0, 7.0, 8.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn every_window_comes_and_padding_is_black() {
        let mut found = seen(Crop { padding: 1 }, &[1.0, 2.0, 3.0, 4.0], [2, 2], 200);
        found.sort_by(|a, b| a.partial_cmp(b).unwrap());
        found.dedup();
        assert_eq!(found.len(), 9);
        assert!(found.contains(&vec![-1.0, -1.0, -1.0, 1.0]) && found.contains(&vec![1.0, 2.0, 3.0, 4.0]));
    }

    proptest! {
        #[test]
        fn a_moved_image_is_what_its_pixels_say_one_by_one(
            height in 1usize..6, width in 1usize..6, down in -5isize..6, right in -5isize..6,
        ) {
            let (down, right) = (down % height as isize, right % width as isize);
            let before: Vec<f32> = (0..height * width).map(|value| value as f32).collect();
            let mut after = before.clone();
            moved(&mut after, [height, width], [down, right], -1.0);
            for y in 0..height {
                for x in 0..width {
                    let (v, u) = (y as isize + down, x as isize + right);
                    let inside = (0..height as isize).contains(&v) && (0..width as isize).contains(&u);
                    let expected = if inside { before[v as usize * width + u as usize] } else { -1.0 };
                    prop_assert_eq!(after[y * width + x], expected);
                }
            }
        }
    }
}
