//! How a run's threads are shared out. Nothing computed depends on it.

use std::time::Duration;

use rayon::{ThreadPool, ThreadPoolBuilder};

/// Threads for a step that starts: those that nobody uses, shared out evenly among the steps that start now.
///
/// Where chains are many, each has one, which wastes nothing; the last long chain gets all of them. A step keeps its
/// threads to its end, so a chain's share grows when its next step starts.
pub fn threads(unused: usize, starting: usize) -> usize {
    (unused / starting.max(1)).max(1)
}

/// A worker's threads, which stay where the next step has as many.
#[derive(Default)]
pub struct Pool(Option<ThreadPool>);

impl Pool {
    pub fn of(&mut self, threads: usize) -> Result<&ThreadPool, String> {
        let kept = self.0.take().filter(|pool| pool.current_num_threads() == threads);
        let made = kept.map_or_else(|| patiently(|| ThreadPoolBuilder::new().num_threads(threads).build()), Ok);
        Ok(self.0.insert(made.map_err(|e| format!("no thread to be had: {e}"))?))
    }
}

/// Tries again for a second: under a limit of address space or of threads, what others give back is there a moment later.
fn patiently<T, E>(mut make: impl FnMut() -> Result<T, E>) -> Result<T, E> {
    const TIMES: u32 = 20;
    for _ in 1..TIMES {
        if let Ok(made) = make() {
            return Ok(made);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    make()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What steps get that start one after the other, none of them ending.
    fn shares(mut unused: usize, steps: usize) -> Vec<usize> {
        let share = |left| {
            let share = threads(unused, left);
            unused = unused.saturating_sub(share);
            share
        };
        (1..=steps).rev().map(share).collect()
    }

    #[test]
    fn unused_threads_are_shared_out_and_each_step_has_one() {
        assert_eq!(shares(8, 8), [1; 8]);
        assert_eq!(shares(8, 1), [8]);
        assert_eq!(shares(8, 3), [2, 3, 3]);
        assert_eq!(shares(2, 4), [1; 4]);
    }

    #[test]
    fn what_is_refused_once_is_tried_again() {
        let mut tries = 0;
        let made = patiently(|| {
            tries += 1;
            if tries < 3 { Err("not now") } else { Ok(tries) }
        });
        assert_eq!(made, Ok(3));
    }

    #[test]
    fn a_pool_has_as_many_threads_as_were_asked_for_last() {
        let mut pool = Pool::default();
        for threads in [1, 1, 3] {
            assert_eq!(pool.of(threads).unwrap().current_num_threads(), threads);
        }
    }
}
