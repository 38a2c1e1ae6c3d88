//! Random parts of an image, made as large as the whole.

use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Augment, Image};
use crate::registry::Plugin;
use crate::seed::Stream;

/// A window of random area and aspect ratio is cut out, anywhere with equal chances, and resized to the image's own size,
/// bilinearly. As in torchvision, a window that does not fit the image is drawn again; where ten do not, it is the largest
/// in the middle whose ratio is within bounds. It is cut out of the image as the data set has it, whose centre was cut out
/// already.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResizedCrop {
    /// The least and the greatest part of the image's area.
    #[serde(default = "scale", deserialize_with = "parts")]
    #[schemars(extend("items" = { "type": "number", "exclusiveMinimum": 0, "maximum": 1 }))]
    pub scale: [f64; 2],
    /// The least and the greatest width ÷ height, in equal chances by its logarithm.
    #[serde(default = "ratio", deserialize_with = "rising")]
    #[schemars(extend("items" = { "type": "number", "exclusiveMinimum": 0 }))]
    pub ratio: [f64; 2],
}

fn scale() -> [f64; 2] {
    [0.08, 1.0]
}

fn ratio() -> [f64; 2] {
    [3.0 / 4.0, 4.0 / 3.0]
}

/// Two finite numbers above 0, of which the second is not less.
fn rising<'de, D: Deserializer<'de>>(from: D) -> Result<[f64; 2], D::Error> {
    match <[f64; 2]>::deserialize(from)? {
        [least, greatest] if 0.0 < least && least <= greatest && greatest.is_finite() => Ok([least, greatest]),
        other => Err(D::Error::custom(format!("{other:?} is out of range: two numbers above 0, the lesser first"))),
    }
}

fn parts<'de, D: Deserializer<'de>>(from: D) -> Result<[f64; 2], D::Error> {
    match rising(from)? {
        parts if parts[1] <= 1.0 => Ok(parts),
        other => Err(D::Error::custom(format!("{other:?} is out of range: no part is more than 1"))),
    }
}

impl Plugin for ResizedCrop {
    const NAME: &'static str = "resized-crop";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "A random window, resized to the whole image";
    const SOURCE: &'static str = "Szegedy et al. 2015, §6; torchvision's RandomResizedCrop";
    const EXAMPLE: &'static str = "scale = [0.08, 1.0]";
}

