//! Rows of one result over threads: each row is computed in the same way wherever it is.

use rayon::prelude::*;

/// Below this many kept weights (of 64 examples each), threads cost more than they bring.
const WORTHWHILE: usize = 20_000;

/// Chunks are a multiple of this many numbers, so that groups of numbers that are computed together stay together.
const GROUP: usize = 16;

/// Calls `each(first row, rows)` on all of `result`, `[rows][width]`.
pub fn rows(result: &mut [f32], width: usize, kept: usize, each: impl Fn(usize, &mut [f32]) + Sync) {
    let threads = rayon::current_num_threads();
    if threads == 1 || kept < WORTHWHILE {
        return each(0, result);
    }
    let chunk = (result.len() / width).div_ceil(2 * threads).next_multiple_of(GROUP);
    result.par_chunks_mut(chunk * width).enumerate().for_each(|(i, rows)| each(i * chunk, rows));
}
