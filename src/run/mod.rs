//! Runs a plan: independent chains as jobs over one store, a thread each or more, and what came of it.

mod board;
mod checkpoint;
mod checkpoint_file;
mod claim;
pub mod crash;
pub mod data;
mod findings;
mod jobs;
mod lab;
mod mark;
mod measure;
pub mod memory;
mod mend;
mod outcome;
mod partial;
mod private;
mod provenance;
mod record_file;
mod recorded;
mod room;
mod scratch;
mod share;
pub mod size;
mod store;
mod ticket_file;

pub use board::{State, standing};
pub use findings::findings;
pub use jobs::{Finished, Job, Limits, Watch, run};
pub use lab::Shared;
pub use measure::{Bound, Pace, pace};
pub use outcome::study;
pub use partial::partial;
pub use private::{quoted, without_home};
pub use provenance::{now, provenance};
pub use record_file::Past;
pub use recorded::{Recorded, recorded};
pub use store::{About, BadNote, Broken, Contents, Held, Leftover, Note, Shelved, Store, ids_in};

/// Removes what killed runs left in a store, and what complete steps need no more.
pub fn clean(store: &Store) {
    store.tidy();
    claim::clean(store);
    partial::clean(store);
}
