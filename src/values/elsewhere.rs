//! Arrays on a device whose memory is not the host's.

use super::{Array, Masked, Place, Values};
use crate::mask::Mask;

impl Values for Array {
    type Owned = Array;
    type Place = Place;
    type Gradient<'a> = &'a Array;
    type Select = Masked;
    type Scratch = ();

    fn at(values: Vec<f32>, place: &Place) -> Array {
        Array::at(values, place)
    }

    fn zeros(len: usize, place: &Place) -> Array {
        Array::zeros(len, place)
    }

    fn count(&self) -> usize {
        self.len()
    }

    fn to_host(&self) -> Result<Vec<f32>, String> {
        self.host()
    }

    fn select(mask: &Mask, place: &Place) -> Masked {
        let masked: Vec<bool> = (0..mask.len()).map(|i| !mask.keeps(i)).collect();
        Masked::at(&masked, place)
    }

    fn mask(masked: &Masked) -> Result<Mask, String> {
        let masked = masked.host()?;
        Ok(Mask::from_fn(masked.len(), |i| !masked[i]))
    }

    fn selected(&self, masked: &Masked) -> Array {
        self.clone().keep(masked)
    }

    fn select_into(&self, masked: &Masked, out: &mut Array) {
        *out = self.selected(masked);
    }

    fn largest(&self, dropped: usize, (): &mut ()) -> Masked {
        Masked::smallest(self, dropped)
    }

    fn largest_into(&self, dropped: usize, scratch: &mut (), masked: &mut Masked) {
        *masked = self.largest(dropped, scratch);
    }

    fn straight_through(&mut self, effective: &Array, weights: &Array, step: &mut dyn FnMut(&mut Array, &Array)) {
        let gradient = effective.clone() * weights.clone() * self.clone().sign();
        step(self, &gradient);
    }

    fn differing(&self, other: &Array) -> Result<usize, String> {
        Array::differing(self, other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::testing::devices;
    use crate::kernel::gradient::Whole;
    use crate::kernel::top_k::Scratch;

    const WEIGHTS: [f32; 6] = [1.0, -2.0, 0.5, f32::NAN, -4.0, 3.0];
    const SCORES: [f32; 6] = [0.5, -0.1, 0.0, -0.7, 0.1, -0.1];
    const SLOPES: [f32; 6] = [2.0, 3.0, 5.0, 1.0, 7.0, -1.0];

    fn bits(values: Vec<f32>) -> Vec<u32> {
        values.into_iter().map(f32::to_bits).collect()
    }

    #[test]
    fn arrays_select_what_slices_do() {
        let on_host = SCORES.largest(3, &mut Scratch::default());
        for place in devices().map(Place) {
            let [weights, scores] = [WEIGHTS, SCORES].map(|values| Array::at(values.to_vec(), &place));
            let select = scores.largest(3, &mut ());
            let mask = Array::mask(&select).unwrap();
            assert_eq!(mask, <[f32]>::mask(&on_host).unwrap(), "{place:?}");
            let (left, expected) = (weights.selected(&select), WEIGHTS.selected(&on_host));
            assert_eq!(bits(left.to_host().unwrap()), bits(expected.clone()), "{place:?}");
            assert_eq!(weights.differing(&left).unwrap(), WEIGHTS[..].differing(&expected).unwrap(), "{place:?}");
            assert_eq!(Array::mask(&Array::select(&mask, &place)).unwrap(), mask, "{place:?}");
        }
    }

    #[test]
    fn the_gradient_of_scores_is_that_of_slices() {
        let mut expected = Vec::new();
        SCORES.clone().straight_through(&Whole(&SLOPES), &WEIGHTS, &mut |scores, gradient| {
            expected = gradient.of(0..6, scores, &mut [0.0; 6]).to_vec();
        });
        for place in devices().map(Place) {
            let [weights, mut scores, slopes] =
                [WEIGHTS, SCORES, SLOPES].map(|values| Array::at(values.to_vec(), &place));
            let mut found = Vec::new();
            scores.straight_through(&slopes, &weights, &mut |_, gradient| found = gradient.to_host().unwrap());
            assert!(found[3].is_nan() && expected[3].is_nan(), "{place:?}");
            let numbers = |values: &[f32]| [&values[..3], &values[4..]].concat();
            assert_eq!(numbers(&found), numbers(&expected), "{place:?}");
        }
    }
}
