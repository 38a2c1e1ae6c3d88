//! Buffers that are used again: a step's activations and gradients are large, and clearing them costs as much as reading
//! them.

use std::cell::RefCell;
use std::collections::BTreeMap;

thread_local!(static LENGTHS: RefCell<BTreeMap<usize, Length>> = RefCell::default());

/// The buffers of one length.
#[derive(Default)]
struct Length {
    waiting: Vec<Vec<f32>>,
    /// The fewest that have waited at any moment of this step.
    spare: usize,
}

/// `len` values, whichever.
pub fn take(len: usize) -> Vec<f32> {
    let waiting = LENGTHS.with_borrow_mut(|lengths| {
        let length = lengths.entry(len).or_default();
        let buffer = length.waiting.pop();
        length.spare = length.spare.min(length.waiting.len());
        buffer
    });
    waiting.unwrap_or_else(|| vec![0.0; len])
}

/// Leaves a buffer to whoever takes one of its length on this thread.
pub fn give(buffer: Vec<f32>) {
    LENGTHS.with_borrow_mut(|lengths| lengths.entry(buffer.len()).or_default().waiting.push(buffer));
}

/// Ends a step: frees what has waited through all of it, so that no more is held than a step needs.
pub fn settle() {
    LENGTHS.with_borrow_mut(|lengths| {
        lengths.retain(|_, length| {
            length.waiting.truncate(length.waiting.len() - length.spare);
            length.spare = length.waiting.len();
            !length.waiting.is_empty()
        });
    });
}

/// Frees what waits on this thread: the next training's tensors have other lengths, the more so where they are sparse.
pub fn clear() {
    LENGTHS.take();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again_until_the_next_training() {
        clear();
        give(vec![7.0; 3]);
        assert_eq!(take(2), [0.0; 2], "of its own length only");
        assert_eq!(take(3), [7.0; 3]);
        give(vec![7.0; 3]);
        clear();
        assert_eq!(take(3), [0.0; 3]);
    }

    #[test]
    fn what_waits_through_a_whole_step_is_freed() {
        clear();
        (0..5).for_each(|_| give(vec![7.0]));
        settle();
        // Of five, two are in use at once.
        let both = [take(1), take(1)];
        both.into_iter().for_each(give);
        settle();
        assert_eq!((0..5).filter(|_| take(1) == [7.0]).count(), 2);
    }
}
