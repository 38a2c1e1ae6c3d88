//! `export`: an experiment in the words of others, as a citation or as an RO-Crate.

use std::path::{Path, PathBuf};

use clap::Args;

use super::interrupt::stop_on_interrupt;
use super::reported::AsItIs;
use super::{Ended, count, print, say};
use crate::registry::Registry;
use crate::share::{self, Bundle};
use crate::units::size;

#[derive(Args)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub struct Export {
    #[command(flatten)]
    experiment: AsItIs,
    /// Print CITATION.cff, made of the experiment's `[about]`
    #[arg(long, group = "what")]
    citation: bool,
    /// Make this folder, an RO-Crate (Process Run Crate 0.5) of the experiment, its report and its records
    #[arg(long, value_name = "DIR", group = "what")]
    ro_crate: Option<PathBuf>,
}

impl Export {
    pub fn run(&self, registry: &Registry) -> Result<(), Ended> {
        match &self.ro_crate {
            Some(folder) => self.ro_crate(folder, registry),
            None => self.cite(registry),
        }
    }

    fn cite(&self, registry: &Registry) -> Result<(), Ended> {
        let spec = self.experiment.spec(registry)?;
        print(&share::cff(&spec.title, &spec.question, &spec.about)?)
    }

    fn ro_crate(&self, folder: &Path, registry: &Registry) -> Result<(), Ended> {
        let reported = self.experiment.reported(registry)?;
        let stop = stop_on_interrupt("Stopping: nothing is written.")?;
        let bundle = Bundle::of(&reported.spec, &reported.study, &reported.folder)?;
        let (files, bytes) = share::export(&bundle, folder, &stop)?;
        if reported.spec.about.licence.is_none() {
            say("warning: `[about]` states no licence, so that nobody knows how others may use this");
        }
        say(&format!("{}, {}", count(files, "file"), size(bytes)));
        print(&format!("{}\n", folder.display()))
    }
}
