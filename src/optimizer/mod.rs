//! Optimizers: how weights, or scores, move along their gradient. Slices, or arrays elsewhere, are changed; burn does not
//! appear.

pub mod adam;
mod elsewhere;
mod lanes;
mod rule;
pub mod sgd;

use crate::values::{Array, Place, Restored, Standing, Values};

/// An optimizer's configuration.
pub trait Optimizer: Send + Sync {
    /// The learning rate that a schedule scales.
    fn learning_rate(&self) -> f64;

    /// Fresh state for tensors of these lengths.
    fn start(&self, lengths: &[usize]) -> Box<dyn Stepper>;

    /// As `start`, for tensors that rest on a device whose memory is not the host's.
    fn start_elsewhere(&self, _lengths: &[usize], _place: &Place) -> Result<Box<dyn Stepper<Array>>, String> {
        Err("this optimizer works in the host's memory only: use `--device cpu`".into())
    }
}

/// An optimizer with the state of one training.
pub trait Stepper<V: Values + ?Sized = [f32]>: Send {
    /// Moves tensor number `tensor` by one step. Each tensor is stepped exactly once an iteration.
    fn step(&mut self, tensor: usize, learning_rate: f64, values: &mut V, gradient: V::Gradient<'_>, kept: Kept<'_, V>);

    /// What a checkpoint keeps of it. `None` where it cannot be taken up again: then a training that was interrupted begins
    /// anew.
    fn standing(&self) -> Option<Standing<'_, V>> {
        None
    }

    /// Goes on from what `standing` gave once: as many counts, and arrays of the lengths that this one's have.
    fn resume(&mut self, _: Restored<V>) -> Result<(), String> {
        Err("this optimizer cannot go on from a checkpoint".into())
    }
}

/// Which values of a tensor may move. A value that may not is exactly 0 after every step, whatever its gradient (NaN
/// and infinity too), momentum or decay, and so is its state.
pub enum Kept<'a, V: Values + ?Sized = [f32]> {
    All,
    Some(&'a V::Select),
}

