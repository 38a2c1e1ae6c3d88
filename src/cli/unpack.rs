//! `unpack`: a pack into a new folder, checked.

use std::path::{Path, PathBuf};

use clap::Args;

use super::interrupt::stop_on_interrupt;
use super::machine::bytes;
use super::{Ended, count, print, say};
use crate::share::{self, Limits, Manifest};
use crate::spec::{is_name, shipped_text};
use crate::units::size;

#[derive(Args)]
pub struct UnpackCommand {
    /// What `tombola pack` wrote
    file: PathBuf,
    /// The folder to make [default: the experiment's name]
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// How much it may hold
    #[arg(long, value_name = "SIZE", default_value = "16GiB", value_parser = bytes)]
    limit: u64,
}

impl UnpackCommand {
    pub fn run(&self) -> Result<(), Ended> {
        let into = match &self.into {
            Some(into) => into.clone(),
            // Of what is no pack, unpacking says why.
            None => share::top(&self.file).unwrap_or_else(|| "unpacked".into()).into(),
        };
        let stop = stop_on_interrupt("Stopping: nothing is left of it.")?;
        let limits = Limits { bytes: self.limit, ..Limits::default() };
        let unpacked = share::unpack(&self.file, &into, limits, &stop)?;
        let files = count(unpacked.manifest.files.len() + 1, "file");
        say(&format!("{files}, {}, each as it was packed.", size(unpacked.bytes)));
        say(&others(&unpacked.manifest, &into));
        say(&next(&unpacked.manifest, &into));
        print(&format!("{}\n", into.display()))
    }
}

/// What the experiment used of the program that this program ships otherwise; "" where nothing.
fn others(manifest: &Manifest, into: &Path) -> String {
    let is_other = |path: &&str| {
        let was = std::fs::read_to_string(into.join("shipped").join(path));
        was.ok().as_deref() != shipped_text(path)
    };
    let shipped = manifest.files.iter().filter_map(|file| file.path.strip_prefix("shipped/"));
    let others: Vec<&str> = shipped.filter(is_other).collect();
    match others.is_empty() {
        true => String::new(),
        false => format!(
            "warning: the experiment was run with other files than this program ships: {}. As it was, it is in \
             resolved/{}.\n",
            others.join(", "),
            manifest.experiment
        ),
    }
}

fn next(manifest: &Manifest, into: &Path) -> String {
    let Manifest { experiment: name, lock, .. } = manifest;
    let verify = match lock {
        true => format!("tombola verify experiments/{name}"),
        false => format!(
            "tombola run experiments/{name} --runs again --reports again   # there is no experiment.lock: compare again/{name}/results.csv"
        ),
    };
    let next = format!("Next:\n  cd {}\n  tombola check experiments/{name}\n  {verify}", into.display());
    // What else its sender says is not this program's to say.
    let shown = |name: &String| if is_name(name) { name.clone() } else { format!("{name:?}") };
    let data: Vec<String> = manifest.datasets.iter().map(|set| shown(&set.name)).collect();
    format!("{next}\nData are not in it: {}. DATA.md, which its sender wrote, says where to get them.", data.join(", "))
}
