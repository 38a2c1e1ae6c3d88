//! Folders that a command is told to use: whether they can be, before anything is done, and files that are put there.

use std::fmt::Display;
use std::fs;
use std::path::Path;

use super::Ended;

/// The command is wrong where a file is in the place of a folder, or of one above it; `option` named it.
pub fn folder(option: &str, path: &Path) -> Result<(), Ended> {
    let there = path.ancestors().find(|above| above.symlink_metadata().is_ok());
    match there.filter(|there| !there.is_dir()) {
        None => Ok(()),
        Some(file) => Err(format!("{} is no folder: `{option} DIR` names another place", file.display()).into()),
    }
}

/// An error where nothing can be written into a folder, which need not be there yet and is not made.
pub fn writable(option: &str, path: &Path) -> Result<(), Ended> {
    folder(option, path)?;
    let absolute = std::path::absolute(path).map_err(|e| cannot_write(path, e, option))?;
    let there = absolute.ancestors().find(|above| above.exists()).unwrap_or(&absolute);
    tempfile::tempfile_in(there).map(drop).map_err(|e| cannot_write(path, e, option))
}

/// Writes files into a folder, by their names; makes it where it is not there.
pub fn write(option: &str, path: &Path, files: &[(String, String)]) -> Result<(), Ended> {
    folder(option, path)?;
    fs::create_dir_all(path).map_err(|e| cannot_write(path, e, option))?;
    files.iter().try_for_each(|(name, text)| {
        let file = path.join(name);
        fs::write(&file, text).map_err(|e| cannot_write(&file, e, option))
    })
}

/// The command was right, and its output cannot be written.
fn cannot_write(path: &Path, error: impl Display, option: &str) -> Ended {
    Ended::Failed(format!("cannot write {}: {error}; `{option} DIR` names another place", path.display()))
}
