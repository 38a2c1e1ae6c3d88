//! Do an experiment's numbers hold? Which of its tickets to run again, by which rule to compare, and what came of it.

mod chain;
mod differences;
mod figures;
mod fits;
mod judge;
mod rerun;
mod rule;
mod sample;
#[cfg(test)]
mod testing;

pub use chain::back;
pub use fits::misfits;
pub use judge::{Judged, judge};
pub use rerun::{Examples, Rerun};
pub use rule::Rule;
pub use sample::{Choice, spread};
