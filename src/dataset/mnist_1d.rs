//! MNIST-1D, made here: ten templates of twelve points, padded, stretched, moved and buried in noise.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Dataset, Examples, Failure, Format, Source};
use crate::registry::Plugin;
use crate::seed::{Purpose, Seeds, Stream};

/// Series of 40 points, as the published generator makes them with its default arguments, but drawn from streams of our
/// own: the examples are others than those of the published file, from the same distribution. As there, the whole has mean
/// 0 and standard deviation 1; then the points from −5 to 5, beyond which five in a million are, become bytes 0 to 255.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Mnist1d {
    /// What the examples are drawn from; another number gives another data set of the same kind.
    pub seed: u64,
}

/// The published generator's.
impl Default for Mnist1d {
    fn default() -> Self {
        Mnist1d { seed: 42 }
    }
}

impl Plugin for Mnist1d {
    const NAME: &'static str = "mnist-1d";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "MNIST-1D, generated: no files";
    const SOURCE: &'static str = "Greydanus & Kobak 2024, Scaling down deep learning with MNIST-1D (arXiv:2011.14439)";
    const EXAMPLE: &'static str = "seed = 42";
    const WITHOUT: &'static [&'static str] = &["folder", "file"];
}

const CLASSES: usize = 10;
const LENGTH: usize = 40;
const SHAPE: [usize; 3] = [1, 1, LENGTH];

const TEMPLATES: [[f64; 12]; CLASSES] = [
    [5.0, 6.0, 6.5, 6.75, 7.0, 7.0, 7.0, 7.0, 6.75, 6.5, 6.0, 5.0],
    [5.0, 3.0, 3.0, 3.4, 3.8, 4.2, 4.6, 5.0, 5.4, 5.8, 5.0, 5.0],
    [5.0, 6.0, 6.5, 6.5, 6.0, 5.25, 4.75, 4.0, 3.5, 3.5, 4.0, 5.0],
    [5.0, 6.0, 6.5, 6.5, 6.0, 5.0, 5.0, 6.0, 6.5, 6.5, 6.0, 5.0],
    [5.0, 4.4, 3.8, 3.2, 2.6, 2.6, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0],
    [5.0, 3.0, 3.0, 3.0, 3.0, 5.0, 6.0, 6.5, 6.5, 6.0, 4.5, 5.0],
    [5.0, 4.0, 3.5, 3.25, 3.0, 3.0, 3.0, 3.0, 3.25, 3.5, 4.0, 5.0],
    [5.0, 7.0, 7.0, 6.6, 6.2, 5.8, 5.4, 5.0, 4.6, 4.2, 5.0, 5.0],
    [5.0, 4.0, 3.5, 3.5, 4.0, 5.0, 5.0, 4.0, 3.5, 3.5, 4.0, 5.0],
    [5.0, 4.0, 3.5, 3.5, 4.0, 5.0, 5.0, 5.0, 5.0, 4.7, 4.3, 5.0],
];

/// Zeros after a template, at least and at most.
const PADDING: [usize; 2] = [36, 60];
/// Points of a padded template, whatever its padding.
const WHOLE: usize = 12 + PADDING[1];
const SCALE: f64 = 0.4;
const TRANSLATION: u64 = 48;
const CORRELATED_NOISE: f64 = 0.25;
const INDEPENDENT_NOISE: f64 = 0.02;
const SHEAR: f64 = 0.75;
/// Bytes 0 and 255 are this far from the mean, in standard deviations.
const RANGE: f64 = 5.0;

