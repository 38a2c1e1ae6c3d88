use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::lanes::{flush, keep, wide};
use super::{Kept, Optimizer, Stepper};
use crate::range;
use crate::registry::Plugin;

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
        let decay = self.weight_decay as f32;
        if self.momentum == 0.0 {
            return Box::new(Plain { decay });
        }
        let buffers = lengths.iter().map(|len| vec![0.0; *len]).collect();
        Box::new(Heavy { decay, momentum: self.momentum as f32, buffers })
    }
}

/// Without momentum there is no state.
struct Plain {
    decay: f32,
}

impl Stepper for Plain {
    fn step(&mut self, _: usize, learning_rate: f64, values: &mut [f32], gradient: &[f32], kept: Kept<'_>) {
        let (rate, decay) = (learning_rate as f32, self.decay);
        match kept {
            Kept::All => wide(
                #[inline(always)]
                || plain::<false>(rate, decay, values, gradient, &[]),
            ),
            Kept::Some(select) => wide(
                #[inline(always)]
                || plain::<true>(rate, decay, values, gradient, select),
            ),
        }
    }
}

/// With momentum there is a buffer for each value.
struct Heavy {
    decay: f32,
    momentum: f32,
    buffers: Vec<Vec<f32>>,
}

impl Stepper for Heavy {
    fn step(&mut self, tensor: usize, learning_rate: f64, values: &mut [f32], gradient: &[f32], kept: Kept<'_>) {
        let (rate, decay, momentum) = (learning_rate as f32, self.decay, self.momentum);
        let buffer = &mut self.buffers[tensor];
        match kept {
            Kept::All => wide(
                #[inline(always)]
                || heavy::<false>(rate, decay, momentum, values, gradient, buffer, &[]),
            ),
            Kept::Some(select) => wide(
                #[inline(always)]
                || heavy::<true>(rate, decay, momentum, values, gradient, buffer, select),
            ),
        }
    }
}

#[inline(always)]
fn plain<const MASKED: bool>(rate: f32, decay: f32, values: &mut [f32], gradient: &[f32], select: &[u32]) {
    let n = values.len();
    let gradient = &gradient[..n];
    let select = if MASKED { &select[..n] } else { select };
    for i in 0..n {
        let w = values[i];
        let moved = w - rate * (gradient[i] + decay * w);
        values[i] = if MASKED { keep(moved, select[i]) } else { moved };
    }
}

#[inline(always)]
fn heavy<const MASKED: bool>(
    rate: f32,
    decay: f32,
    momentum: f32,
    values: &mut [f32],
    gradient: &[f32],
    buffer: &mut [f32],
    select: &[u32],
) {
    let n = values.len();
    let (gradient, buffer) = (&gradient[..n], &mut buffer[..n]);
    let select = if MASKED { &select[..n] } else { select };
    for i in 0..n {
        let kept = if MASKED { select[i] } else { u32::MAX };
        let w = values[i];
        let b = keep(flush(momentum * buffer[i] + (gradient[i] + decay * w)), kept);
        buffer[i] = b;
        values[i] = keep(w - rate * b, kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizer::tests::{GRADIENTS, START, assert_near};

    fn two_steps(momentum: f64, weight_decay: f64) -> [[f32; 4]; 2] {
        let sgd = Sgd { learning_rate: 0.1, momentum, weight_decay };
        let (mut stepper, mut values) = (sgd.start(&[4]), START);
        GRADIENTS.map(|gradient| {
            stepper.step(0, 0.1, &mut values, &gradient, Kept::All);
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
        let mut buffer = [1e-38, -1e-38, 1.0, f32::NAN];
        heavy::<false>(0.1, 0.0, 0.9, &mut [0.0; 4], &[0.0; 4], &mut buffer, &[]);
        assert_eq!(buffer.map(f32::to_bits)[..3], [0.0f32, 0.0, 0.9].map(f32::to_bits));
        assert!(buffer[3].is_nan());
    }

    #[test]
    fn avx2_gives_the_bits_of_portable_code() {
        let (mut wide_values, gradient, mut wide_buffer) = crate::optimizer::tests::tensors(1_003);
        let (mut values, mut buffer) = (wide_values.clone(), wide_buffer.clone());
        wide(
            #[inline(always)]
            || heavy::<false>(0.1, 1e-4, 0.9, &mut wide_values, &gradient, &mut wide_buffer, &[]),
        );
        heavy::<false>(0.1, 1e-4, 0.9, &mut values, &gradient, &mut buffer, &[]);
        assert_eq!((&wide_values, &wide_buffer), (&values, &buffer));
        wide(
            #[inline(always)]
            || plain::<false>(0.1, 1e-4, &mut wide_values, &gradient, &[]),
        );
        plain::<false>(0.1, 1e-4, &mut values, &gradient, &[]);
        assert_eq!(wide_values, values);
    }
}
