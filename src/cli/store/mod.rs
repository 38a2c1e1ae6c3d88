//! `store`: what is in a store, and what nobody needs any more.

mod gc;
mod known;
mod list;
mod table;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::{Ended, place};
use crate::registry::Registry;
use crate::run::Store;

#[derive(Args)]
pub struct StoreCommand {
    #[command(subcommand)]
    command: What,
}

#[derive(Subcommand)]
enum What {
    /// Lists what is in a store: by experiment, and what no known experiment refers to
    List(list::List),
    /// Deletes the steps that no known experiment refers to; says which, and deletes them with --yes
    Gc(gc::Gc),
}

/// Which store, and which experiments refer to it.
#[derive(Args)]
struct Place {
    /// Folders of the experiments that refer to the store. If none is given: those below experiments/, and those that were run
    /// in it and are still where they were
    experiments: Vec<PathBuf>,
    /// The store
    #[arg(long, default_value = "runs", value_name = "DIR")]
    runs: PathBuf,
}

impl StoreCommand {
    pub fn run(&self, registry: &Registry) -> Result<(), Ended> {
        match &self.command {
            What::List(list) => list.run(registry),
            What::Gc(gc) => gc.run(registry),
        }
    }
}

impl Place {
    /// The store, which must be there: a folder that is none is left alone.
    fn store(&self) -> Result<Store, Ended> {
        place::folder("--runs", &self.runs)?;
        let store = Store::open(&self.runs);
        let why = match (store.is_one(), self.runs.exists()) {
            (true, _) => return Ok(store),
            (false, true) => "is no store: there is no folder steps/ in it",
            (false, false) => "is not there",
        };
        Err(format!("{} {why}; `--runs DIR` names another place, as it does for `tombola run`", self.runs.display())
            .into())
    }
}

/// The last part of an experiment's folder, which is its name.
fn name(folder: &Path) -> String {
    folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned()
}
