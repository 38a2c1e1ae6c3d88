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

/// Frees what waits on this thread: the next training's tensors have other lengths, the more so where they are sparse.
pub fn clear() {
    FREE.take();
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
    fn no_more_than_a_few_buffers_wait() {
        clear();
        (0..10).for_each(|_| give(vec![7.0]));
        assert_eq!((0..10).filter(|_| take(1) == [7.0]).count(), WAITING);
    }
}
