//! Who uses a store: runs share it, and a clean-up has it alone.

use std::fs::{self, File, TryLockError};
use std::io;

use super::Store;
use super::parts::{LOCK, TMP};
use crate::run::scratch;

/// A store that is in use for as long as this lives.
pub struct Held {
    _lock: Option<File>,
}

impl Store {
    /// For a run: as many as want to share it, and nothing is deleted meanwhile. A store that is not there yet, or that nobody
    /// can write to, loses nothing.
    pub fn share(&self) -> Result<Held, String> {
        let Ok(file) = self.lock() else { return Ok(Held { _lock: None }) };
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Err(format!(
                "{} is being cleaned up by `tombola store gc`: run the same command again when that has ended",
                self.root().display()
            )),
            // Disks without locks have no clean-up, either.
            _ => Ok(Held { _lock: Some(file) }),
        }
    }

    /// For a clean-up: an error while anybody uses it.
    pub fn alone(&self) -> Result<Held, String> {
        let place = self.root().display();
        let file = self.lock().map_err(|e| format!("cannot write to the store: {place}: {e}"))?;
        match file.try_lock() {
            Ok(()) if !scratch::is_held(&self.root().join(TMP)) => Ok(Held { _lock: Some(file) }),
            Err(TryLockError::Error(e)) => {
                Err(format!("{place}: {e}: on a disk without locks nobody can tell whether a run uses it"))
            }
            _ => Err(format!("a run uses {place}: try again when it has ended, for it may need what would be deleted")),
        }
    }

    fn lock(&self) -> io::Result<File> {
        let path = self.root().join(LOCK);
        File::options().read(true).write(true).create(true).truncate(false).open(&path).or_else(|e| {
            // On another's disk it can be read all the same.
            if fs::exists(&path)? { File::open(&path) } else { Err(e) }
        })
    }
}
