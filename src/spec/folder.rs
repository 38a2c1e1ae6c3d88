//! An experiment's folder: finds and reads its TOML files, and nothing outside it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use walkdir::WalkDir;

use super::diagnostic::Diagnostics;
use super::node::{Error, Source};

/// A larger file is no spec.
const BYTES: u64 = 1 << 20;

pub struct Folder {
    /// As it was given.
    pub path: PathBuf,
    /// Without symbolic links.
    root: PathBuf,
}

impl Folder {
    pub fn open(path: &Path) -> Result<Folder, Error> {
        let fail = |why: String| Error::nowhere(format!("{}: {why}", path.display()));
        let root = path
            .canonicalize()
            .map_err(|e| fail(e.to_string()).help("an experiment is a folder with experiment.toml"))?;
        match root.is_dir() {
            true => Ok(Folder { path: path.to_path_buf(), root }),
            false => Err(fail("an experiment is a folder, and this is a file".into())
                .help("give the folder that holds experiment.toml")),
        }
    }

    /// The folder's own name, which is the experiment's.
    pub fn name(&self) -> String {
        self.root.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The TOML files directly in the folder, experiment.toml first.
    pub fn top(&self) -> Vec<PathBuf> {
        let mut files = toml_files(&self.path, 1);
        files.sort_by_key(|file| !file.ends_with("experiment.toml"));
        files
    }

    /// The TOML files anywhere below one of its folders.
    pub fn below(&self, folder: &str) -> Vec<PathBuf> {
        toml_files(&self.path.join(folder), 8)
    }

    pub fn read(&self, file: &Path) -> Result<Arc<Source>, Error> {
        let name = file.display().to_string();
        let fail = |why: String| Error::nowhere(format!("{name}: {why}"));
        let place = file.canonicalize().map_err(|e| fail(e.to_string()))?;
        if !place.starts_with(&self.root) {
            return Err(fail("this link leads out of the experiment's folder".into())
                .help("a spec reads nothing outside its folder: copy the file into it"));
        }
        if !place.is_file() {
            return Err(fail("not a plain file".into()));
        }
        let mut bytes = Vec::new();
        let opened = File::open(&place).and_then(|file| file.take(BYTES + 1).read_to_end(&mut bytes));
        opened.map_err(|e| fail(e.to_string()))?;
        if bytes.len() as u64 > BYTES {
            return Err(fail(format!("larger than {BYTES} bytes, which no spec is")));
        }
        let text = String::from_utf8(bytes).map_err(|e| fail(format!("not UTF-8 text: {e}")))?;
        Ok(Arc::new(Source::new(name, text)))
    }

    /// Reads a file, or says why not.
    pub fn try_read(&self, file: &Path, diagnostics: &mut Diagnostics) -> Option<Arc<Source>> {
        self.read(file).map_err(|error| diagnostics.push(error)).ok()
    }
}

/// Sorted by path; hidden files are none of ours.
fn toml_files(folder: &Path, depth: usize) -> Vec<PathBuf> {
    let hidden = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with('.');
    let walk = WalkDir::new(folder).min_depth(1).max_depth(depth).sort_by_file_name();
    let entries = walk.into_iter().filter_entry(|entry| entry.depth() == 0 || !hidden(entry.file_name())).flatten();
    let is_toml = |path: &PathBuf| path.extension().is_some_and(|e| e == "toml") && !path.is_dir();
    entries.map(|entry| entry.into_path()).filter(is_toml).collect()
}
