//! An optimizer's rule on a device whose memory is not the host's: all values of a tensor at once.

use super::Kept;
use super::rule::{Moved, Number, Rule};
use crate::values::Array;

impl Moved for Array {
    fn moved<const STATE: usize>(
        &mut self,
        rule: impl Rule<STATE>,
        gradient: &Array,
        state: &mut [Array; STATE],
        kept: Kept<'_, Array>,
    ) {
        let (values, next) = rule.update(self.clone(), gradient.clone(), state.clone());
        let keep = |array: Array| match kept {
            Kept::All => array,
            Kept::Some(masked) => array.keep(masked),
        };
        (*self, *state) = (keep(values), next.map(keep));
    }
}

impl Number for Array {
    fn times(self, factor: f32) -> Array {
        self * factor
    }

    fn plus(self, term: f32) -> Array {
        self + term
    }

    fn sqrt(self) -> Array {
        Array::sqrt(self)
    }

    /// A GPU is not slowed down by subnormal numbers.
    fn flushed(self) -> Array {
        self
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::device::testing::devices;
    use crate::kernel::gradient::Whole;
    use crate::mask::Mask;
    use crate::optimizer::Optimizer;
    use crate::optimizer::tests::{everyone, tensors};
    use crate::values::{Place, Values};

    fn everywhere() -> impl Iterator<Item = (Place, Arc<dyn Optimizer>)> {
        devices().map(Place).flat_map(|place| everyone().into_iter().map(move |optimizer| (place.clone(), optimizer)))
    }

    #[test]
    fn arrays_move_as_slices_do() {
        const LEN: usize = 1_003;
        let (start, first, second) = tensors(LEN);
        let mask = Mask::from_fn(LEN, |i| i % 3 > 0);
        for (place, optimizer) in everywhere() {
            let (mut here, mut stepper) = (start.clone(), optimizer.start(&[LEN]));
            let mut there = Array::at(start.clone(), &place);
            let mut elsewhere = optimizer.start_elsewhere(&[LEN], &place).unwrap();
            let (select, masked) = (mask.select(), Array::select(&mask, &place));
            for gradient in [&first, &second, &first] {
                stepper.step(0, 0.1, &mut here, &Whole(gradient), Kept::Some(&select));
                let gradient = Array::at(gradient.clone(), &place);
                elsewhere.step(0, 0.1, &mut there, &gradient, Kept::Some(&masked));
            }
            let there = there.to_host().unwrap();
            for (i, (a, b)) in here.iter().zip(&there).enumerate() {
                assert!((a - b).abs() <= 1e-5 * a.abs().max(1e-3), "{i}: {a}, and {b} on {place:?}");
            }
        }
    }

    #[test]
    fn a_masked_value_is_zero_after_every_step_whatever_its_gradient() {
        for (place, optimizer) in everywhere() {
            let masked = Array::select(&Mask::from_fn(20, |i| i % 4 == 3), &place);
            let mut values = Array::at(vec![1.0; 20], &place);
            let mut stepper = optimizer.start_elsewhere(&[20], &place).unwrap();
            let zeros =
                |values: &Array| values.to_host().unwrap().iter().map(|value| value.to_bits() == 0).collect::<Vec<_>>();
            let expected: Vec<bool> = (0..20).map(|i| i % 4 != 3).collect();
            for poison in [f32::NAN, f32::INFINITY, f32::MAX, -1.0, -0.0] {
                let gradient = (0..20).map(|i| if i % 4 == 3 { 0.1 } else { poison }).collect();
                stepper.step(0, 0.1, &mut values, &Array::at(gradient, &place), Kept::Some(&masked));
                assert_eq!(zeros(&values), expected, "{place:?}");
            }
            // State that was not 0 would show as soon as the value may move again.
            for rate in [0.0, 0.1] {
                stepper.step(0, rate, &mut values, &Array::zeros(20, &place), Kept::All);
            }
            assert_eq!(zeros(&values), expected, "{place:?}");
        }
    }
}
