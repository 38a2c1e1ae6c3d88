//! Operations that burn's own are slow at: pure functions on slices, in one order of summation.

pub mod batch_norm;
mod block;
pub mod buffer;
pub mod conv;
pub mod gather;
pub mod gradient;
pub mod instructions;
mod lanes;
pub mod linear;
pub mod op;
pub mod ops;
pub mod pool;
mod product;
mod relu;
mod simd;
pub mod sparse;
pub mod tasks;
#[cfg(test)]
mod testing;
mod tile;
pub mod top_k;
mod transpose;

pub use op::{INPUTS, Incoming, Later, Op, Reads};
pub use relu::add_to;
