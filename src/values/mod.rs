//! Flat arrays of f32 as optimizers and learners see them: slices of the host's memory, or whole arrays on a device
//! elsewhere. What they do is written once, over either.

mod elsewhere;
mod host;
mod standing;

pub use self::standing::{Restored, Standing};
pub use crate::device::array::{Array, Masked, Place};

use std::borrow::BorrowMut;

use crate::mask::Mask;

/// `[f32]` in the host's memory, or an `Array` elsewhere.
pub trait Values: 'static {
    /// Values that are held.
    type Owned: BorrowMut<Self> + Clone + Send;
    /// Where they rest.
    type Place: Clone + Send;
    /// The loss's gradient with respect to values.
    type Gradient<'a>: Copy;
    /// Which values may be other than 0.
    type Select: Send;
    /// What a selection may leave to the next.
    type Scratch: Default + Send;

    fn at(values: Vec<f32>, place: &Self::Place) -> Self::Owned;

    fn zeros(len: usize, place: &Self::Place) -> Self::Owned;

    /// How many there are.
    fn count(&self) -> usize;

    /// Errors where the device does not answer.
    fn to_host(&self) -> Result<Vec<f32>, String>;

    fn select(mask: &Mask, place: &Self::Place) -> Self::Select;

    /// Errors where the device does not answer.
    fn mask(select: &Self::Select) -> Result<Mask, String>;

    /// The same values where selected, and +0 elsewhere.
    fn selected(&self, select: &Self::Select) -> Self::Owned;

    /// As `selected`, written to `out`.
    fn select_into(&self, select: &Self::Select, out: &mut Self);

    /// Selects all but the `dropped` of smallest magnitude, ties by index as in a prune.
    fn largest(&self, dropped: usize, scratch: &mut Self::Scratch) -> Self::Select;

    /// As `largest`, written to `select`.
    fn largest_into(&self, dropped: usize, scratch: &mut Self::Scratch, select: &mut Self::Select);

    /// Calls `step` with these scores and their gradient, straight through a selection: of a score s of a weight w, whose
    /// effective weight has the gradient g, it is g · w · sign(s), and sign(0) = 0.
    fn straight_through(
        &mut self,
        effective: Self::Gradient<'_>,
        weights: &Self,
        step: &mut dyn FnMut(&mut Self, Self::Gradient<'_>),
    );

    /// How many values are not the other's; NaN is like NaN, and elsewhere −0 like 0. Errors where the device does not
    /// answer.
    fn differing(&self, other: &Self) -> Result<usize, String>;
}
