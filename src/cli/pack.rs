//! `pack`: one archive with all that a reviewer needs.

use std::path::PathBuf;

use clap::Args;

use super::interrupt::stop_on_interrupt;
use super::reported::{AsItIs, Reported};
use super::{Ended, count, place, print, say};
use crate::registry::Registry;
use crate::run::Store;
use crate::share::{self, Bundle, Packed, Part};
use crate::units::size;

#[derive(Args)]
pub struct PackCommand {
    #[command(flatten)]
    experiment: AsItIs,
    /// Also pack the tickets of evaluated steps, from the store
    #[arg(long)]
    tickets: bool,
    /// Where steps are stored, for `--tickets`
    #[arg(long, default_value = "runs", value_name = "DIR")]
    runs: PathBuf,
    /// The archive to write [default: NAME.tar.gz]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl PackCommand {
    pub fn run(&self, registry: &Registry) -> Result<(), Ended> {
        let reported = self.experiment.reported(registry)?;
        let (tickets, steps) = if self.tickets { self.tickets(&reported)? } else { (Vec::new(), 0) };
        let out = self.out.clone().unwrap_or_else(|| format!("{}.tar.gz", reported.spec.name).into());
        let stop = stop_on_interrupt("Stopping: nothing is written.")?;
        let bundle = Bundle::of(&reported.spec, &reported.study, &reported.folder)?.with(tickets);
        let packed = share::pack(bundle, &out, steps, &stop)?;
        say(&told(&packed));
        print(&format!("{}\n", out.display()))
    }

    /// The files of the evaluated steps' tickets, and how many steps these are.
    fn tickets(&self, reported: &Reported) -> Result<(Vec<Part>, usize), Ended> {
        place::folder("--runs", &self.runs)?;
        let store = Store::open(&self.runs);
        let rows = reported.study.rows.iter().chain(&reported.study.analyses);
        let mut ids: Vec<&str> = rows.filter(|row| row.record.is_some()).map(|row| row.step.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        let found: Vec<_> = ids.iter().filter_map(|id| Some((id.to_string(), store.files(id)?))).collect();
        if found.len() < ids.len() {
            let message =
                format!("{} of {} are in {}", found.len(), count(ids.len(), "ticket"), store.root().display());
            let remedy = "run the experiment again, name another store with `--runs DIR`, or leave out `--tickets`";
            return Err(format!("{message}: {remedy}").into());
        }
        let steps = found.len();
        Ok((share::tickets(found), steps))
    }
}

fn told(packed: &Packed) -> String {
    let Packed { manifest, bytes, unpacked } = packed;
    let files = count(manifest.files.len() + 1, "file");
    let mut text = format!("{files}, {} in an archive of {}", size(*unpacked), size(*bytes));
    if manifest.tickets > 0 {
        text += &format!("; the tickets of {} are among them", count(manifest.tickets, "step"));
    }
    if !manifest.lock {
        text +=
            "\nThe experiment has no experiment.lock: a reviewer can compare a rerun with results.csv, by hand only.";
    }
    let elsewhere: Vec<&str> = manifest.datasets.iter().map(|set| set.name.as_str()).collect();
    text + &format!("\nData are not in it: {}. DATA.md says where to get them.", elsewhere.join(", "))
}
