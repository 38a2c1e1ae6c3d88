//! Batch normalisation.

use std::sync::{Arc, OnceLock};

use burn::tensor::{Tensor, TensorData};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::width::yes;
use super::{Activation, Layer, ParamSpec, Pass, Role, Shape};
use crate::kernel::ops::Normalise;
use crate::range;
use crate::refusal::Refusal;
use crate::registry::Plugin;
use crate::{device, kernel};

/// y = (x − mean) ÷ √(variance + epsilon) · scale + shift, channel by channel of an image, feature by feature otherwise.
///
/// In training, mean and variance are the batch's, over examples and pixels, and running ones follow them:
/// running = (1 − momentum) · running + momentum · batch's. In evaluation they are the running ones. As in PyTorch, the
/// batch is divided by its biased variance, and the running one follows the unbiased; a single value counts as
/// variance 0. The running statistics move even where a mask is learned and every parameter is frozen.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchNorm {
    /// Whether there are a scale, which starts at 1, and a shift, which starts at 0; they are never pruned.
    #[serde(default = "yes")]
    pub affine: bool,
    /// Added to the variance.
    #[serde(default = "epsilon", deserialize_with = "range::positive")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub epsilon: f64,
    /// The weight of a batch in the running statistics.
    #[serde(default = "momentum", deserialize_with = "range::fraction")]
    #[schemars(range(min = 0, max = 1))]
    pub momentum: f64,
}

fn epsilon() -> f64 {
    1e-5
}

fn momentum() -> f64 {
    0.1
}

impl Plugin for BatchNorm {
    const NAME: &'static str = "batch-norm";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Batch normalisation, with running statistics for evaluation";
    const SOURCE: &'static str = "Ioffe & Szegedy 2015; running statistics as PyTorch's";
    const EXAMPLE: &'static str = "affine = true";
}

impl Layer for BatchNorm {
    fn infer(&self, input: Shape) -> Result<(Shape, Vec<ParamSpec>), Refusal> {
        let channels = input.dims()[0];
        let spec = |name, role| ParamSpec { name, shape: vec![channels], role };
        let affine = [spec("scale", Role::Scale), spec("shift", Role::Shift)];
        let running =
            [spec("running_mean", Role::Buffer { start: 0.0 }), spec("running_variance", Role::Buffer { start: 1.0 })];
        let params = affine.into_iter().filter(|_| self.affine).chain(running);
        Ok((input, params.collect()))
    }

    fn fuses_relu(&self) -> bool {
        true
    }

    fn keeps_units_apart(&self) -> bool {
        true
    }

    fn forward(&self, input: Activation, params: &[Tensor<1>], pass: &mut Pass<'_>) -> Activation {
        match input {
            Activation::Flat(x) => {
                let [batch, features] = x.dims();
                let y = self.normalise(x.reshape([batch, features, 1]), params, pass);
                Activation::Flat(y.reshape([batch, features]))
            }
            Activation::Image(x) => {
                let [batch, channels, height, width] = x.dims();
                let y = self.normalise(x.reshape([batch, channels, height * width]), params, pass);
                Activation::Image(y.reshape([batch, channels, height, width]))
            }
        }
    }
}

impl BatchNorm {
    /// `x` is `[batch, channels, pixels]`.
    fn normalise(&self, x: Tensor<3>, params: &[Tensor<1>], pass: &mut Pass<'_>) -> Tensor<3> {
        if pass.kernels {
            return self.normalise_by_kernel(x, params, pass);
        }
        let [batch, channels, pixels] = x.dims();
        let (affine, running) = params.split_at(params.len() - 2);
        let each = |value: &Tensor<1>| value.clone().reshape([1, channels, 1]);
        let (centred, variance) = match pass.is_training() {
            true => {
                let (mean, centred, variance) = moments(x);
                let values = batch * pixels;
                let [mean, biased] = [mean, variance.clone()].map(|moment| moment.reshape([channels]));
                self.follow(running, affine.len(), [mean, biased], values, pass);
                (centred, variance)
            }
            false => (x - each(&running[0]), each(&running[1])),
        };
        let normalised = centred / (variance + self.epsilon).sqrt();
        match affine {
            [scale, shift] => normalised * each(scale) + each(shift),
            _ => normalised,
        }
    }
}

impl BatchNorm {
    /// As `normalise`, in one sweep forward and one back.
    fn normalise_by_kernel(&self, x: Tensor<3>, params: &[Tensor<1>], pass: &mut Pass<'_>) -> Tensor<3> {
        let [batch, channels, area] = x.dims();
        let (affine, running) = params.split_at(params.len() - 2);
        let op = Arc::new(Normalise {
            norm: kernel::batch_norm::BatchNorm { batch, channels, area },
            shape: vec![batch, channels, area],
            epsilon: self.epsilon,
            relu: pass.relu,
            moments: if pass.is_training() { OnceLock::new() } else { OnceLock::from(running_moments(running)) },
        });
        let device = x.device();
        let nothing = || device::nothing(&device);
        let (scale, shift) = match affine {
            [scale, shift] => (scale.clone(), shift.clone()),
            _ => (nothing(), nothing()),
        };
        let y = device::apply_shared(op.clone(), x, scale, shift);
        if let (true, Some(moments)) = (pass.is_training(), op.moments.get()) {
            let tensor = |values: &Vec<f32>| Tensor::from_data(TensorData::new(values.clone(), [channels]), &device);
            self.follow(running, affine.len(), moments.each_ref().map(tensor), batch * area, pass);
        }
        y
    }

