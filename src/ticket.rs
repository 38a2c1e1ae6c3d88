//! A ticket: weights and a mask. Every stage maps a ticket to a ticket.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

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

/// By which equal tickets are told from others without having them: each 32 hexadecimal digits of a BLAKE3 hash.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Fingerprint {
    /// Of all parameters and buffers, bit by bit.
    pub weights: String,
    pub masks: String,
}

impl Ticket {
    pub fn fingerprint(&self) -> Fingerprint {
        let arrays = self.arrays.iter().map(|(name, array)| {
            let bytes = array.values.iter().flat_map(|value| value.to_le_bytes()).collect();
            (name, array.values.len(), bytes)
        });
        let masks = self.masks.iter().map(|(name, mask)| (name, mask.len(), mask.to_bytes()));
        Fingerprint { weights: hash(arrays), masks: hash(masks) }
    }

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

/// Of names, lengths and bytes; what has no end of its own has its length before it.
fn hash<'a>(parts: impl Iterator<Item = (&'a String, usize, Vec<u8>)>) -> String {
    let mut hasher = blake3::Hasher::new();
    for (name, len, bytes) in parts {
        hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes());
        hasher.update(&(len as u64).to_le_bytes()).update(&bytes);
    }
    hasher.finalize().to_hex()[..32].to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(weights: [f32; 4], kept: [bool; 4]) -> Ticket {
        let mut ticket = Ticket::default();
        ticket.arrays.insert("w".into(), Array { shape: vec![4], values: weights.to_vec() });
        ticket.masks.insert("w".into(), Mask::from_fn(4, |i| kept[i]));
        ticket
    }

    #[test]
    fn a_fingerprint_tells_a_changed_bit_of_weights_from_one_of_masks() {
        let one = ticket([1.0, 0.0, -2.0, 0.5], [true, false, true, true]).fingerprint();
        let bit = ticket([1.0, 0.0, -2.0, -0.5], [true, false, true, true]).fingerprint();
        let mask = ticket([1.0, 0.0, -2.0, 0.5], [true, true, true, true]).fingerprint();
        assert!(one.masks == bit.masks && one.weights != bit.weights);
        assert!(one.masks != mask.masks && one.weights == mask.weights);
        assert_eq!(one.weights.len(), 32);
    }

    #[test]
    fn the_same_values_under_other_names_are_another_ticket() {
        let one = ticket([0.0; 4], [true; 4]);
        let mut other = Ticket::default();
        other.arrays.insert("v".into(), one.arrays["w"].clone());
        other.masks.insert("v".into(), one.masks["w"].clone());
        let [one, other] = [one, other].map(|ticket| ticket.fingerprint());
        assert!(one.weights != other.weights && one.masks != other.masks);
    }
}
