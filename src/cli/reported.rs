//! From a command's arguments to an experiment with the report of its results, to share them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;

use super::lock::Locked;
use super::open::{planned, told};
use super::{Ended, count, records, verify};
use crate::record::Study;
use crate::registry::Registry;
use crate::spec::{self, Spec};

/// An experiment as its folder says it: whoever gets it has no `--set` that changed it.
#[derive(Args)]
pub struct AsItIs {
    /// The experiment's folder
    folder: PathBuf,
    /// Where reports are, a folder an experiment
    #[arg(long, default_value = "reports", value_name = "DIR")]
    reports: PathBuf,
}

/// An experiment, and its results as they were reported.
pub struct Reported {
    pub spec: Spec,
    pub study: Study,
    /// The report's folder.
    pub folder: PathBuf,
}

impl AsItIs {
    pub fn spec(&self, registry: &Registry) -> Result<Spec, Ended> {
        spec::load(&self.folder, registry, &[]).map_err(told)
    }

    /// Reads the experiment and its report; an error where spec, lock and report are not of one experiment. It is planned
    /// for the device that ran it, which need not be here.
    pub fn reported(&self, registry: &Registry) -> Result<Reported, Ended> {
        let spec = self.spec(registry)?;
        let folder = self.reports.join(&spec.name);
        let run = format!("`tombola run {}` makes it, `--reports DIR` names another place", self.folder.display());
        if !folder.join("index.html").is_file() {
            return Err(format!("there is no report in {}: {run}", folder.display()).into());
        }
        let study = records::study(&folder)?;
        let rows = || study.rows.iter().chain(&study.analyses);
        let device = rows().find_map(|row| row.record.as_ref()).map(|record| record.provenance.device.clone());
        let Some(device) = device else {
            return Err(format!("{} has no result: {run}", folder.display()).into());
        };
        let (spec, plan) = planned(&self.folder, registry, &[], &device).map_err(told)?;
        let tickets = plan.tickets.iter().chain(&plan.analyses);
        let wanted: BTreeSet<&str> = tickets.map(|ticket| plan.steps[ticket.step].id.as_str()).collect();
        let found: BTreeSet<&str> = rows().map(|row| row.step.as_str()).collect();
        if wanted != found {
            let other = count(wanted.symmetric_difference(&found).count(), "step");
            let remedy = "run it again, without `--set` and `--replicates`";
            let message = format!("the report in {} is not of this experiment as it is now", folder.display());
            return Err(format!("{message}: they differ in {other}: {remedy}").into());
        }
        if let Some(locked) = Locked::beside(&spec, &plan, &device, &[], registry)? {
            agree(&locked, &study, &folder)?;
        }
        Ok(Reported { spec, study, folder })
    }
}

/// An error where a lock is not of this spec, or the report says something else than it: a rerun would be held to both.
fn agree(locked: &Locked, study: &Study, report: &Path) -> Result<(), Ended> {
    if let Some(unlike) = locked.unlike() {
        return Err(unlike.into());
    }
    match &verify::problems(&locked.lock, study, report)[..] {
        [] => Ok(()),
        [first, others @ ..] => {
            let more = if others.is_empty() { String::new() } else { format!(", and {} more", others.len()) };
            Err(format!("{first}{more}: `tombola run --update-lock` makes lock and report of one run").into())
        }
    }
}
