//! From a step of a lock back to where its chain began.

use crate::lock::{Lock, LockedStep};

/// A step and those before it, each with its id, the first step of its chain last.
pub fn back<'a>(lock: &'a Lock, step: &str) -> impl Iterator<Item = (&'a str, &'a LockedStep)> {
    let of = |id: &str| lock.steps.get_key_value(id).map(|(id, step)| (id.as_str(), step));
    let before = move |(_, step): &(&str, &'a LockedStep)| of(step.parent.as_ref()?);
    // A file that was edited so that it goes round ends somewhere, too.
    std::iter::successors(of(step), before).take(lock.steps.len())
}

/// The first step of a step's chain: the one that drew its initial weights.
pub fn first<'a>(lock: &'a Lock, step: &str) -> Option<&'a LockedStep> {
    back(lock, step).last().map(|(_, step)| step)
}
