//! Operations that burn's own are slow at: pure functions on slices, in one order of summation.

pub mod batch_norm;
pub mod conv;
pub mod gather;
mod lanes;
pub mod linear;
pub mod op;
pub mod ops;
pub mod pool;
mod product;
mod relu;
mod simd;
pub mod sparse;
mod tasks;
#[cfg(test)]
mod testing;
mod tile;
pub mod top_k;
mod transpose;

pub use op::{Gradient, INPUTS, Op, Reads};
pub use relu::add_to;
pub use simd::instructions;
