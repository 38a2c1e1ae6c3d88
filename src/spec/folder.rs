//! An experiment's folder: finds and reads its TOML files, and nothing outside it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fmt;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use walkdir::WalkDir;

use super::diagnostic::Diagnostics;
use super::node::{Error, Source};

const TOML: &str = "toml";

/// A larger file is no spec.
const BYTES: u64 = 1 << 20;

/// More than any experiment has in all of its files.
const ALL_BYTES: u64 = 8 << 20;

/// More TOML files than any experiment has in one place.
const FILES: usize = 1000;

pub struct Folder {
    /// As it was given.
    pub path: PathBuf,
    /// Without symbolic links.
    root: PathBuf,
    /// The files that were read, each as often as it is used, and their bytes.
    read: RefCell<HashMap<PathBuf, u64>>,
}

impl Folder {
    pub fn open(path: &Path) -> Result<Folder, Error> {
        let fail = |why: String| Error::nowhere(format!("{}: {why}", path.display()));
        let root = path
            .canonicalize()
            .map_err(|e| fail(e.to_string()).help("an experiment is a folder with experiment.toml"))?;
        match root.is_dir() {
            true => Ok(Folder { path: path.to_path_buf(), root, read: RefCell::default() }),
            false => Err(fail("an experiment is a folder, and this is a file".into())
                .help("give the folder that holds experiment.toml")),
        }
    }

    /// The folder's own name, which is the experiment's.
    pub fn name(&self) -> String {
        self.root.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The TOML files directly in the folder, experiment.toml first; a folder there is none, whatever its name.
    pub fn top(&self, diagnostics: &mut Diagnostics) -> Vec<PathBuf> {
        let mut files = self.toml_files(&self.path, 1, diagnostics);
        files.retain(|file| !file.is_dir());
        files.sort_by_key(|file| !file.ends_with("experiment.toml"));
        files
    }

    /// The TOML files anywhere below one of its folders; `None` where that cannot be read.
    pub fn below(&self, folder: &str, diagnostics: &mut Diagnostics) -> Option<Vec<PathBuf>> {
        let path = self.path.join(folder);
        if path.symlink_metadata().is_err_and(|e| e.kind() == ErrorKind::NotFound) {
            return Some(Vec::new());
        }
        let error = match path.canonicalize() {
            Ok(place) if !place.starts_with(&self.root) => leads_out(&path),
            Ok(place) if !place.is_dir() => {
                let error = Error::nowhere(format!("{}: a file, where a folder is expected", path.display()));
                error.help(format!("make `{folder}` a folder, with a TOML file for each thing that it declares"))
            }
            Ok(_) => return Some(self.toml_files(&path, 8, diagnostics)),
            Err(e) => unreadable(&path, &e),
        };
        diagnostics.push(error);
        None
    }

    /// Sorted by path; hidden files are none of ours, nor are copies that editors keep, "x.toml~".
    fn toml_files(&self, folder: &Path, depth: usize, diagnostics: &mut Diagnostics) -> Vec<PathBuf> {
        let hidden = |name: &OsStr| name.to_string_lossy().starts_with('.');
        let walk = WalkDir::new(folder).min_depth(1).max_depth(depth).sort_by_file_name();
        let mut files = Vec::new();
        for entry in walk.into_iter().filter_entry(|entry| entry.depth() == 0 || !hidden(entry.file_name())) {
            match entry {
                Ok(entry) => files.extend(Some(entry.into_path()).filter(|path| is_toml(path))),
                Err(error) => diagnostics.push(unreadable(error.path().unwrap_or(folder), &error)),
            }
            if files.len() > FILES {
                let message = format!("{}: more than {FILES} TOML files", folder.display());
                diagnostics.push(Error::nowhere(message).help("is it an experiment's folder?"));
                return Vec::new();
            }
        }
        for path in files.iter().filter(|path| path.extension() != Some(OsStr::new(TOML))) {
            let error = Error::nowhere(format!("{}: the name of a spec's file ends in `.{TOML}`", path.display()));
            let name = path.with_extension(TOML).file_name().unwrap_or_default().display().to_string();
            diagnostics.push(error.help(format!("rename it: `{name}`")));
        }
        files
    }

    pub fn read(&self, file: &Path) -> Result<Arc<Source>, Error> {
        let name = file.display().to_string();
        let fail = |why: String| Error::nowhere(format!("{name}: {why}"));
        let place = file.canonicalize().map_err(|e| unreadable(file, &e))?;
        if !place.starts_with(&self.root) {
            return Err(leads_out(file));
        }
        if place.is_dir() {
            let error = fail("a folder, where a file is expected".into());
            return Err(error.help(format!("rename it: only files have names that end in `.{TOML}`")));
        }
        let (opened, about) = open(&place).map_err(|e| fail(e.to_string()))?;
        if !about.is_file() {
            return Err(fail("not a plain file".into()));
        }
        // Whatever was put in the file's place meanwhile is not read.
        if file.canonicalize().ok().as_ref() != Some(&place) || !is_the_same(&about, &place) {
            return Err(fail("it was replaced while it was opened: try again".into()));
        }
        let mut bytes = Vec::new();
        opened.take(BYTES + 1).read_to_end(&mut bytes).map_err(|e| fail(e.to_string()))?;
        if bytes.len() as u64 > BYTES {
            return Err(fail(format!("larger than {BYTES} bytes, which no spec is")));
        }
        self.read.borrow_mut().insert(place, bytes.len() as u64);
        if self.read.borrow().values().sum::<u64>() > ALL_BYTES {
            return Err(fail(format!("with it, this spec has more than {ALL_BYTES} bytes")));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            fail(format!("line {line} is not UTF-8 text")).help("save the file as UTF-8")
        })?;
        Ok(Arc::new(Source::new(name, text)))
    }

