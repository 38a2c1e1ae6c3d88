use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rule::{Moved, Number, Rule, Running};
use super::{Optimizer, Stepper};
use crate::range;
use crate::registry::Plugin;
use crate::values::{Array, Place};

/// Stochastic gradient descent as PyTorch's `SGD`: g += decay × w, b = momentum × b + g, w −= rate × b.
///
/// The first b is g; there is no dampening and no Nesterov term. Where PyTorch keeps a subnormal b, here it becomes
/// 0: the weight would not have felt it, and the processor would have slowed down.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sgd {
    /// Step size, which the schedule scales.
    #[serde(deserialize_with = "range::positive")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    learning_rate: f64,
    /// The share of the last step's direction that goes into this one; 0 ≤ momentum < 1.
    #[serde(default, deserialize_with = "range::below_one")]
    #[schemars(range(min = 0), extend("exclusiveMaximum" = 1))]
    momentum: f64,
    /// L2 decay: this much of each value is added to its gradient.
    #[serde(default, deserialize_with = "range::not_negative")]
    #[schemars(range(min = 0))]
    weight_decay: f64,
}

impl Plugin for Sgd {
    const NAME: &'static str = "sgd";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Stochastic gradient descent with momentum and L2 decay";
    const SOURCE: &'static str = "Sutskever et al. 2013, in PyTorch's form";
}

impl Optimizer for Sgd {
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

impl Sgd {
    fn running<V: Moved + ?Sized>(&self, lengths: &[usize], place: &V::Place) -> Box<dyn Stepper<V>> {
        let (decay, momentum) = (self.weight_decay as f32, self.momentum as f32);
        let plain = move |learning_rate: f64| Plain { rate: learning_rate as f32, decay };
        match momentum == 0.0 {
            true => Box::new(Running::new(lengths, place, move |_, rate| plain(rate))),
            false => Box::new(Running::new(lengths, place, move |_, rate| Heavy { plain: plain(rate), momentum })),
        }
    }
}

/// Without momentum there is no state.
#[derive(Clone, Copy)]
struct Plain {
    rate: f32,
    decay: f32,
}

impl Rule<0> for Plain {
    #[inline(always)]
    fn update<N: Number>(self, value: N, gradient: N, _: [N; 0]) -> (N, [N; 0]) {
        let gradient = gradient + value.clone().times(self.decay);
        (value - gradient.times(self.rate), [])
    }
}

/// With momentum there is a buffer for each value.
#[derive(Clone, Copy)]
struct Heavy {
    plain: Plain,
    momentum: f32,
}

impl Rule<1> for Heavy {
    #[inline(always)]
    fn update<N: Number>(self, value: N, gradient: N, [buffer]: [N; 1]) -> (N, [N; 1]) {
        let Plain { rate, decay } = self.plain;
        let gradient = gradient + value.clone().times(decay);
        let buffer = (buffer.times(self.momentum) + gradient).flushed();
        (value - buffer.clone().times(rate), [buffer])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::gradient::Whole;
    use crate::optimizer::Kept;
    use crate::optimizer::tests::{GRADIENTS, START, assert_near};

    fn two_steps(momentum: f64, weight_decay: f64) -> [[f32; 4]; 2] {
        let sgd = Sgd { learning_rate: 0.1, momentum, weight_decay };
        let (mut stepper, mut values) = (sgd.start(&[4]), START);
        GRADIENTS.map(|gradient| {
            stepper.step(0, 0.1, &mut values, &Whole(&gradient), Kept::All);
            values
        })
    }

    #[test]
    fn two_steps_without_momentum_worked_by_hand() {
        let [first, second] = two_steps(0.0, 0.0);
        // w − 0.1·g
        assert_near(first, [0.95, -1.9, 0.5, -0.2]);
        assert_near(second, [1.0, -1.8, 0.4, -0.2]);
    }

    #[test]
    fn two_steps_with_momentum_and_decay_worked_by_hand() {
        let [first, second] = two_steps(0.9, 0.1);
        // b = g + 0.1·w = [0.5 + 0.1, −1 − 0.2, 0 + 0.05, 2 + 0] = [0.6, −1.2, 0.05, 2]
        assert_near(first, [0.94, -1.88, 0.495, -0.2]);
        // g + 0.1·w = [−0.5 + 0.094, −1 − 0.188, 1 + 0.0495, 0 − 0.02] = [−0.406, −1.188, 1.0495, −0.02]
        // b = 0.9·b + that = [0.54 − 0.406, −1.08 − 1.188, 0.045 + 1.0495, 1.8 − 0.02] = [0.134, −2.268, 1.0945, 1.78]
        assert_near(second, [0.94 - 0.0134, -1.88 + 0.2268, 0.495 - 0.10945, -0.2 - 0.178]);
    }

    #[test]
    fn momentum_that_has_died_away_is_exactly_zero() {
        let rule = Heavy { plain: Plain { rate: 0.1, decay: 0.0 }, momentum: 0.9 };
        let after = [1e-38, -1e-38, 1.0, f32::NAN].map(|buffer| rule.update(0.0, 0.0, [buffer]).1[0]);
        assert_eq!(after.map(f32::to_bits)[..3], [0.0f32, 0.0, 0.9].map(f32::to_bits));
        assert!(after[3].is_nan());
    }
}
