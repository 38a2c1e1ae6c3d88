//! A ticket: weights and a mask. Every stage maps a ticket to a ticket.

use indexmap::IndexMap;

use crate::mask::Mask;

/// A tensor on the host: row-major values with their shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

impl Array {
    pub fn zeros(shape: &[usize]) -> Array {
        Array { shape: shape.to_vec(), values: vec![0.0; shape.iter().product()] }
    }
}

/// All parameters and buffers of a network by name, in graph order, and masks on the prunable ones.
///
/// A weight that its mask does not keep is exactly 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ticket {
    pub arrays: IndexMap<String, Array>,
    pub masks: IndexMap<String, Mask>,
}

impl Ticket {
    /// Number of prunable weights.
    pub fn prunable(&self) -> usize {
        self.masks.values().map(Mask::len).sum()
    }

    /// Number of prunable weights that are kept.
    pub fn kept(&self) -> usize {
        self.masks.values().map(Mask::kept).sum()
    }

    /// Sets every masked weight to exactly 0.
    pub fn apply_masks(&mut self) {
        for (name, mask) in &self.masks {
            if let Some(array) = self.arrays.get_mut(name) {
                mask.apply(&mut array.values);
            }
        }
    }

    /// Number of weights that are not kept and yet not exactly 0: rule 2 wants none.
    pub fn violations(&self) -> usize {
        let of = |(name, mask): (&String, &Mask)| match self.arrays.get(name) {
            Some(array) => array.values.iter().enumerate().filter(|(i, w)| !mask.keeps(*i) && w.to_bits() != 0).count(),
            None => 0,
        };
        self.masks.iter().map(of).sum()
    }
}
