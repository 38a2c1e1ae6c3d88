//! Slices of the host's memory.

use super::Values;
use crate::kernel::gradient::{Gradient, StraightThrough};
use crate::kernel::top_k;
use crate::mask::Mask;

impl Values for [f32] {
    type Owned = Vec<f32>;
    type Place = ();
    type Gradient<'a> = &'a dyn Gradient;
    /// All ones where kept, 0 elsewhere (`Mask::select`).
    type Select = Vec<u32>;
    type Scratch = top_k::Scratch;

    fn at(values: Vec<f32>, _: &()) -> Vec<f32> {
        values
    }

    fn zeros(len: usize, _: &()) -> Vec<f32> {
        vec![0.0; len]
    }

    fn count(&self) -> usize {
        self.len()
    }

    fn to_host(&self) -> Result<Vec<f32>, String> {
        Ok(self.to_vec())
    }

    fn select(mask: &Mask, _: &()) -> Vec<u32> {
        mask.select()
    }

    fn mask(select: &Vec<u32>) -> Result<Mask, String> {
        Ok(Mask::from_fn(select.len(), |i| select[i] != 0))
    }

    fn selected(&self, select: &Vec<u32>) -> Vec<f32> {
        let mut out = vec![0.0; self.len()];
        self.select_into(select, &mut out);
        out
    }

    fn select_into(&self, select: &Vec<u32>, out: &mut [f32]) {
        top_k::effective(self, select, out);
    }

    fn largest(&self, dropped: usize, scratch: &mut top_k::Scratch) -> Vec<u32> {
        let mut select = Vec::new();
        self.largest_into(dropped, scratch, &mut select);
        select
    }

    fn largest_into(&self, dropped: usize, scratch: &mut top_k::Scratch, select: &mut Vec<u32>) {
        top_k::select_largest(self, dropped, scratch, select);
    }

    fn straight_through(
        &mut self,
        effective: &dyn Gradient,
        weights: &[f32],
        step: &mut dyn FnMut(&mut [f32], &dyn Gradient),
    ) {
        step(self, &StraightThrough { effective, weights });
    }

    /// To the bit.
    fn differing(&self, other: &[f32]) -> Result<usize, String> {
        Ok(self.iter().zip(other).filter(|(a, b)| a.to_bits() != b.to_bits()).count())
    }
}
