use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rule::{Moved, Number, Rule, Running};
use super::{Optimizer, Stepper};
use crate::range;
use crate::registry::Plugin;
use crate::values::{Array, Place};

/// Adam with bias-corrected moments, as PyTorch's `Adam`: g += decay × w, m += (1 − β1)(g − m),
/// v = β2·v + (1 − β2)·g², w −= rate × m̂ ÷ (√v̂ + ε), where m̂ = m ÷ (1 − β1^t) and v̂ = v ÷ (1 − β2^t).
///
/// Two departures, both below what a weight feels: the constant √(1 − β2^t) is multiplied through into rate and ε,
/// which spares a division for each weight and changes last bits; and a moment that has become subnormal is 0, since
/// weights whose gradient stays 0 would otherwise slow the processor down for good.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Adam {
    /// Step size, which the schedule scales.
    #[serde(deserialize_with = "range::positive")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    learning_rate: f64,
    /// How slowly the mean of gradients follows; 0 ≤ β1 < 1.
    #[serde(default = "beta1", deserialize_with = "range::below_one")]
    #[schemars(range(min = 0), extend("exclusiveMaximum" = 1))]
    beta1: f64,
    /// How slowly the mean of squared gradients follows; 0 ≤ β2 < 1.
    #[serde(default = "beta2", deserialize_with = "range::below_one")]
    #[schemars(range(min = 0), extend("exclusiveMaximum" = 1))]
    beta2: f64,
    /// Added to the root of the second moment, so that a step stays finite.
    #[serde(default = "epsilon", deserialize_with = "range::positive")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    epsilon: f64,
    /// L2 decay: this much of each value is added to its gradient, before the moments (not AdamW).
    #[serde(default, deserialize_with = "range::not_negative")]
    #[schemars(range(min = 0))]
    weight_decay: f64,
}

fn beta1() -> f64 {
    0.9
}

fn beta2() -> f64 {
    0.999
}

fn epsilon() -> f64 {
    1e-8
}

impl Plugin for Adam {
    const NAME: &'static str = "adam";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Adam: steps scaled by running means of the gradient and its square";
    const SOURCE: &'static str = "Kingma & Ba 2015, algorithm 1, in PyTorch's form";
}

impl Optimizer for Adam {
    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn start(&self, lengths: &[usize]) -> Box<dyn Stepper> {
        self.running(lengths, &())
    }

    fn start_elsewhere(&self, lengths: &[usize], place: &Place) -> Result<Box<dyn Stepper<Array>>, String> {
        Ok(self.running(lengths, place))
    }
}

/// What is the same for all weights in one step.
#[derive(Clone, Copy)]
struct Constants {
    decay: f32,
    one_minus_beta1: f32,
    beta2: f32,
    one_minus_beta2: f32,
    /// learning rate × √(1 − β2^t) ÷ (1 − β1^t)
    rate: f32,
    /// ε × √(1 − β2^t)
    epsilon: f32,
}

impl Adam {
    fn running<V: Moved + ?Sized>(&self, lengths: &[usize], place: &V::Place) -> Box<dyn Stepper<V>> {
        let adam = self.clone();
        Box::new(Running::new(lengths, place, move |steps, learning_rate| adam.constants(steps, learning_rate)))
    }

    /// Computed in f64, rounded once. The power is `libm`'s: the system's differs in the last bit.
    fn constants(&self, steps: u64, learning_rate: f64) -> Constants {
        let root = (1.0 - libm::pow(self.beta2, steps as f64)).sqrt();
        Constants {
            decay: self.weight_decay as f32,
            one_minus_beta1: (1.0 - self.beta1) as f32,
            beta2: self.beta2 as f32,
            one_minus_beta2: (1.0 - self.beta2) as f32,
            rate: (learning_rate * root / (1.0 - libm::pow(self.beta1, steps as f64))) as f32,
            epsilon: (self.epsilon * root) as f32,
        }
    }
}

impl Rule<2> for Constants {
    #[inline(always)]
    fn update<N: Number>(self, value: N, gradient: N, [first, second]: [N; 2]) -> (N, [N; 2]) {
        let gradient = gradient + value.clone().times(self.decay);
        let first = (first.clone() + (gradient.clone() - first).times(self.one_minus_beta1)).flushed();
        let squared = gradient.clone().times(self.one_minus_beta2) * gradient;
        let second = (second.times(self.beta2) + squared).flushed();
        let step = first.clone() / second.clone().sqrt().plus(self.epsilon);
        (value - step.times(self.rate), [first, second])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::gradient::Whole;
    use crate::optimizer::Kept;
    use crate::optimizer::tests::{GRADIENTS, START, assert_near};

    fn adam(weight_decay: f64) -> Adam {
        Adam { learning_rate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay }
    }

    fn two_steps(weight_decay: f64) -> [[f32; 4]; 2] {
        let (mut stepper, mut values) = (adam(weight_decay).start(&[4]), START);
        GRADIENTS.map(|gradient| {
            stepper.step(0, 0.1, &mut values, &Whole(&gradient), Kept::All);
            values
        })
    }

    #[test]
    fn two_steps_worked_by_hand() {
        let [first, second] = two_steps(0.0);
        // At t = 1, m̂ = g and √v̂ = |g|: each weight with a gradient moves by 0.1 against its sign.
        assert_near(first, [0.9, -1.9, 0.5, -0.1]);
        // m = [0.9·0.05 − 0.1·0.5, −0.09 − 0.1, 0.1, 0.18] = [−0.005, −0.19, 0.1, 0.18], m̂ = m ÷ 0.19
        // v = [0.00024975 + 0.00025, 0.001999, 0.001, 0.003996], v̂ = v ÷ 0.001999 = [0.25, 1, 0.500250, 1.998999]
        // m̂ ÷ √v̂ = [−0.0263158 ÷ 0.5, −1 ÷ 1, 0.526316 ÷ 0.707284, 0.947368 ÷ 1.413860]
        assert_near(second, [0.9 + 0.0052632, -1.9 + 0.1, 0.5 - 0.0744137, -0.1 - 0.0670058]);
    }

    #[test]
    fn two_steps_with_decay_worked_by_hand() {
        let [first, second] = two_steps(0.1);
        // g + 0.1·w = [0.6, −1.2, 0.05, 2]: again 0.1 against the sign.
        assert_near(first, [0.9, -1.9, 0.4, -0.1]);
        // g + 0.1·w = [−0.5 + 0.09, −1 − 0.19, 1 + 0.04, 0 − 0.01] = [−0.41, −1.19, 1.04, −0.01]
        // m = [0.054 − 0.041, −0.108 − 0.119, 0.0045 + 0.104, 0.18 − 0.001] = [0.013, −0.227, 0.1085, 0.179]
        // v = [0.00052774, 0.00285466, 0.00108410, 0.00399610], √v̂ = [0.513811, 1.195008, 0.736424, 1.413877]
        // m̂ = m ÷ 0.19 = [0.0684211, −1.194737, 0.571053, 0.942105]
        assert_near(second, [0.9 - 0.0133164, -1.9 + 0.0999773, 0.4 - 0.0775440, -0.1 - 0.0666327]);
    }

    #[test]
    fn moments_that_have_died_away_are_exactly_zero() {
        let rule = adam(0.0).constants(10, 0.1);
        let (value, moments) = rule.update(1.0, 0.0, [-1.2e-38, 1.175e-38]);
        assert_eq!((value, moments.map(f32::to_bits)), (1.0, [0, 0]));
        let (value, [_, second]) = rule.update(1.0, 0.0, [1.0, f32::NAN]);
        assert!(second.is_nan() && value.is_nan());
    }
}
