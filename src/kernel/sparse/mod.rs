//! Products with pruned weights: only the kept ones exist, as one list of values in the order of the dense tensor.
//!
//! Both layers come down to the same two sums over rows of numbers that lie side by side, a row being one feature of all
//! examples of a block (linear) or one plane of an image (convolution):
//!
//! - a result row is the sum of some source rows, each times one kept weight (forward, and back to the input);
//! - the gradient of a kept weight is the dot product of two rows.
//!
//! Which rows is the `Pattern`, built once for a whole training.

mod aligned;
mod blocks;
mod columns;
pub mod conv;
mod correlate;
mod dots;
mod gather;
mod general;
pub mod linear;
pub mod ops;
mod parallel;
mod pattern;
mod planes;
mod rows;
mod shift;
#[cfg(test)]
mod testing;
