//! Operations that burn's own are slow at: pure functions on slices, in one order of summation.

pub mod linear;
pub mod op;
mod product;
mod relu;
mod simd;
mod tasks;
#[cfg(test)]
mod testing;
mod tile;

pub use op::{INPUTS, Op};
pub use simd::instructions;
