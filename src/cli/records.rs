//! Reports by their own records: rendered again without the store, and the index of all of them.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use super::report::Written;
use super::{Ended, place, verify};
use crate::record::Study;
use crate::registry::Registry;
use crate::report::{self, Content, Entry};

pub const RECORDS: &str = "records.jsonl";

/// The folders of all reports, by name.
pub fn folders(reports: &Path) -> Result<Vec<PathBuf>, Ended> {
    place::folder("--reports", reports)?;
    let entries = fs::read_dir(reports).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut folders: Vec<PathBuf> = entries.filter(|folder| folder.join(RECORDS).is_file()).collect();
    folders.sort();
    match folders.is_empty() {
        false => Ok(folders),
        true => Err(format!(
            "there is no report in {}: `tombola run EXPERIMENT` makes one, `--reports DIR` names another place",
            reports.display()
        )
        .into()),
    }
}

/// Renders reports again, each in its place and with the templates that ship. Their records stay as they are.
pub fn rendered(folders: &[PathBuf], registry: &Registry) -> Result<Vec<Written>, Ended> {
    let one = |folder: &PathBuf| {
        let study = study(folder)?;
        let mut files = report::render(&study, registry, None)?;
        files.retain(|file| matches!(file.content, Content::Text(_)));
        report::write(&files, folder).map_err(Ended::Failed)?;
        Written::of(&study, folder)
    };
    folders.iter().map(one).collect()
}

/// Writes the index of all reports beside them, and gives the path of its page.
pub fn index(reports: &Path) -> Result<PathBuf, Ended> {
    let entry = |folder: &PathBuf| {
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // One study at a time: together they may be more than memory holds.
        Ok(Entry::of(&name, &study(folder)?))
    };
    let entries: Vec<Entry> = folders(reports)?.iter().map(entry).collect::<Result<_, Ended>>()?;
    report::put(&report::index(&entries)?, reports).map_err(Ended::Failed)?;
    Ok(reports.join("index.html"))
}

/// The study of a report, from its records.
pub fn study(folder: &Path) -> Result<Study, Ended> {
    let path = folder.join(RECORDS);
    let remedy = "`tombola report EXPERIMENT` writes it from the store";
    let file = File::open(&path).map_err(|e| format!("{}: {e}: {remedy}", path.display()))?;
    let study = Study::read(BufReader::new(file));
    let mut study = study.map_err(|e| Ended::Failed(format!("{}: {e}: {remedy}", path.display())))?;
    study.verification = verify::reported(&study, folder);
    Ok(study)
}
