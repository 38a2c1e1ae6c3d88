//! A report's files on disk.

use std::collections::HashSet;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

/// One file of a report, by its path within the report's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub path: String,
    pub bytes: Vec<u8>,
}

/// Writes a report: each file under a temporary name first, then renamed. Figures that the report no longer has are
/// removed from `figures/`; nothing else is. An error names the path.
pub fn write(files: &[File], folder: &Path) -> Result<(), String> {
    let figures = folder.join("figures");
    fs::create_dir_all(&figures).map_err(|e| format!("{}: {e}", figures.display()))?;
    for file in files {
        let path = folder.join(&file.path);
        replace(&path, &file.bytes).map_err(|e| format!("cannot write the report: {}: {e}", path.display()))?;
    }
    let known: HashSet<_> = files.iter().map(|file| folder.join(&file.path)).collect();
    let stale = fs::read_dir(&figures).map_err(|e| format!("{}: {e}", figures.display()))?;
    for entry in stale.flatten().map(|entry| entry.path()) {
        let drawn = entry.extension().is_some_and(|ending| ending == "svg" || ending == "csv");
        if drawn && !known.contains(&entry) {
            fs::remove_file(&entry).map_err(|e| format!("{}: {e}", entry.display()))?;
        }
    }
    Ok(())
}

fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().ok_or(ErrorKind::InvalidInput)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    open_to_all(file.as_file())?;
    file.persist(path).map(|_| ()).map_err(|e| e.error)
}

/// A temporary file is its owner's only; a report is for others to read.
#[cfg(unix)]
fn open_to_all(file: &fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn open_to_all(_: &fs::File) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_is_gone_is_removed_and_other_files_stay() {
        let folder = tempfile::tempdir().unwrap();
        let file = |path: &str| File { path: path.into(), bytes: b"x".to_vec() };
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
