//! Chunks of a slice on all threads of the current pool, without its overhead where there is one.

use rayon::prelude::*;

/// Calls `work(state, chunk index, chunk)` for each chunk; a state serves many chunks, one after the other.
pub fn each_chunk<T>(
    values: &mut [f32],
    chunk: usize,
    state: impl Fn() -> T + Sync + Send,
    work: impl Fn(&mut T, usize, &mut [f32]) + Sync + Send,
) {
    if rayon::current_num_threads() == 1 {
        let mut state = state();
        values.chunks_mut(chunk).enumerate().for_each(|(i, chunk)| work(&mut state, i, chunk));
    } else {
        let chunks = values.par_chunks_mut(chunk).enumerate();
        chunks.for_each_init(state, |state, (i, chunk)| work(state, i, chunk));
    }
}