    /// Reads a file, or says why not.
    pub fn try_read(&self, file: &Path, diagnostics: &mut Diagnostics) -> Option<Arc<Source>> {
        self.read(file).map_err(|error| diagnostics.push(error)).ok()
    }
}

/// However the ending is spelled.
fn is_toml(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case(TOML))
}

fn unreadable(path: &Path, why: &dyn fmt::Display) -> Error {
    let error = Error::nowhere(format!("{}: it cannot be read: {why}", path.display()));
    error.help("is it a link to nothing, or may only others read it?")
}

fn leads_out(path: &Path) -> Error {
    let message = format!("{}: this link leads out of the experiment's folder", path.display());
    Error { message, ..Error::default() }.help("a spec reads nothing outside its folder: copy the file into it")
}

/// Opens a file to read, without waiting for a pipe's other end.
fn open(place: &Path) -> std::io::Result<(File, Metadata)> {
    let about = place.metadata()?;
    if !about.is_file() {
        // A pipe's other end might never come, and a device might do something when it is opened.
        return Err(std::io::Error::other("not a plain file"));
    }
    let file = OpenOptions::new().read(true).open(place)?;
    let about = file.metadata()?;
    Ok((file, about))
}

#[cfg(unix)]
fn is_the_same(opened: &Metadata, place: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    place.symlink_metadata().is_ok_and(|there| (there.dev(), there.ino()) == (opened.dev(), opened.ino()))
}

#[cfg(not(unix))]
fn is_the_same(_: &Metadata, place: &Path) -> bool {
    place.symlink_metadata().is_ok_and(|there| there.is_file())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{DOTS, Experiment, SOUND, experiment};

    #[test]
    fn a_file_that_every_variant_uses_counts_once() {
        let seeds = (0..50).map(|seed| format!("{seed}, ")).collect::<String>();
        let text = experiment(&format!("[vary]\nseed = [{seeds}]"));
        let dots = format!("# {}\n{DOTS}", "x".repeat(1_000_000));
        let files = [("experiment.toml", text.as_str()), ("datasets/dots.toml", dots.as_str())];
        assert_eq!(Experiment::new(&files).load(&[]).unwrap_or_else(|errors| panic!("{errors}")).variants.len(), 50);
    }

    #[cfg(unix)]
    #[test]
    fn what_cannot_be_read_is_told_whether_it_is_used_or_not() {
        let link = |at: &str| {
            let experiment = Experiment::new(&[("experiment.toml", SOUND), ("datasets/dots.toml", DOTS)]);
            let path = experiment.folder().join(at);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::os::unix::fs::symlink("nowhere", path).unwrap();
            experiment
        };
        for (at, uses) in [
            ("models/mine.toml", vec![]),
            ("models/mine.toml", vec!["model.use=mine"]),
            ("models", vec![]),
            // Whether it is there, nobody knows: that the folder cannot be read is the only error.
            ("models", vec!["model.use=mine"]),
            ("more.toml", vec![]),
        ] {
            let errors = link(at).errors(&uses);
            assert!(errors.contains(&format!("{at}: it cannot be read")) && errors.ends_with("1 error"), "{errors}");
        }
    }

    #[test]
    fn what_editors_keep_beside_a_file_is_none_of_an_experiments() {
        let kept =
            ["models/.mine.toml.swp", "models/.mine.toml", "models/mine.toml~", "models/#mine.toml#", "x.toml.orig"];
        let mut files: Vec<(&str, &str)> = kept.iter().map(|name| (*name, "[")).collect();
        files.extend([("experiment.toml", SOUND), ("datasets/dots.toml", DOTS)]);
        Experiment::new(&files).load(&[]).unwrap_or_else(|errors| panic!("{errors}"));
    }
}
