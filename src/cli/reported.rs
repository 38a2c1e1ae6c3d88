//! From a command's arguments to an experiment with the report of its results, to share them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::open::{planned, told};
use super::{Ended, Experiment, count, records};
use crate::record::Study;
use crate::registry::Registry;
use crate::spec::{self, Spec};

/// An experiment, and its results as they were reported.
pub struct Reported {
    pub spec: Spec,
    pub study: Study,
    /// The report's folder.
    pub folder: PathBuf,
}

impl Experiment {
    /// Reads the experiment and its report; an error where the report is of another state of the experiment. It is
    /// planned for the device that ran it, which need not be here.
    pub fn reported(&self, registry: &Registry) -> Result<Reported, Ended> {
        let overrides = self.overrides();
        let spec = spec::load(&self.folder, registry, &overrides).map_err(told)?;
        let folder = self.options.reports.join(&spec.name);
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
        let (spec, plan) = planned(&self.folder, registry, &overrides, &device).map_err(told)?;
        let tickets = plan.tickets.iter().chain(&plan.analyses);
        let wanted: BTreeSet<&str> = tickets.map(|ticket| plan.steps[ticket.step].id.as_str()).collect();
        let found: BTreeSet<&str> = rows().map(|row| row.step.as_str()).collect();
        if wanted != found {
            let other = count(wanted.symmetric_difference(&found).count(), "step");
            let remedy = "run it again, or give the `--set` and `--replicates` that it was run with";
            let message = format!("the report in {} is not of this experiment as it is now", folder.display());
            return Err(format!("{message}: they differ in {other}: {remedy}").into());
        }
        Ok(Reported { spec, study, folder })
    }
}
