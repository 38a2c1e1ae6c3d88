//! `report`: renders what has run so far.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::open::Opened;
use super::{Ended, Experiment, print};
use crate::record::Study;
use crate::registry::Registry;
use crate::report::{self, Judgement};
use crate::run::{State, Store, study};

#[derive(Args)]
pub struct ReportCommand {
    #[command(flatten)]
    experiment: Experiment,
    /// Print where the report is and how its predictions were judged as JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct ReportJson<'a> {
    experiment: &'a str,
    report: PathBuf,
    predictions: Vec<Judgement<'a>>,
}

impl ReportCommand {
    pub fn run(&self, registry: &Registry) -> Result<(), Ended> {
        let opened = self.experiment.open(registry)?;
        let (store, folder) = (self.experiment.store()?, self.experiment.report(&opened)?);
        let study = render(&self.experiment, &opened, (&store, None), registry, &folder)?;
        let (report, predictions) = (folder.join("index.html"), report::judge(&study));
        if !self.json {
            return print(&format!("{}\n", report.display()));
        }
        let json = ReportJson { experiment: &opened.spec.name, report, predictions };
        let text = serde_json::to_string_pretty(&json).map_err(|e| format!("cannot write the report as JSON: {e}"))?;
        print(&(text + "\n"))
    }
}

/// Renders an experiment's report into a folder; gives what it was made from.
pub fn render(
    experiment: &Experiment,
    opened: &Opened,
    (store, states): (&Store, Option<&[State]>),
    registry: &Registry,
    folder: &Path,
) -> Result<Study, Ended> {
    let study = study(experiment.header(opened), &opened.plan, store, states);
    if study.rows.iter().chain(&study.analyses).all(|row| row.record.is_none()) {
        // An empty report would take the place of a full one.
        let message = format!("no ticket of {} is recorded in {}", opened.spec.name, store.root().display());
        return Err(format!("{message}: `tombola run` it first, or name another store with `--runs DIR`").into());
    }
    let templates = templates(&opened.spec.folder)?;
    let files = report::render(&study, registry, templates.as_deref())?;
    report::write(&files, folder).map_err(Ended::Failed)?;
    drop(files);
    Ok(study)
}

/// The experiment's own templates, where it has any.
fn templates(folder: &Path) -> Result<Option<PathBuf>, String> {
    let templates = folder.join("templates");
    if !templates.is_dir() {
        return Ok(None);
    }
    let place = |path: &Path| path.canonicalize().map_err(|e| format!("{}: {e}", path.display()));
    match place(&templates)?.starts_with(place(folder)?) {
        true => Ok(Some(templates)),
        false => Err(format!(
            "{}: this link leads out of the experiment's folder: copy the templates into it",
            templates.display()
        )),
    }
}
