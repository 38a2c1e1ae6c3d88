//! `report`: renders what has run so far.

use std::path::PathBuf;

use clap::Args;

use super::open::Opened;
use super::{Ended, Experiment, print};
use crate::registry::Registry;
use crate::report;
use crate::run::{State, Store, study};

#[derive(Args)]
pub struct ReportCommand {
    #[command(flatten)]
    experiment: Experiment,
}

impl ReportCommand {
    pub fn run(&self, registry: &Registry) -> Result<(), Ended> {
        let opened = self.experiment.open(registry)?;
        let store = Store::open(&self.experiment.runs);
        let folder = render(&self.experiment, &opened, &store, None, registry)?;
        print(&format!("{}\n", folder.join("index.html").display()))
    }
}

/// Renders an experiment's report and gives its folder.
pub fn render(
    experiment: &Experiment,
    opened: &Opened,
    store: &Store,
    states: Option<&[State]>,
    registry: &Registry,
) -> Result<PathBuf, Ended> {
    let study = study(experiment.header(opened), &opened.plan, store, states);
    if study.rows.iter().all(|row| row.record.is_none()) {
        // An empty report would take the place of a full one.
        let message = format!("no ticket of {} is recorded in {}", opened.spec.name, store.root().display());
        return Err(format!("{message}: `tombola run` it first, or name another store with `--runs DIR`").into());
    }
    let templates = opened.spec.folder.join("templates");
    let files = report::render(&study, registry, templates.is_dir().then_some(templates.as_path()))?;
    let folder = experiment.reports.join(&opened.spec.name);
    report::write(&files, &folder).map_err(Ended::Failed)?;
    Ok(folder)
}
