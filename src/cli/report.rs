//! `report`: renders what has run so far, of one experiment or of several, and the index of all reports.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::open::Opened;
use super::{Ended, Experiment, Options, print, records, verify};
use crate::record::Study;
use crate::registry::Registry;
use crate::report::{self, Judgement};
use crate::run::{State, Store, study};

#[derive(Args)]
pub struct ReportCommand {
    /// The experiments' folders, or with --from-records those of their reports. Of several, or of none, the index of all
    /// reports is written, too
    folders: Vec<PathBuf>,
    #[command(flatten)]
    options: Options,
    /// Render reports again from their own records.jsonl, without the store: those named, or all
    #[arg(long)]
    from_records: bool,
    /// Print where the reports are and how their predictions were judged as JSON, for programs
    #[arg(long)]
    json: bool,
}

/// What was written of one experiment.
#[derive(Serialize)]
pub struct Written {
    pub experiment: String,
    pub report: PathBuf,
    /// As JSON: what they are of is gone by then.
    predictions: serde_json::Value,
}

/// What was written of all.
#[derive(Serialize)]
struct AllJson {
    index: PathBuf,
    reports: Vec<Written>,
}

impl Written {
    pub fn of(study: &Study, folder: &Path) -> Result<Written, Ended> {
        let predictions: Vec<Judgement> = report::judge(study);
        let predictions = serde_json::to_value(predictions).map_err(|e| cannot_tell(&e))?;
        Ok(Written { experiment: study.header.experiment.clone(), report: folder.join("index.html"), predictions })
    }
}

fn cannot_tell(error: &serde_json::Error) -> Ended {
    format!("cannot write the report as JSON: {error}").into()
}

impl ReportCommand {
    pub fn run(&self, registry: &Registry) -> Result<(), Ended> {
        let reports = &self.options.reports;
        let written = match (self.from_records, &self.folders[..]) {
            (true, []) => records::rendered(&records::folders(reports)?, registry)?,
            (true, folders) => records::rendered(folders, registry)?,
            (false, folders) => folders.iter().map(|folder| self.one(folder, registry)).collect::<Result<_, _>>()?,
        };
        let index = if self.folders.len() == 1 { None } else { Some(records::index(reports)?) };
        let lines = || written.iter().map(|written| &written.report).chain(&index);
        if !self.json {
            return print(&lines().map(|path| format!("{}\n", path.display())).collect::<String>());
        }
        let text = match (index, written) {
            (None, written) => written.first().map(serde_json::to_string_pretty).unwrap_or_else(|| Ok(String::new())),
            (Some(index), reports) => serde_json::to_string_pretty(&AllJson { index, reports }),
        };
        print(&(text.map_err(|e| cannot_tell(&e))? + "\n"))
    }

    /// Renders one experiment's report from the store.
    fn one(&self, folder: &Path, registry: &Registry) -> Result<Written, Ended> {
        let experiment = Experiment { folder: folder.into(), options: self.options.clone() };
        let opened = experiment.open(registry)?;
        let (store, folder) = (experiment.store()?, experiment.report(&opened)?);
        let study = render(&experiment, &opened, (&store, None), registry, &folder)?;
        Written::of(&study, &folder)
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
    let mut study = study(experiment.header(opened), &opened.plan, store, states);
    study.verification = verify::reported(&study, folder);
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
pub fn templates(folder: &Path) -> Result<Option<PathBuf>, String> {
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
