//! Runs a plan: independent chains as one-thread jobs over one store, and what came of it.

pub mod crash;
mod jobs;
mod lab;
mod outcome;
mod provenance;
mod scratch;
mod store;
mod ticket_file;

pub use jobs::{Finished, Job, State, Watch, run};
pub use lab::Shared;
pub use outcome::study;
pub use provenance::provenance;
pub use store::Store;
