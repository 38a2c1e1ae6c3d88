//! An experiment for others: how to cite it, as an RO-Crate, and as a pack, one archive with all that a reviewer needs.
//!
//! A pack and a crate hold the same files, below the same folders, which are those of a repository: whoever unpacks one
//! can check, run and verify it there. Equal files give equal bytes: no clock, no user's name and no order of a disk.

mod bounded;
mod bundle;
mod cff;
mod crates;
mod data;
mod entry;
mod files;
mod folder;
mod landing;
mod manifest;
mod names;
mod pack;
mod part;
mod person;
mod runs;
mod sources;
mod unpack;

pub use bundle::{Bundle, tickets};
pub use cff::cff;
pub use crates::export;
pub use manifest::Manifest;
pub use pack::{Packed, pack};
pub use part::Part;
pub use unpack::{Limits, Unpacked, top, unpack};
