//! A folder that is there whole or not at all: written under a temporary name beside its place, then renamed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::dataset::Failure;
use crate::unfinished;

/// Names that nobody gives to anything else: what has them is removed where no process holds it.
pub(super) const UNFINISHED: &str = ".tombola-unfinished-";

pub struct Landing {
    target: PathBuf,
    temporary: TempDir,
    held: Option<File>,
}

impl Landing {
    /// Nothing may be in the folder's place, and the folder above it must be there. `option` names another place.
    pub fn begin(target: &Path, option: &str) -> Result<Landing, Failure> {
        let shown = target.display();
        if target.symlink_metadata().is_ok() {
            return Err(
                format!("{shown} is there already, and is left as it is: `{option} DIR` names another place").into()
            );
        }
        let above = match target.parent() {
            Some(above) if !above.as_os_str().is_empty() => above,
            _ => Path::new("."),
        };
        if !above.is_dir() {
            return Err(format!("there is no folder {} to put {shown} into: make it first", above.display()).into());
        }
        let made = unfinished::clean(above, UNFINISHED).and_then(|()| unfinished::folder(above, UNFINISHED));
        let (temporary, held) = made.map_err(|e| cannot_write(target, &e.kind()))?;
        Ok(Landing { target: target.to_path_buf(), temporary, held })
    }

    /// Where its files are written meanwhile.
    pub fn path(&self) -> &Path {
        self.temporary.path()
    }

    /// A machine's failure in words.
    pub fn failed(&self, why: &std::io::Error) -> Failure {
        // A temporary name says nothing to anyone.
        cannot_write(&self.target, &why.kind())
    }

    /// Gives the folder its name.
    pub fn land(self) -> Result<(), Failure> {
        let place = || {
            self.held.as_ref().map_or(Ok(()), unfinished::open_to_all)?;
            fs::rename(self.path(), &self.target)
        };
        place().map_err(|e| self.failed(&e))?;
        // It is no longer where it was, so that there is nothing to remove.
        drop(self.temporary.keep());
        Ok(())
    }
}

fn cannot_write(target: &Path, why: &dyn std::fmt::Display) -> Failure {
    Failure::Machine(format!("cannot write {}: {why}; choose a folder in another place", target.display()))
}
