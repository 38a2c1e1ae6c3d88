//! From a step of a lock back to where its chain began.

use crate::lock::{Lock, LockedStep};

/// The first step of a step's chain: the one that drew its initial weights.
pub fn first<'a>(lock: &'a Lock, step: &str) -> Option<&'a LockedStep> {
    let mut at = lock.steps.get(step)?;
    // Steps stand after what they follow: a file that was edited so that they do not ends the search.
    for _ in 0..lock.steps.len() {
        match &at.parent {
            None => return Some(at),
            Some(parent) => at = lock.steps.get(parent)?,
        }
    }
    None
}
