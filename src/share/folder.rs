//! The files of a folder that are shared: all but hidden ones and copies that editors keep.

use std::path::Path;

use walkdir::{DirEntry, WalkDir};

use super::entry;
use super::part::Part;
use crate::dataset::Failure;

/// More files than a pack may have.
pub const FILES: usize = 100_000;

/// The plain files below a folder, sorted, as parts below `at`. A link within the folder is the file that it leads to.
pub fn parts(folder: &Path, at: &str) -> Result<Vec<Part>, Failure> {
    let root = folder.canonicalize().map_err(|e| unreadable(folder, &e))?;
    let walk = WalkDir::new(folder).min_depth(1).sort_by_file_name().into_iter().filter_entry(|entry| !is_kept(entry));
    let mut parts = Vec::new();
    for entry in walk {
        let entry = entry.map_err(|e| unreadable(e.path().unwrap_or(folder), &e))?;
        if entry.file_type().is_dir() {
            continue;
        }
        let place = entry.path().canonicalize().map_err(|e| unreadable(entry.path(), &e))?;
        let told = |why: &str| Failure::Wrong(format!("{}: {why}", entry.path().display()));
        if !place.starts_with(&root) {
            return Err(told("this link leads out of the folder: copy the file into it"));
        }
        if !place.is_file() {
            return Err(told("it is no plain file, and cannot be shared: move it out of the folder"));
        }
        let below = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        let names: Option<Vec<&str>> = below.iter().map(|name| name.to_str()).collect();
        let path = names.map(|names| format!("{at}/{}", names.join("/")));
        match path.as_deref().map(|path| (path, entry::refused(path))) {
            Some((path, None)) => parts.push(Part::file(path, place)),
            Some((_, Some(why))) => return Err(told(&format!("{why}: rename it, to share it"))),
            None => return Err(told("its name is no text: rename it, to share it")),
        }
        if parts.len() > FILES {
            return Err(Failure::Wrong(format!(
                "{} has more than {FILES} files: is it the right one?",
                folder.display()
            )));
        }
    }
    Ok(parts)
}

fn is_kept(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    name.starts_with('.') || name.ends_with('~')
}

fn unreadable(path: &Path, why: &dyn std::fmt::Display) -> Failure {
    Failure::Machine(format!("{}: it cannot be read: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, file).unwrap();
        }
        folder
    }

    #[test]
    fn files_are_in_order_without_hidden_ones_and_editors_copies() {
        let folder = folder(&["b.toml", "a/x.toml", "a.md", ".git/config", "a.md~", ".b.swp"]);
        let paths: Vec<String> = parts(folder.path(), "at").unwrap().into_iter().map(|part| part.path).collect();
        assert_eq!(paths, ["at/a/x.toml", "at/a.md", "at/b.toml"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_within_is_its_file_and_one_that_leads_out_is_refused() {
        let (own, outside) = (folder(&["a.md"]), folder(&["secret"]));
        std::os::unix::fs::symlink("a.md", own.path().join("b.md")).unwrap();
        assert_eq!(parts(own.path(), "at").unwrap().len(), 2);
        std::os::unix::fs::symlink(outside.path().join("secret"), own.path().join("c.md")).unwrap();
        let Err(Failure::Wrong(why)) = parts(own.path(), "at") else { panic!() };
        assert!(why.contains("c.md: this link leads out of the folder"), "{why}");
    }
}
