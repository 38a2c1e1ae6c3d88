//! The TOML files of an experiment that another begins with.

use std::path::Path;

use walkdir::WalkDir;

use super::File;
use crate::cli::Ended;
use crate::spec::shipped_experiment;

/// More than any experiment has.
const FILES: usize = 1000;

/// Of a folder: its own TOML and that of its models/, pipelines/ and datasets/, without what links lead to.
pub fn of_folder(folder: &Path) -> Result<Vec<File>, Ended> {
    let hidden = |entry: &walkdir::DirEntry| entry.depth() > 0 && entry.file_name().to_string_lossy().starts_with('.');
    let walk = WalkDir::new(folder).max_depth(9).sort_by_file_name().into_iter().filter_entry(|entry| !hidden(entry));
    let mut files = Vec::new();
    for entry in walk {
        let entry = entry.map_err(|e| format!("cannot read {}: {e}", folder.display()))?;
        if !entry.file_type().is_file() || entry.path().extension().is_none_or(|e| e != "toml") {
            continue;
        }
        if files.len() == FILES {
            return Err(format!("{} has more than {FILES} TOML files: is it an experiment?", folder.display()).into());
        }
        let text = std::fs::read_to_string(entry.path());
        let text = text.map_err(|e| format!("cannot read {}: {e}", entry.path().display()))?;
        let path = entry.path().strip_prefix(folder).unwrap_or(entry.path()).to_path_buf();
        files.push(File { path, text });
    }
    Ok(files)
}

/// Of one that ships, by its name.
pub fn shipped(name: &str) -> Result<Vec<File>, Ended> {
    let files = shipped_experiment(name)
        .map_err(|help| format!("{name:?} is no folder and no experiment that ships: {help}"))?;
    Ok(files.into_iter().map(|(path, text)| File { path: path.into(), text: text.into() }).collect())
}
