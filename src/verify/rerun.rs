//! What a verification ran again, with all that tells how to look at it.

use std::collections::{HashMap, HashSet};

use super::rule::Rule;
use crate::lock::{Address, Lock};

/// What was run again.
pub struct Rerun<'a> {
    pub lock: &'a Lock,
    /// What it found, as far as it went.
    pub found: &'a Lock,
    /// Tickets whose step crashed, and how.
    pub failed: &'a HashMap<Address, String>,
    pub rule: &'a Rule,
    /// Of each variant, by name, how many examples there are.
    pub examples: &'a HashMap<String, Examples>,
    /// Tickets whose kept weights are only about what the plan says, since they follow from which weights went.
    pub about: &'a HashSet<Address>,
    /// The share of a ticket's locked mask that the rerun's mask has, where both are at hand.
    pub overlap: &'a dyn Fn(&Address) -> Option<f64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Examples {
    pub train: usize,
    pub validation: usize,
    pub test: usize,
}