    /// Lets the running statistics follow a batch's mean and biased variance over so many values a channel. `first` is
    /// the number of the first of them among the layer's parameters.
    fn follow(
        &self,
        running: &[Tensor<1>],
        first: usize,
        [mean, biased]: [Tensor<1>; 2],
        values: usize,
        pass: &mut Pass<'_>,
    ) {
        // Of one value there is no unbiased variance: ÷ 1 leaves it at 0.
        let unbiased = biased * (values as f64 / values.saturating_sub(1).max(1) as f64);
        for (i, (running, batch)) in running.iter().zip([mean, unbiased]).enumerate() {
            pass.keep(first + i, running.clone() * (1.0 - self.momentum) + batch * self.momentum);
        }
    }
}

/// The running statistics on the host.
fn running_moments(running: &[Tensor<1>]) -> [Vec<f32>; 2] {
    [0, 1].map(|i| running[i].to_data().try_into_vec().expect("running statistics are f32"))
}

/// Each channel's mean, the values less it, and their biased variance.
fn moments(x: Tensor<3>) -> (Tensor<3>, Tensor<3>, Tensor<3>) {
    let over_batch = |x: Tensor<3>| x.mean_dim(2).mean_dim(0);
    let mean = over_batch(x.clone());
    let centred = x - mean.clone();
    let variance = over_batch(centred.clone().powi_scalar(2));
    (mean, centred, variance)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{images, param, values};
    use super::*;
    use crate::seed::{Purpose, Seeds, Stream};

    fn norm(affine: bool) -> BatchNorm {
        BatchNorm { affine, ..serde_json::from_str("{}").unwrap() }
    }

    fn stream() -> Stream {
        Seeds { seed: 1, replicate: Some(0) }.stream(Purpose::Noise, "any")
    }

    /// What a training pass gives, and the buffers it leaves.
    fn trained(layer: &BatchNorm, input: Activation, params: &[Tensor<1>]) -> (Vec<f32>, Vec<(usize, Vec<f32>)>) {
        let mut pass = Pass { noise: Some(&stream), ..Pass::default() };
        let (_, output) = values(layer.forward(input, params, &mut pass));
        let host = |(i, buffer): (usize, Tensor<1>)| (i, buffer.into_data().try_into_vec().unwrap());
        (output, pass.buffers.into_iter().map(host).collect())
    }

    fn assert_near(found: &[f32], by_hand: &[f32]) {
        let near = found.len() == by_hand.len() && found.iter().zip(by_hand).all(|(a, b)| (a - b).abs() < 1e-4);
        assert!(near, "{found:?}, not {by_hand:?}");
    }

    #[test]
    fn four_values_of_a_batch_worked_by_hand() {
        // Mean 2.5, biased variance 1.25, unbiased 5/3.
        let image = images(&[1.0, 2.0, 3.0, 4.0], [2, 1, 1, 2]);
        let params = [param(&[2.0]), param(&[10.0]), param(&[1.0]), param(&[2.0])];
        let (output, buffers) = trained(&norm(true), image, &params);
        let (a, b) = (1.5 / 1.25f32.sqrt(), 0.5 / 1.25f32.sqrt());
        assert_near(&output, &[10.0 - 2.0 * a, 10.0 - 2.0 * b, 10.0 + 2.0 * b, 10.0 + 2.0 * a]);
        assert_eq!(buffers.iter().map(|(i, _)| *i).collect::<Vec<_>>(), [2, 3]);
        assert_near(&buffers[0].1, &[0.9 * 1.0 + 0.1 * 2.5]);
        assert_near(&buffers[1].1, &[0.9 * 2.0 + 0.1 * 5.0 / 3.0]);
    }

    #[test]
    fn evaluation_uses_the_running_statistics_and_leaves_them() {
        let x = Activation::Flat(param(&[1.0, 2.0, 3.0, 4.0]).reshape([2, 2]));
        let mut pass = Pass::default();
        let (_, output) = values(norm(false).forward(x, &[param(&[1.0, 0.0]), param(&[4.0, 1.0])], &mut pass));
        assert_near(&output, &[0.0, 2.0, 1.0, 4.0]);
        assert!(pass.buffers.is_empty());
    }

    #[test]
    fn features_and_a_single_value_are_normalised_too() {
        let flat = |values: &[f32], dims: [usize; 2]| Activation::Flat(param(values).reshape(dims));
        let start = [param(&[0.0, 0.0]), param(&[1.0, 1.0])];
        let (output, buffers) = trained(&norm(false), flat(&[1.0, 5.0, 3.0, 5.0], [2, 2]), &start);
        assert_near(&output, &[-1.0, 0.0, 1.0, 0.0]);
        // Variances 1 and 0, unbiased 2 and 0.
        assert_near(&buffers[0].1, &[0.2, 0.5]);
        assert_near(&buffers[1].1, &[1.1, 0.9]);
        let (output, buffers) = trained(&norm(false), flat(&[7.0, 8.0], [1, 2]), &start);
        assert_near(&output, &[0.0, 0.0]);
        assert_near(&buffers[1].1, &[0.9, 0.9]);
    }

    #[test]
    fn scale_and_shift_are_parameters_and_running_statistics_are_not() {
        let (output, params) = norm(true).infer(Shape::Image([16, 8, 8])).unwrap();
        assert_eq!(output, Shape::Image([16, 8, 8]));
        let told: Vec<_> = params.iter().map(|p| (p.name, p.role.start(), p.role.is_trained())).collect();
        assert_eq!(
            told,
            [
                ("scale", Some(1.0), true),
                ("shift", Some(0.0), true),
                ("running_mean", Some(0.0), false),
                ("running_variance", Some(1.0), false)
            ]
        );
        assert_eq!(norm(false).infer(Shape::Flat(3)).unwrap().1.len(), 2);
    }
}