impl Format for Mnist1d {
    fn read(&self, source: &Source<'_>) -> Result<Dataset, Failure> {
        let spec = source.spec;
        let all = spec.train.saturating_add(spec.test);
        if spec.shape != SHAPE || spec.classes != CLASSES {
            let why = format!("MNIST-1D has shape = {SHAPE:?} and classes = {CLASSES}: correct the declaration");
            return Err(why.into());
        }
        if !all.is_multiple_of(CLASSES) || all > 1 << 24 {
            let why = format!("train + test = {all}: MNIST-1D has as many of each of its {CLASSES} classes");
            return Err(why.into());
        }
        let streams = Seeds { seed: self.seed, replicate: None };
        let examples = streams.stream(Purpose::Examples, "mnist-1d");
        // Class by class, and then in another order, of which the last are the test part.
        let class = |number: usize| number / (all / CLASSES);
        let series: Vec<[f64; LENGTH]> =
            (0..all).map(|number| series(&TEMPLATES[class(number)], examples.part(number as u64))).collect();
        let bytes = quantised(&series);
        let mut order: Vec<usize> = (0..all).collect();
        streams.stream(Purpose::Examples, "mnist-1d order").shuffle(&mut order);
        let part = |numbers: &[usize]| Examples {
            shape: SHAPE,
            pixels: numbers.iter().flat_map(|number| bytes[*number]).collect::<Vec<_>>().into(),
            labels: numbers.iter().map(|number| class(*number) as u16).collect(),
        };
        let (train, test) = order.split_at(spec.train);
        Ok(Dataset { train: part(train), test: part(test) })
    }
}

/// An example, before the whole is standardised.
fn series(template: &[f64; 12], mut draws: Stream) -> [f64; LENGTH] {
    let [least, most] = PADDING;
    let padding = least + draws.below((most - least + 1) as u64) as usize;
    // What tells a template's zeros from those around it, where the noise goes.
    let mut padded: Vec<f64> = standard(template).map(|x| x + 1e-8).into();
    padded.resize(12 + padding, 0.0);
    let mut whole: [f64; WHOLE] = interpolated(&padded);
    let scale = 1.0 + SCALE * (draws.uniform() - 0.5);
    whole = whole.map(|x| x * scale);
    whole.rotate_right(draws.below(TRANSLATION) as usize);

    let around = smooth(std::array::from_fn(|_| CORRELATED_NOISE * draws.normal()));
    whole.iter_mut().zip(around).filter(|(x, _)| **x == 0.0).for_each(|(x, noise)| *x = noise);
    whole.iter_mut().for_each(|x| *x += INDEPENDENT_NOISE * draws.normal());
    let slope = SHEAR * (draws.uniform() - 0.5);
    for (at, x) in whole.iter_mut().enumerate() {
        *x -= slope * (at as f64 / (WHOLE - 1) as f64 - 0.5);
    }
    interpolated(&whole)
}

/// A template from 0 to 0, with a standard deviation of a sixth.
fn standard(template: &[f64; 12]) -> [f64; 12] {
    let (_, deviation) = moments(template.iter().copied());
    template.map(|x| (x - template[0]) / deviation / 6.0)
}

/// Mean and standard deviation.
fn moments(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let count = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / count;
    (mean, (values.map(|x| (x - mean) * (x - mean)).sum::<f64>() / count).sqrt())
}

/// `N` points at equal distances on the line through `points`, which are two or more.
fn interpolated<const N: usize>(points: &[f64]) -> [f64; N] {
    std::array::from_fn(|at| {
        let place = (at * (points.len() - 1)) as f64 / (N - 1) as f64;
        let left = (place as usize).min(points.len() - 2);
        let part = place - left as f64;
        points[left] * (1.0 - part) + points[left + 1] * part
    })
}

/// Smoothed by a Gaussian of two points' width, cut off at eight; beyond the ends, the series goes back.
fn smooth(noise: [f64; WHOLE]) -> [f64; WHOLE] {
    let weight = |distance: usize| libm::exp(-0.5 * (distance * distance) as f64 / 4.0);
    let sum = weight(0) + 2.0 * (1..=8).map(weight).sum::<f64>();
    let reflected = |at: isize| match at {
        at if at < 0 => (-1 - at) as usize,
        at if at >= WHOLE as isize => 2 * WHOLE - 1 - at as usize,
        at => at as usize,
    };
    std::array::from_fn(|at| {
        let near = (-8..=8).map(|by: isize| weight(by.unsigned_abs()) * noise[reflected(at as isize + by)]);
        near.sum::<f64>() / sum
    })
}

