//! What a checkpoint keeps of an optimizer or of a learner.

use super::Values;

/// Arrays and counts as they stand between two iterations, in an order of their owner's.
pub struct Standing<'a, V: Values + ?Sized> {
    pub arrays: Vec<&'a V>,
    pub counts: Vec<u64>,
}

impl<V: Values + ?Sized> Standing<'_, V> {
    /// Of what has no state.
    pub fn nothing() -> Self {
        Standing { arrays: Vec::new(), counts: Vec::new() }
    }
}

/// The same, read back.
pub struct Restored<V: Values + ?Sized> {
    pub arrays: Vec<V::Owned>,
    pub counts: Vec<u64>,
}
