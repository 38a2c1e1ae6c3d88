//! A training as it stands between two iterations: what is written of it, and who keeps it.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::loss::Tally;
use crate::mask::Mask;
use crate::record::Curve;
use crate::ticket::Ticket;

/// All of a training that is no array: with the arrays, and the spec that it is of, it goes on to the same bits.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Stand {
    /// A hash of the ticket that the training began from.
    pub begun: String,
    /// Where it began and ends in the schedule, and how far it is.
    pub from: u64,
    pub to: u64,
    pub iteration: u64,
    pub curve: Curve,
    /// Training batches since the last evaluation.
    pub recent: Tally,
    pub best: Option<Chosen>,
    /// Positions whose weights are kept for later rewinds.
    pub snapshots: Vec<u64>,
    /// Counts of learner and optimizer.
    pub learner: Vec<u64>,
    pub optimizer: Vec<u64>,
}

/// The best evaluation so far.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Chosen {
    pub iteration: u64,
    /// What the early stop's rule goes by: less is better.
    pub cost: f64,
    pub validation: Tally,
}

/// A checkpoint to be written. Every array and mask has a name of its own.
pub struct Checkpoint<'a> {
    pub stand: Stand,
    pub arrays: Vec<(String, Lazy<'a>)>,
    pub masks: Vec<(String, Mask)>,
}

/// An array that comes to the host when it is written, so that no two need be there at a time.
pub struct Lazy<'a> {
    pub len: usize,
    /// Errors where the device does not answer.
    pub fetch: Box<dyn Fn() -> Result<Vec<f32>, String> + 'a>,
}

/// A checkpoint that was read.
pub struct Found {
    pub stand: Stand,
    pub arrays: HashMap<String, Vec<f32>>,
    pub masks: HashMap<String, Mask>,
}

/// Keeps the checkpoints of a step's trainings. Whatever becomes of one, no result depends on it.
pub trait Keeper {
    /// The step's next training is to begin, after so many iterations of the step.
    fn begins(&self, done: u64);

    /// The checkpoint of this training, if it is there and is as it was written.
    fn found(&self) -> Option<Found>;

    /// The training goes on from what was found, of which so many of its iterations are done.
    fn resumed(&self, iterations: u64);

    /// What was found is of no use, for this reason: the training begins anew.
    fn passed_over(&self, why: &str);

    /// Whether it is time for a checkpoint.
    fn is_due(&self) -> bool;

    /// Whether any are written.
    fn keeps(&self) -> bool;

    /// Keeps a checkpoint in place of the one before.
    fn keep(&self, checkpoint: Checkpoint<'_>);
}

/// A hash of a ticket: names, shapes, values and masks.
pub fn print(ticket: &Ticket) -> String {
    let mut hasher = blake3::Hasher::new();
    let number = |hasher: &mut blake3::Hasher, n: usize| {
        hasher.update(&(n as u64).to_le_bytes());
    };
    let mut bytes = Vec::new();
    for (name, array) in &ticket.arrays {
        number(&mut hasher, name.len());
        hasher.update(name.as_bytes());
        number(&mut hasher, array.shape.len());
        array.shape.iter().for_each(|length| number(&mut hasher, *length));
        for values in array.values.chunks(1 << 16) {
            bytes.clear();
            values.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
            hasher.update(&bytes);
        }
    }
    for (name, mask) in &ticket.masks {
        number(&mut hasher, name.len());
        hasher.update(name.as_bytes());
        number(&mut hasher, mask.len());
        hasher.update(&mask.to_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ticket::Array;

    #[test]
    fn a_ticket_that_differs_in_a_bit_has_another_hash() {
        let mut ticket = Ticket::default();
        ticket.arrays.insert("w".into(), Array { shape: vec![2], values: vec![1.0, 0.0] });
        ticket.masks.insert("w".into(), Mask::ones(2));
        let mut others = vec![ticket.clone(); 4];
        others[0].arrays["w"].values[1] = -0.0;
        others[1].arrays["w"].shape = vec![2, 1];
        others[2].masks["w"].remove(1);
        others[3].arrays.insert("v".into(), Array::zeros(&[0]));
        assert_eq!(print(&ticket), print(&ticket.clone()));
        assert!(others.iter().all(|other| print(other) != print(&ticket)));
    }
}
