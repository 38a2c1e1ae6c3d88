//! Pruning criteria: how weights are ranked. Higher = keep.

pub mod ladder;
pub mod magnitude;
pub mod random;
pub mod select;

use crate::mask::Mask;
use crate::seed::Seeds;

/// What a criterion sees of one prunable tensor.
pub struct Weights<'a> {
    /// The parameter's name, "fc1.weight".
    pub name: &'a str,
    /// Values in row-major order.
    pub values: &'a [f32],
    pub mask: &'a Mask,
    /// Streams of the replicate; draw with `Purpose::Criterion` and a name of your own.
    pub seeds: Seeds,
    /// Prunes applied so far.
    pub level: u32,
}

/// Ranks weights: the prune stage removes those of the lowest scores, ties by (parameter, index), so that the first
/// in that order goes first.
pub trait Criterion: Send + Sync {
    /// A score for each weight, in order; those of weights that are not kept are ignored. NaN ranks lowest.
    fn scores(&self, weights: &Weights<'_>) -> Vec<f32>;
}
