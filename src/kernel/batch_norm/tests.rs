//! Both passes against values worked by hand and the slopes of a loss.

use proptest::prelude::*;

use super::*;
use crate::kernel::testing::on_threads;

/// One pass forward and back, and what it gave, of memory that was NaN.
#[derive(Debug)]
struct Given {
    y: Vec<f32>,
    mean: Vec<f32>,
    variance: Vec<f32>,
    dx: Vec<f32>,
    dgamma: Vec<f32>,
    dbeta: Vec<f32>,
    evaluated: Vec<f32>,
}

fn ours(norm: BatchNorm, x: &[f32], dy: &[f32], settings: Settings<'_>) -> Given {
    let (all, channel) = (vec![f32::NAN; x.len()], vec![f32::NAN; norm.channels]);
    let (mut y, mut dx, mut evaluated) = (all.clone(), all.clone(), all);
    let [mut mean, mut variance, mut dgamma, mut dbeta] = [(); 4].map(|()| channel.clone());
    norm.forward(x, settings, &mut y, &mut mean, &mut variance);
    let moments = Moments { mean: &mean, variance: &variance };
    norm.evaluate(x, settings, moments, &mut evaluated);
    let gradients = Gradients { x: &mut dx, gamma: &mut dgamma, beta: &mut dbeta };
    norm.backward(x, settings, moments, dy, gradients);
    Given { y, mean, variance, dx, dgamma, dbeta, evaluated }
}

impl Given {
    fn bits(&self) -> Vec<u32> {
        let all = [&self.y, &self.mean, &self.variance, &self.dx, &self.dgamma, &self.dbeta, &self.evaluated];
        all.into_iter().flatten().map(|x| if x.is_nan() { 0 } else { x.to_bits() }).collect()
    }
}

/// The loss Σ dy · y in f64, whose derivatives the gradients are.
fn loss(norm: BatchNorm, x: &[f64], dy: &[f32], gamma: &[f64], beta: &[f64], epsilon: f64, relu: bool) -> f64 {
    let n = (norm.batch * norm.area) as f64;
    let channel = |i: usize| i / norm.area % norm.channels;
    let mean_of = |f: &dyn Fn(f64, usize) -> f64| {
        let mut sums = vec![0.0; norm.channels];
        x.iter().enumerate().for_each(|(i, x)| sums[channel(i)] += f(*x, channel(i)) / n);
        sums
    };
    let mean = mean_of(&|x, _| x);
    let variance = mean_of(&|x, c| (x - mean[c]).powi(2));
    let y = |(i, x): (usize, &f64)| {
        let c = channel(i);
        let y = gamma[c] * (x - mean[c]) / (variance[c] + epsilon).sqrt() + beta[c];
        if relu && y < 0.0 { 0.0 } else { y }
    };
    x.iter().enumerate().map(y).zip(dy).map(|(y, dy)| y * f64::from(*dy)).sum()
}

fn numbers(n: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(747_796_405) | 1;
    let mut next = || {
        state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..n).map(|_| next()).collect()
}

const PLAIN: Settings<'_> = Settings { gamma: None, beta: None, epsilon: 0.0, relu: false };

#[test]
fn four_numbers_worked_by_hand() {
    let norm = BatchNorm { batch: 2, channels: 1, area: 2 };
    // Mean 4, deviations ±1 and ±3, variance (1 + 1 + 9 + 9) ÷ 4 = 5.
    let given = ours(norm, &[3.0, 5.0, 1.0, 7.0], &[1.0, 0.0, 0.0, 0.0], PLAIN);
    assert_eq!((given.mean[0], given.variance[0]), (4.0, 5.0));
    let root = 5f32.sqrt();
    let near = |a: &[f32], b: [f32; 4]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
    assert!(near(&given.y, [-1.0, 1.0, -3.0, 3.0].map(|d| d / root)), "{given:?}");
    // Σ dy = 1, Σ dy x̂ = −1 ÷ √5: dx = (dy − 1/4 + x̂ ÷ (4 √5)) ÷ √5 = (dy − 1/4 + d ÷ 20) ÷ √5.
    assert!(near(&given.dx, [0.7, -0.2, -0.4, -0.1].map(|d| d / root)), "{given:?}");
    assert!((given.dgamma[0] + 1.0 / root).abs() < 1e-6 && given.dbeta[0] == 1.0);
}

