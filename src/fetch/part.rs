//! What has come of a file, under a temporary name: `NAME.part`, held by a lock, and `NAME.part.json`, which says where it
//! came from.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::TempPath;

/// Whose first bytes a part is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Origin {
    pub address: String,
    /// By which the server tells this content from another of its address.
    pub validator: Option<String>,
    /// The whole file's bytes.
    pub total: Option<u64>,
}

pub struct Part {
    /// The file's name once it is right.
    name: PathBuf,
    path: PathBuf,
    /// Locked for as long as it is open.
    file: File,
    length: u64,
    pub origin: Origin,
}

impl Part {
    /// Opens what an earlier command left, or makes a new one. An error where another process holds it.
    pub fn open(folder: &Path, name: &str) -> Result<Part, String> {
        let path = folder.join(format!("{name}.part"));
        let told = |e: std::io::Error| cannot_write(&path, &e);
        // What it leads to would be written.
        if path.symlink_metadata().is_ok_and(|there| !there.is_file()) {
            return Err(format!("{} is not a plain file: remove it", path.display()));
        }
        let file = locked(&path)?;
        let length = file.metadata().map_err(told)?.len();
        let origin = fs::read(beside(&path)).ok().and_then(|text| serde_json::from_slice(&text).ok());
        Ok(Part { name: folder.join(name), path, file, length, origin: origin.unwrap_or_default() })
    }

    pub fn len(&self) -> u64 {
        self.length
    }

    /// The file that keeps what came, where something did.
    pub fn kept(&self) -> Option<PathBuf> {
        (self.length > 0).then(|| self.path.clone())
    }

    /// Whether all has come that its server announced.
    pub fn is_whole(&self) -> bool {
        self.length > 0 && self.origin.total == Some(self.length)
    }

    /// Forgets what came: what comes next is the beginning of `origin`'s.
    pub fn begin(&mut self, origin: Origin) -> Result<(), String> {
        let told = |e: std::io::Error| cannot_write(&self.path, &e);
        // First: what says where bytes came from is never of others.
        self.file.set_len(0).map_err(told)?;
        self.length = 0;
        let text = serde_json::to_string(&origin).map_err(|e| cannot_write(&self.path, &e.into()))?;
        fs::write(beside(&self.path), text).map_err(told)?;
        self.origin = origin;
        Ok(())
    }

    pub fn add(&mut self, bytes: &[u8]) -> Result<(), String> {
        let written = self.file.seek(SeekFrom::Start(self.length)).and_then(|_| self.file.write_all(bytes));
        written.map_err(|e| cannot_write(&self.path, &e))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Gives what is there, piece by piece, for as long as it is taken.
    pub fn read(&mut self, mut take: impl FnMut(&[u8]) -> bool) -> Result<(), String> {
        let told = |e: std::io::Error| format!("{}: {e}", self.path.display());
        self.file.rewind().map_err(told)?;
        let mut piece = vec![0; 64 << 10];
        loop {
            match self.file.read(&mut piece).map_err(told)? {
                0 => return Ok(()),
                read if !take(&piece[..read]) => return Ok(()),
                _ => {}
            }
        }
    }

    /// Gives the file its name, on the disk before it is seen, and never in another's place.
    pub fn finish(self) -> Result<PathBuf, String> {
        self.file.sync_all().map_err(|e| cannot_write(&self.path, &e))?;
        let part = TempPath::try_from_path(&self.path).map_err(|e| cannot_write(&self.path, &e))?;
        if let Err(error) = part.persist_noclobber(&self.name) {
            // It is right, and stays.
            let _ = error.path.keep();
            return Err(cannot_write(&self.name, &error.error));
        }
        let _ = fs::remove_file(beside(&self.path));
        // So that the name, too, outlives a crash; not every system can.
        let _ = self.name.parent().map(|folder| File::open(folder).and_then(|folder| folder.sync_all()));
        Ok(self.name.clone())
    }
}

impl Drop for Part {
    /// An empty one is of no use to anybody.
    fn drop(&mut self) {
        if self.length == 0 {
            let _ = fs::remove_file(&self.path);
            let _ = fs::remove_file(beside(&self.path));
        }
    }
}

/// The open file of this path, held.
fn locked(path: &Path) -> Result<File, String> {
    let told = |e: std::io::Error| cannot_write(path, &e);
    // Who held it before may take it away between its opening and its locking: then another is made.
    for _ in 0..100 {
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path).map_err(told)?;
        match file.try_lock() {
            // Disks without locks: nobody can hold it there, either.
            Ok(()) | Err(fs::TryLockError::Error(_)) if is_at(&file, path) => return Ok(file),
            Err(fs::TryLockError::WouldBlock) => {
                return Err(format!("{}: another process is fetching this file: wait until it ends", path.display()));
            }
            _ => {}
        }
    }
    Err(format!("cannot write {}: other processes take it away", path.display()))
}

/// Whether an open file is still the one of this path.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |of: std::io::Result<fs::Metadata>| of.ok().map(|of| (of.dev(), of.ino()));
    id(path.symlink_metadata()).is_some_and(|there| id(file.metadata()) == Some(there))
}

/// Elsewhere nobody can take away a file that is open.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

fn beside(part: &Path) -> PathBuf {
    part.with_added_extension("json")
}

fn cannot_write(path: &Path, error: &std::io::Error) -> String {
    format!("cannot write {}: {error}; `--data DIR` names another place", path.display())
}