fn quantised(series: &[[f64; LENGTH]]) -> Vec<[u8; LENGTH]> {
    let (mean, deviation) = moments(series.iter().flatten().copied());
    let byte = |x: f64| ((x - mean) / deviation / (2.0 * RANGE) + 0.5) * 255.0;
    series.iter().map(|points| points.map(|x| byte(x).round() as u8)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::dataset::load;
    use crate::dataset::tests::declaration;
    use crate::registry::{Registry, Use};
    use crate::spec::DatasetSpec;

    fn spec(seed: u64) -> DatasetSpec {
        let format = Use { name: Mnist1d::NAME.into(), config: json!({ "seed": seed }), version: Mnist1d::VERSION };
        DatasetSpec { format, classes: 10, shape: SHAPE, train: 4000, test: 1000, ..declaration("mnist-1d", vec![]) }
    }

    fn made(seed: u64) -> Dataset {
        load(&spec(seed), &Registry::builtin(), &[]).unwrap()
    }

    /// Points as the declaration's normalisation gives them.
    fn points(examples: &Examples) -> Vec<Vec<f64>> {
        let point = |byte: &u8| (f64::from(*byte) / 255.0 - 0.5) / 0.1;
        examples.pixels.chunks_exact(LENGTH).map(|series| series.iter().map(point).collect()).collect()
    }

    #[test]
    fn there_are_500_of_each_class_and_the_whole_has_mean_0_and_standard_deviation_1() {
        let Dataset { train, test } = made(42);
        assert_eq!((train.labels.len(), test.labels.len()), (4000, 1000));
        let of = |class: u16| train.labels.iter().chain(&test.labels).filter(|label| **label == class).count();
        assert_eq!([0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(of), [500; 10]);
        let all = [points(&train), points(&test)].concat().concat();
        let (mean, deviation) = moments(all.iter().copied());
        assert!(mean.abs() < 0.002 && (deviation - 1.0).abs() < 0.002, "{mean} {deviation}");
        // Little is cut off, and much of the range is used.
        let cut = all.iter().filter(|x| x.abs() >= RANGE).count();
        assert!(cut < 10 && all.iter().any(|x| x.abs() > 4.0), "{cut}");
    }

    #[test]
    fn a_seed_gives_the_same_bytes_and_another_others() {
        assert_eq!(made(42), made(42));
        assert_ne!(made(42).train.pixels, made(43).train.pixels);
        // A digest of these bytes, as they were first made: another system must make the same.
        let digest = blake3::hash(&made(42).train.pixels).to_hex();
        assert_eq!(&digest[..16], "5da4741ec6bcfce3");
    }

    #[test]
    fn the_nearest_class_mean_is_right_more_often_than_chance_and_far_from_always() {
        let Dataset { train, test } = made(42);
        let mut means = [[0.0; LENGTH]; CLASSES];
        for (series, label) in points(&train).iter().zip(&train.labels) {
            means[usize::from(*label)].iter_mut().zip(series).for_each(|(mean, x)| *mean += x / 400.0);
        }
        let distance = |series: &[f64], class: usize| -> f64 {
            series.iter().zip(means[class]).map(|(x, mean)| (x - mean).powi(2)).sum()
        };
        let nearest =
            |series: &[f64]| (0..CLASSES).min_by(|a, b| distance(series, *a).total_cmp(&distance(series, *b))).unwrap();
        let right =
            points(&test).iter().zip(&test.labels).filter(|(s, label)| nearest(s) == usize::from(**label)).count();
        // The published generator's data give 27%.
        assert!((200..350).contains(&right), "{right}");
    }

    #[test]
    fn a_template_is_interpolated_smoothed_and_standardised() {
        assert_eq!(interpolated::<5>(&[0.0, 2.0, 0.0]), [0.0, 1.0, 2.0, 1.0, 0.0]);
        let ones = smooth([1.0; WHOLE]);
        assert!(ones.iter().all(|x| (x - 1.0).abs() < 1e-12));
        // The first template's fourth point, as numpy has it.
        assert!((standard(&TEMPLATES[0])[3] - 0.41464421).abs() < 1e-8);
    }

    #[test]
    fn other_shapes_and_numbers_that_classes_cannot_share_are_refused() {
        let refused = |spec: DatasetSpec| load(&spec, &Registry::builtin(), &[]).unwrap_err();
        assert!(refused(DatasetSpec { shape: [1, 28, 28], ..spec(1) }).contains("shape = [1, 1, 40]"));
        assert!(refused(DatasetSpec { test: 1001, ..spec(1) }).contains("train + test = 5001"));
    }
}
