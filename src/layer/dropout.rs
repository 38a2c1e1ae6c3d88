//! Dropout.

use burn::tensor::{Tensor, TensorData};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Activation, Layer, ParamSpec, Pass, Shape};
use crate::range;
use crate::refusal::Refusal;
use crate::registry::Plugin;
use crate::seed::Stream;
use crate::units::Rate;

/// In training, each value is set to 0 with probability `rate` and the others are divided by 1 − rate; in evaluation,
/// nothing happens (Srivastava et al. 2014, in its inverted form). The noise is keyed by layer and iteration.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dropout {
    /// Probability that a value is dropped, below 1.
    #[serde(deserialize_with = "range::rate_below_one")]
    #[schemars(extend("exclusiveMaximum" = 1))]
    pub rate: Rate,
}

impl Plugin for Dropout {
    const NAME: &'static str = "dropout";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Drops values at random in training";
    const SOURCE: &'static str = "Srivastava et al. 2014";
    const EXAMPLE: &'static str = "rate = 0.5";
}

impl Dropout {
    /// What each of `len` values is multiplied by.
    fn factors(&self, len: usize, mut noise: Stream) -> Vec<f32> {
        let rate = f64::from(self.rate);
        let kept = (1.0 / (1.0 - rate)) as f32;
        (0..len).map(|_| if noise.uniform() < rate { 0.0 } else { kept }).collect()
    }

    fn drop<const D: usize>(&self, x: Tensor<D>, noise: Stream) -> Tensor<D> {
        let dims = x.dims();
        let factors = self.factors(dims.iter().product(), noise);
        let factors = Tensor::<D>::from_data(TensorData::new(factors, dims), &x.device());
        x * factors
    }
}

impl Layer for Dropout {
    fn infer(&self, input: Shape) -> Result<(Shape, Vec<ParamSpec>), Refusal> {
        Ok((input, Vec::new()))
    }

    fn keeps_units_apart(&self) -> bool {
        true
    }

    fn forward(&self, input: Activation, _: &[Tensor<1>], pass: &mut Pass<'_>) -> Activation {
        let Some(noise) = pass.noise else { return input };
        match input {
            Activation::Flat(x) => Activation::Flat(self.drop(x, noise())),
            Activation::Image(x) => Activation::Image(self.drop(x, noise())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Purpose, Seeds};

    #[test]
    fn dropping_keeps_the_expected_value() {
        let stream = Seeds { seed: 1, replicate: Some(0) }.stream(Purpose::Noise, "dropout1");
        let factors = Dropout { rate: Rate::try_from(0.25).unwrap() }.factors(40_000, stream.part(3));
        let dropped = factors.iter().filter(|f| **f == 0.0).count();
        // 10,000 expected, standard deviation 87.
        assert!((9_600..10_400).contains(&dropped), "{dropped}");
        assert!(factors.iter().all(|f| *f == 0.0 || *f == 4.0 / 3.0));
    }
}
