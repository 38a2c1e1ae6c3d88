//! A report's files on disk.

use std::collections::HashSet;
use std::fs;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::record::Study;
use crate::unfinished;

/// One file of a report, by its path within the report's folder.
pub struct File<'a> {
    pub path: String,
    pub content: Content<'a>,
}

/// What a file holds.
pub enum Content<'a> {
    Text(String),
    /// All that was measured: written as it is read, for it may be more than memory holds.
    Records(&'a Study),
}

impl Content<'_> {
    pub fn write(&self, out: &mut impl Write) -> std::io::Result<()> {
        match self {
            Content::Text(text) => out.write_all(text.as_bytes()),
            Content::Records(study) => study.write(out),
        }
    }
}

/// Where a report's figures are, in its folder.
pub const FIGURES: &str = "figures";

/// What begins the name of a file that is being written.
const UNFINISHED: &str = ".unfinished-";

/// The table of what analyses measured, where there are any.
pub(super) const ANALYSES: &str = "analyses.csv";

/// Writes a report: all its files under temporary names first, then each renamed, so that a full disk leaves the old
/// report whole. Figures and a table of analyses that the report no longer has are removed; nothing else is. An error
/// names the path.
pub fn write(files: &[File], folder: &Path) -> Result<(), String> {
    let figures = folder.join(FIGURES);
    fs::create_dir_all(&figures).map_err(|e| told(&figures, &e))?;
    put(files, folder)?;
    let known: HashSet<_> = files.iter().map(|file| folder.join(&file.path)).collect();
    let stale = fs::read_dir(&figures).map_err(|e| told(&figures, &e))?;
    let table = Some(folder.join(ANALYSES)).filter(|table| table.exists());
    for entry in stale.flatten().map(|entry| entry.path()).chain(table) {
        let drawn = entry.extension().is_some_and(|ending| ending == "svg" || ending == "csv");
        if drawn && !known.contains(&entry) {
            fs::remove_file(&entry).map_err(|e| told(&entry, &e))?;
        }
    }
    Ok(())
}

/// Writes files into a folder that is there, whole or not at all; removes what a killed process left unfinished. An error
/// names the path.
pub fn put(files: &[File], folder: &Path) -> Result<(), String> {
    let places: HashSet<_> =
        files.iter().filter_map(|file| Some(folder.join(&file.path).parent()?.to_owned())).collect();
    places.iter().try_for_each(|place| unfinished::clean(place, UNFINISHED).map_err(|e| told(place, &e)))?;
    let written: Result<Vec<_>, String> = files.iter().map(|file| begin(file, folder)).collect();
    written?
        .into_iter()
        .try_for_each(|(temporary, path)| temporary.persist(&path).map(drop).map_err(|e| told(&path, &e.error)))
}

fn told(path: &Path, error: &std::io::Error) -> String {
    let remedy = "the results are in the store: `tombola report` writes them elsewhere with `--reports DIR`";
    // A temporary name says nothing to anyone.
    let kind = error.kind();
    format!("cannot write the report: {}: {kind}; {remedy}", path.display())
}

/// A file's content under a temporary name beside it, and its place.
fn begin(file: &File, folder: &Path) -> Result<(NamedTempFile, PathBuf), String> {
    let path = folder.join(&file.path);
    let write = || {
        let mut temporary = unfinished::file(path.parent().ok_or(ErrorKind::InvalidInput)?, UNFINISHED)?;
        let mut buffered = BufWriter::new(&mut temporary);
        file.content.write(&mut buffered)?;
        buffered.flush()?;
        drop(buffered);
        temporary.as_file().sync_all()?;
        unfinished::open_to_all(temporary.as_file())?;
        Ok(temporary)
    };
    write().map_err(|e| told(&path, &e)).map(|temporary| (temporary, path.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_is_gone_is_removed_and_other_files_stay() {
        let folder = tempfile::tempdir().unwrap();
        let file = |path: &str| File { path: path.into(), content: Content::Text("x".into()) };
        write(&[file("index.html"), file("figures/a.svg")], folder.path()).unwrap();
        fs::write(folder.path().join("figures/notes.txt"), "mine").unwrap();
        write(&[file("index.html"), file("figures/b.svg")], folder.path()).unwrap();
        let there = |path: &str| folder.path().join(path).exists();
        assert_eq!(
            ["index.html", "figures/a.svg", "figures/b.svg", "figures/notes.txt"].map(there),
            [true, false, true, true]
        );
    }
}
