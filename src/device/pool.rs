//! Buffers that are used again: a step's gradients are as large as its weights, and clearing them costs as much as
//! reading them.

use std::cell::RefCell;
use std::collections::BTreeMap;

thread_local!(static LENGTHS: RefCell<BTreeMap<usize, Length>> = RefCell::default());

/// The buffers of one length.
#[derive(Default)]
struct Length {
    waiting: Vec<Vec<f32>>,
    /// How many have been taken and not given back.
    taken: usize,
}

/// `len` values, whichever.
pub fn take(len: usize) -> Vec<f32> {
    let waiting = LENGTHS.with_borrow_mut(|lengths| {
        let length = lengths.entry(len).or_default();
        length.taken += 1;
        length.waiting.pop()
    });
    waiting.unwrap_or_else(|| vec![0.0; len])
}

/// Frees what waits on this thread: the next training's tensors have other lengths, the more so where they are sparse.
pub fn clear() {
    LENGTHS.take();
}

/// Leaves a buffer to whoever takes one of its length on this thread. No more wait than have been taken, wherever they
/// come from, so that they take no more memory than a step does.
pub fn give(buffer: Vec<f32>) {
    LENGTHS.with_borrow_mut(|lengths| {
        let length = lengths.entry(buffer.len()).or_default();
        if length.taken > 0 {
            length.taken -= 1;
            length.waiting.push(buffer);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again_until_the_next_training() {
        clear();
        take(3);
        give(vec![7.0; 3]);
        assert_eq!(take(2), [0.0; 2], "of its own length only");
        assert_eq!(take(3), [7.0; 3]);
        give(vec![7.0; 3]);
        clear();
        assert_eq!(take(3), [0.0; 3]);
    }

    #[test]
    fn no_more_buffers_wait_than_have_been_taken() {
        clear();
        (0..3).for_each(|_| drop(take(1)));
        (0..10).for_each(|_| give(vec![7.0]));
        assert_eq!((0..10).filter(|_| take(1) == [7.0]).count(), 3);
    }
}