impl<V: Values + ?Sized> Clone for Kept<'_, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V: Values + ?Sized> Copy for Kept<'_, V> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::gradient::Whole;
    use crate::mask::Mask;
    use crate::registry::{Registry, Use};
    use crate::seed::{Purpose, Seeds};
    use proptest::prelude::*;
    use serde_json::json;
    use std::sync::Arc;

    /// The four numbers and two gradients that each optimizer's test works out by hand.
    pub const START: [f32; 4] = [1.0, -2.0, 0.5, 0.0];
    pub const GRADIENTS: [[f32; 4]; 2] = [[0.5, -1.0, 0.0, 2.0], [-0.5, -1.0, 1.0, 0.0]];

    pub fn assert_near(found: [f32; 4], expected: [f32; 4]) {
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 5e-7), "{found:?}, not {expected:?}");
    }

    /// Values and two gradients.
    pub fn tensors(len: usize) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
        let mut stream = Seeds { seed: 1, replicate: None }.stream(Purpose::Init, "optimizer tests");
        let mut draw = |scale: f64| (0..len).map(|_| (stream.normal() * scale) as f32).collect();
        (draw(0.1), draw(0.01), draw(0.01))
    }

    /// Every shipped optimizer, with momentum and decay where it has them, and without.
    pub fn everyone() -> Vec<Arc<dyn Optimizer>> {
        let configs = [
            ("sgd", json!({ "learning_rate": 0.1 })),
            ("sgd", json!({ "learning_rate": 0.1, "weight_decay": 0.1 })),
            ("sgd", json!({ "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.1 })),
            ("adam", json!({ "learning_rate": 0.1 })),
            ("adam", json!({ "learning_rate": 0.1, "weight_decay": 0.1 })),
        ];
        let registry = Registry::builtin();
        let used = |(name, config): (&str, _)| Use { name: name.to_string(), config, version: 1 };
        configs.map(|config| registry.optimizers.build(&used(config)).unwrap()).into()
    }

    #[test]
    fn a_masked_weight_is_zero_after_every_step_whatever_its_gradient() {
        for optimizer in everyone() {
            let select = Mask::from_fn(20, |i| i % 4 == 3).select();
            let (mut stepper, mut values) = (optimizer.start(&[20]), vec![1.0; 20]);
            for poison in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, -1.0, 0.0, -0.0] {
                let gradient: Vec<f32> = (0..20).map(|i| if i % 4 == 3 { 0.1 } else { poison }).collect();
                stepper.step(0, 0.1, &mut values, &Whole(&gradient), Kept::Some(&select));
                assert!((0..20).all(|i| (values[i].to_bits() == 0) == (i % 4 != 3)), "{values:?}");
            }
            // State that was not 0 would show as soon as the weight may move again.
            stepper.step(0, 0.0, &mut values, &Whole(&[0.0; 20]), Kept::All);
            stepper.step(0, 0.1, &mut values, &Whole(&[0.0; 20]), Kept::All);
            assert!((0..20).all(|i| i % 4 == 3 || values[i] == 0.0), "{values:?}");
        }
    }

    /// Fifty steps down a bowl, g = a·(w − c), against what PyTorch 2.9.1's `torch.optim` printed for the same.
    #[test]
    fn fifty_steps_end_where_pytorchs_do() {
        let (a, c) = ([0.5f32, 1.0, 2.0, 0.25], [0.3f32, -0.7, 0.0, 1.5]);
        let expected = [
            ("adam", json!({ "learning_rate": 1.2e-3 }), [0.940_638, -1.940_338_3, 0.440_905_78, 0.059_707_705]),
            (
                "adam",
                json!({ "learning_rate": 0.02, "weight_decay": 0.1 }),
                [0.269_319_62, -1.118_971_2, -0.038_375_456, 0.836_016_24],
            ),
            ("sgd", json!({ "learning_rate": 0.1 }), [0.353_861_42, -0.706_699_85, 7.136_24e-6, 1.077_017_9]),
            (
                "sgd",
                json!({ "learning_rate": 0.02, "momentum": 0.9, "weight_decay": 0.1 }),
                [0.239_400_04, -0.721_252_74, -0.029_364_567, 1.159_754_9],
            ),
        ];
        let registry = Registry::builtin();
        for (name, config, expected) in expected {
            let used = Use { name: name.to_string(), config, version: 1 };
            let optimizer = registry.optimizers.build(&used).unwrap();
            let (mut stepper, mut values) = (optimizer.start(&[4]), START);
            for _ in 0..50 {
                let gradient: Vec<f32> = (0..4).map(|i| a[i] * (values[i] - c[i])).collect();
                stepper.step(0, optimizer.learning_rate(), &mut values, &Whole(&gradient), Kept::All);
            }
            assert_near(values, expected);
        }
    }

    /// Pieces, wide instructions and threads: each value moves as it would alone.
    #[test]
    fn a_value_moves_by_the_same_bits_whatever_is_beside_it() {
        const LEN: usize = 40_003;
        let (start, gradient, second) = tensors(LEN);
        for optimizer in everyone() {
            let (mut stepper, mut values) = (optimizer.start(&[LEN]), start.clone());
            for gradient in [&gradient, &second] {
                stepper.step(0, 0.1, &mut values, &Whole(gradient), Kept::All);
            }
            for i in (0..LEN).step_by(997).chain([LEN - 1]) {
                let (mut stepper, mut value) = (optimizer.start(&[1]), [start[i]]);
                for gradient in [&gradient, &second] {
                    stepper.step(0, 0.1, &mut value, &Whole(&[gradient[i]]), Kept::All);
                }
                assert_eq!(value[0].to_bits(), values[i].to_bits(), "value {i}");
            }
        }
    }

    #[test]
    fn tensors_do_not_share_state() {
        for optimizer in everyone() {
            let (mut together, mut alone) = (optimizer.start(&[4, 4]), optimizer.start(&[4]));
            let (mut first, mut second, mut expected) = (START, START, START);
            for gradient in GRADIENTS {
                together.step(0, 0.1, &mut first, &Whole(&[1.0; 4]), Kept::All);
                together.step(1, 0.1, &mut second, &Whole(&gradient), Kept::All);
                alone.step(0, 0.1, &mut expected, &Whole(&gradient), Kept::All);
                assert_eq!(second, expected);
            }
        }
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let registry = Registry::builtin();
        for (name, config) in [
            ("adam", json!({ "learning_rate": 0.0 })),
            ("adam", json!({ "learning_rate": 0.1, "beta2": 1.0 })),
            ("adam", json!({ "learning_rate": 0.1, "epsilon": 0.0 })),
            ("sgd", json!({ "learning_rate": 0.1, "momentum": 1.0 })),
            ("sgd", json!({ "learning_rate": 0.1, "weight_decay": -1.0 })),
            ("sgd", json!({ "learning_rate": 0.1, "nesterov": true })),
        ] {
            let used = Use { name: name.to_string(), config, version: 1 };
            assert!(registry.optimizers.build(&used).is_err(), "{used:?}");
        }
    }

    proptest! {
        #[test]
        fn kept_weights_move_as_without_a_mask(
            weights in prop::collection::vec((-1.0f32..1.0, any::<bool>(), any::<f32>(), any::<f32>()), 1..70)
        ) {
            let mask = Mask::from_fn(weights.len(), |i| weights[i].1);
            let gradients = [weights.iter().map(|w| w.2).collect(), weights.iter().map(|w| w.3).collect::<Vec<f32>>()];
            for optimizer in everyone() {
                let (mut masked, mut whole) = (optimizer.start(&[weights.len()]), optimizer.start(&[weights.len()]));
                let mut whole_values: Vec<f32> = weights.iter().map(|w| w.0).collect();
                let mut values = whole_values.clone();
                for gradient in &gradients {
                    masked.step(0, 0.1, &mut values, &Whole(gradient), Kept::Some(&mask.select()));
                    whole.step(0, 0.1, &mut whole_values, &Whole(gradient), Kept::All);
                    let mut expected = whole_values.clone();
                    mask.apply(&mut expected);
                    let bits = |values: &[f32]| -> Vec<Option<u32>> {
                        values.iter().map(|x| (!x.is_nan()).then(|| x.to_bits())).collect()
                    };
                    prop_assert_eq!(bits(&values), bits(&expected));
                }
            }
        }
    }
}