impl Augment for ResizedCrop {
    fn apply(&self, image: &mut Image<'_>, draws: &mut Stream) {
        let [_, height, width] = image.shape;
        let window = self.window([height, width], draws);
        if window == (Window { top: 0, left: 0, height, width }) {
            return;
        }
        let (rows, columns) = (taps(window.top, window.height, height), taps(window.left, window.width, width));
        let mut whole = vec![0.0; height * width];
        for (pixels, _) in image.channels() {
            whole.copy_from_slice(pixels);
            for (row, out) in rows.iter().zip(pixels.chunks_exact_mut(width)) {
                let [upper, lower] = [row.first, row.second].map(|y| &whole[y * width..][..width]);
                for (column, out) in columns.iter().zip(out) {
                    let [above, below] =
                        [upper, lower].map(|line| between(line[column.first], line[column.second], column));
                    *out = between(above, below, row);
                }
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    top: usize,
    left: usize,
    height: usize,
    width: usize,
}

impl ResizedCrop {
    fn window(&self, [height, width]: [usize; 2], draws: &mut Stream) -> Window {
        let [least, greatest] = self.scale;
        let [narrow, wide] = self.ratio.map(libm::log);
        for _ in 0..10 {
            let area = (height * width) as f64 * (least + (greatest - least) * draws.uniform());
            let ratio = libm::exp(narrow + (wide - narrow) * draws.uniform());
            let [w, h] = [area * ratio, area / ratio].map(|square| square.sqrt().round_ties_even() as usize);
            if (1..=width).contains(&w) && (1..=height).contains(&h) {
                let mut start = |whole: usize, part: usize| draws.below((whole - part) as u64 + 1) as usize;
                let (top, left) = (start(height, h), start(width, w));
                return Window { top, left, height: h, width: w };
            }
        }
        self.middle([height, width])
    }

    /// The largest window in the middle whose ratio is within bounds.
    fn middle(&self, [height, width]: [usize; 2]) -> Window {
        let (ratio, [narrow, wide]) = (width as f64 / height as f64, self.ratio);
        let whole = |side: f64, most: usize| (side.round_ties_even() as usize).clamp(1, most);
        let (h, w) = match (ratio < narrow, ratio > wide) {
            (true, _) => (whole(width as f64 / narrow, height), width),
            (_, true) => (height, whole(height as f64 * wide, width)),
            _ => (height, width),
        };
        Window { top: (height - h) / 2, left: (width - w) / 2, height: h, width: w }
    }
}

/// Two neighbours, and how much of the second.
struct Tap {
    first: usize,
    second: usize,
    part: f32,
}

/// Of each pixel of a line of `to`, where it lies in the window of `from` pixels at `start`: the centre of output pixel i is
/// at (i + ½) · from ÷ to − ½. Beyond the centres at the window's edges, the edge goes on.
fn taps(start: usize, from: usize, to: usize) -> Vec<Tap> {
    let tap = |i: usize| {
        let at = ((i as f64 + 0.5) * from as f64 / to as f64 - 0.5).max(0.0);
        let first = (at as usize).min(from - 1);
        Tap { first: start + first, second: start + (first + 1).min(from - 1), part: (at - first as f64) as f32 }
    };
    (0..to).map(tap).collect()
}

fn between(first: f32, second: f32, tap: &Tap) -> f32 {
    first + (second - first) * tap.part
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{SEEDS, seen};
    use super::*;
    use crate::seed::Purpose;

    fn crop() -> ResizedCrop {
        ResizedCrop { scale: scale(), ratio: ratio() }
    }

    fn resized(line: &[f32], start: usize, from: usize, to: usize) -> Vec<f32> {
        taps(start, from, to).iter().map(|tap| between(line[tap.first], line[tap.second], tap)).collect()
    }

    #[test]
    fn four_pixels_of_two_by_hand() {
        // Output centres ½, 3⁄2, 5⁄2, 7⁄2 halved, less ½: −¼ → 0, ¼, ¾, 1¼ → beyond the last centre.
        assert_eq!(resized(&[0.0, 8.0], 0, 2, 4), [0.0, 2.0, 6.0, 8.0]);
        // Pixels 1 and 2 of four are the same two.
        assert_eq!(resized(&[99.0, 0.0, 8.0, 99.0], 1, 2, 4), [0.0, 2.0, 6.0, 8.0]);
        assert_eq!(resized(&[1.0, 7.0, 3.0], 1, 1, 3), [7.0, 7.0, 7.0]);
        assert_eq!(resized(&[1.0, 7.0, 3.0], 0, 3, 3), [1.0, 7.0, 3.0]);
    }

    #[test]
    fn a_quarter_of_four_by_four_is_a_window_of_two_by_two_resized_in_both_ways() {
        let square = ResizedCrop { scale: [0.25, 0.25], ratio: [1.0, 1.0] };
        // Row y, column x holds 10 y + x, which is linear: a window at (t, l) gives 10 (t + row) + (l + column).
        let image: Vec<f32> = (0..16).map(|at| (at / 4 * 10 + at % 4) as f32).collect();
        let steps = [0.0f32, 0.25, 0.75, 1.0];
        let window = |top: usize, left: usize| -> Vec<f32> {
            let value = |at: usize| 10.0 * (top as f32 + steps[at / 4]) + left as f32 + steps[at % 4];
            (0..16).map(value).collect()
        };
        let mut found = seen(square, &image, [4, 4], 300);
        found.sort_by(|a, b| a.partial_cmp(b).unwrap());
        found.dedup();
        let expected: Vec<_> = (0..9).map(|at| window(at / 3, at % 3)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn where_no_window_fits_it_is_the_middle_one_within_the_bounds() {
        let wide = ResizedCrop { scale: [1.0, 1.0], ratio: [2.0, 2.0] };
        let mut draws = SEEDS.stream(Purpose::Noise, "test");
        // No window of all of the area is twice as wide as high: the middle half of the rows is.
        assert_eq!(wide.window([8, 8], &mut draws), Window { top: 2, left: 0, height: 4, width: 8 });
        let narrow = ResizedCrop { ratio: [0.5, 0.5], ..wide };
        assert_eq!(narrow.window([8, 8], &mut draws), Window { top: 0, left: 2, height: 8, width: 4 });
    }

    #[test]
    fn areas_and_ratios_are_spread_over_their_bounds() {
        let mut draws = SEEDS.stream(Purpose::Noise, "test");
        let windows: Vec<Window> = (0..4000).map(|_| crop().window([224, 224], &mut draws)).collect();
        let areas: Vec<f64> = windows.iter().map(|w| (w.height * w.width) as f64 / 50176.0).collect();
        let mean = areas.iter().sum::<f64>() / 4000.0;
        // Uniform in 0.08 to 1 has mean 0.54; windows near the whole are drawn again where they do not fit.
        assert!((0.45..0.54).contains(&mean), "{mean}");
        assert!(areas.iter().all(|area| (0.075..=1.0).contains(area)));
        let ratios = windows.iter().map(|w| (w.width as f64 / w.height as f64).ln());
        assert!((ratios.sum::<f64>() / 4000.0).abs() < 0.02);
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        let read = |text: &str| serde_json::from_str::<ResizedCrop>(text).map_err(|e| e.to_string());
        assert_eq!(read("{}"), Ok(crop()));
        assert!(read(r#"{"scale": [0.5, 1.5]}"#).unwrap_err().contains("no part is more than 1"));
        assert!(read(r#"{"ratio": [2.0, 1.0]}"#).unwrap_err().contains("the lesser first"));
        assert!(read(r#"{"scale": [0.0, 1.0]}"#).is_err());
    }

    proptest! {
        #[test]
        fn every_value_lies_between_the_least_and_the_greatest(
            height in 1usize..9, width in 1usize..9, seed in 0u64..50,
        ) {
            let image: Vec<f32> = (0..height * width).map(|at| ((at * 7919 + seed as usize) % 100) as f32).collect();
            let (least, greatest) = image.iter().fold((f32::MAX, f32::MIN), |(l, g), v| (l.min(*v), g.max(*v)));
            for after in seen(crop(), &image, [height, width], 5) {
                prop_assert!(after.iter().all(|value| (least - 1e-4..=greatest + 1e-4).contains(value)));
            }
        }
    }
}
