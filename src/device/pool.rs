//! Buffers that are used again: a step's gradients are as large as its weights, and clearing them costs as much as
//! reading them.

use std::cell::RefCell;
use std::collections::BTreeMap;

thread_local!(static FREE: RefCell<BTreeMap<usize, Vec<Vec<f32>>>> = RefCell::default());

/// Buffers of a length that wait at most.
const WAITING: usize = 4;

/// `len` values, whichever.
pub fn take(len: usize) -> Vec<f32> {
    let waiting = FREE.with_borrow_mut(|free| free.get_mut(&len).and_then(Vec::pop));
    waiting.unwrap_or_else(|| vec![0.0; len])
}

/// Leaves a buffer to whoever takes one of its length on this thread.
pub fn give(buffer: Vec<f32>) {
    FREE.with_borrow_mut(|free| {
        let waiting = free.entry(buffer.len()).or_default();
        if waiting.len() < WAITING {
            waiting.push(buffer);
        }
    });
}