#[test]
fn a_large_mean_does_not_spoil_the_variance() {
    let norm = BatchNorm { batch: 100, channels: 1, area: 300 };
    let x: Vec<f32> = numbers(30_000, 1).iter().map(|x| 1_000.0 + x).collect();
    let mean = x.iter().map(|x| f64::from(*x)).sum::<f64>() / 30_000.0;
    let variance = x.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / 30_000.0;
    let given = ours(norm, &x, &x, PLAIN);
    assert!((f64::from(given.mean[0]) - mean).abs() < 1e-4);
    assert!((f64::from(given.variance[0]) / variance - 1.0).abs() < 1e-6);
}

#[test]
fn a_nan_makes_its_channel_nan_and_no_other() {
    let norm = BatchNorm { batch: 3, channels: 2, area: 2 };
    let mut x = numbers(12, 3);
    x[4] = f32::NAN;
    let given = ours(norm, &x, &numbers(12, 4), Settings { relu: true, ..PLAIN });
    assert!(given.mean[0].is_nan() && given.variance[0].is_nan() && given.dgamma[0].is_nan());
    for i in 0..12 {
        let first = i / 2 % 2 == 0;
        assert!([given.y[i], given.dx[i], given.evaluated[i]].iter().all(|v| v.is_nan() == first), "{given:?}");
    }
}

#[test]
fn threads_and_vectors_change_no_bit() {
    for (batch, channels, area) in [(33, 5, 300), (20, 700, 1), (17, 130, 4), (3, 9, 49)] {
        let norm = BatchNorm { batch, channels, area };
        let (x, dy) = (numbers(batch * channels * area, 5), numbers(batch * channels * area, 6));
        let settings = Settings { epsilon: 1e-5, relu: true, ..PLAIN };
        let run = || ours(norm, &x, &dy, settings).bits();
        let one = on_threads(1, run);
        assert_eq!(simd::portable::only(run), one);
        assert_eq!(on_threads(2, run), one);
        assert_eq!(on_threads(4, run), one);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn gradients_are_the_slopes_of_a_loss_in_f64(
        (batch, channels, area) in (2usize..20, 1usize..8, prop_oneof![Just(1usize), 1usize..20, Just(300)]),
        affine in any::<[bool; 2]>(),
        relu in any::<bool>(),
        seed in any::<u32>(),
    ) {
        let norm = BatchNorm { batch, channels, area };
        let len = batch * channels * area;
        let (x, dy) = (numbers(len, seed), numbers(len, seed ^ 1));
        let (gamma, beta) = (numbers(channels, seed ^ 2), numbers(channels, seed ^ 3));
        let [gamma, beta] = [affine[0].then_some(&*gamma), affine[1].then_some(&*beta)];
        let epsilon = 0.1;
        let given = ours(norm, &x, &dy, Settings { gamma, beta, epsilon, relu });
        prop_assert_eq!(&given.y, &given.evaluated);

        let wide = |values: Option<&[f32]>, otherwise: f64| match values {
            Some(values) => values.iter().map(|v| f64::from(*v)).collect(),
            None => vec![otherwise; channels],
        };
        let point = [x.iter().map(|x| f64::from(*x)).collect(), wide(gamma, 1.0), wide(beta, 0.0)];
        let at = |point: &[Vec<f64>; 3]| loss(norm, &point[0], &dy, &point[1], &point[2], epsilon, relu);
        let value: f64 = given.y.iter().zip(&dy).map(|(y, dy)| f64::from(*y) * f64::from(*dy)).sum();
        prop_assert!((value - at(&point)).abs() < 1e-4 * len as f64);
        for (argument, gradient) in [&given.dx, &given.dgamma, &given.dbeta].into_iter().enumerate() {
            for i in (0..gradient.len()).step_by(gradient.len() / 7 + 1) {
                let slope = |step: f64| {
                    let mut moved = point.clone();
                    moved[argument][i] += step;
                    (at(&moved) - at(&point)) / step
                };
                let (right, left) = (slope(1e-6), slope(-1e-6));
                // Where ReLU bends, the two differ.
                if (right - left).abs() < 1e-4 {
                    prop_assert!((f64::from(gradient[i]) - right).abs() < 1e-3, "{argument} {i} {gradient:?} {right}");
                }
            }
        }
    }
}
