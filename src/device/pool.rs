//! Buffers that are used again: what flows through a network, and its gradients, are as large in every step, and
//! clearing them costs as much as reading them.

use std::cell::RefCell;
use std::collections::BTreeMap;

/// The buffers of one capacity that wait.
#[derive(Default)]
struct Waiting {
    buffers: Vec<Vec<f32>>,
    /// The fewest that have waited since the last `settle`: so many are not needed.
    fewest: usize,
}

thread_local!(static FREE: RefCell<BTreeMap<usize, Waiting>> = RefCell::default());

/// `len` values, whichever: of a buffer that waits, if need be a longer one, as where an epoch's last batch is smaller.
pub fn take(len: usize) -> Vec<f32> {
    let waiting = FREE.with_borrow_mut(|free| {
        let (_, waiting) = free.range_mut(len..=len + len / 2).find(|(_, waiting)| !waiting.buffers.is_empty())?;
        let buffer = waiting.buffers.pop();
        waiting.fewest = waiting.fewest.min(waiting.buffers.len());
        buffer
    });
    let Some(mut buffer) = waiting else { return vec![0.0; len] };
    buffer.resize(len, 0.0);
    buffer
}

/// Leaves a buffer to whoever takes one on this thread.
pub fn give(buffer: Vec<f32>) {
    FREE.with_borrow_mut(|free| free.entry(buffer.capacity()).or_default().buffers.push(buffer));
}

/// Frees what waited on this thread for a whole step: the time since this was last called.
pub fn settle() {
    FREE.with_borrow_mut(|free| {
        free.retain(|_, waiting| {
            waiting.buffers.drain(..waiting.fewest);
            waiting.fewest = waiting.buffers.len();
            waiting.fewest > 0
        });
    });
}

/// Frees what waits on this thread: whatever comes next has other lengths.
pub fn clear() {
    FREE.take();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again_until_the_next_training() {
        clear();
        give(vec![7.0; 3]);
        assert_eq!(take(1), [0.0], "not where it is much longer");
        assert_eq!(take(3), [7.0; 3]);
        give(vec![7.0; 3]);
        clear();
        assert_eq!(take(3), [0.0; 3]);
    }

    #[test]
    fn a_longer_buffer_serves_until_it_is_needed_whole() {
        clear();
        give(vec![7.0; 4]);
        let shorter = take(3);
        assert_eq!(shorter, [7.0; 3]);
        give(shorter);
        assert_eq!(take(4), [7.0, 7.0, 7.0, 0.0]);
    }

    #[test]
    fn only_as_many_buffers_wait_as_a_step_needs() {
        clear();
        (0..10).for_each(|_| give(vec![7.0]));
        settle();
        let taken: Vec<_> = (0..3).map(|_| take(1)).collect();
        taken.into_iter().for_each(give);
        settle();
        assert_eq!((0..10).filter(|_| take(1) == [7.0]).count(), 3);
    }
}
