//! Runs a plan: independent chains as jobs over one store, a thread each or more, and what came of it.

mod board;
pub mod crash;
pub mod data;
mod jobs;
mod lab;
mod mark;
pub mod memory;
mod outcome;
mod provenance;
mod record_file;
mod recorded;
mod scratch;
mod share;
mod store;
mod ticket_file;

pub use board::State;
pub use jobs::{Finished, Job, Limits, Watch, run};
pub use lab::Shared;
pub use outcome::study;
pub use provenance::provenance;
pub use recorded::{Recorded, recorded};
pub use store::Store;
