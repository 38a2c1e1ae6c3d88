//! Where a process writes what is not finished yet: a folder of its own under `tmp/`, held by a lock.
//!
//! The lock tells a live process from a killed one, on this machine or on another that shares the disk; a process id
//! would not. `tmp/NAME.lock` is locked before `tmp/NAME/` is made.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

pub struct Scratch {
    folder: PathBuf,
    lock: PathBuf,
    /// Locked for as long as it is open.
    _held: File,
    next: AtomicU64,
}

impl Scratch {
    /// Makes this process's folder, and removes those of processes that are gone.
    pub fn open(tmp: &Path) -> Result<Scratch, String> {
        fs::create_dir_all(tmp).map_err(|e| told(tmp, &e))?;
        clean(tmp);
        // A cleaner may take a lock file away between its making and its locking: then another is made.
        for _ in 0..100 {
            let named = tempfile::Builder::new().prefix("run-").suffix(".lock").rand_bytes(12).tempfile_in(tmp);
            let (held, lock) = named.and_then(|file| file.keep().map_err(|e| e.error)).map_err(|e| told(tmp, &e))?;
            match held.try_lock() {
                Ok(()) if lock.exists() => {}
                // Disks without locks: nobody can clean up there, either.
                Err(fs::TryLockError::Error(_)) => {}
                _ => continue,
            }
            let folder = lock.with_extension("");
            fs::create_dir(&folder).map_err(|e| told(&folder, &e))?;
            return Ok(Scratch { folder, lock, _held: held, next: AtomicU64::new(0) });
        }
        Err(format!("cannot write to the store: {}: other processes take its files away", tmp.display()))
    }

    /// A new, empty folder.
    pub fn folder(&self, name: &str) -> Result<PathBuf, String> {
        let folder = self.place(name);
        fs::create_dir(&folder).map_err(|e| told(&folder, &e))?;
        Ok(folder)
    }

    /// A path where nothing is yet.
    pub fn place(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{}-{name}", self.next.fetch_add(1, Ordering::Relaxed)))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is in nobody's way.
        let _ = fs::remove_dir_all(&self.folder);
        let _ = fs::remove_file(&self.lock);
    }
}

/// Removes the folders whose processes are gone: their locks can be had.
pub fn clean(tmp: &Path) {
    for lock in locks(tmp) {
        let Ok(file) = File::open(&lock) else { continue };
        if file.try_lock().is_ok() {
            let _ = fs::remove_dir_all(lock.with_extension(""));
            let _ = fs::remove_file(&lock);
        }
    }
}

fn locks(tmp: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(tmp).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.extension().is_some_and(|end| end == "lock"))
}

/// Whether a live process has a folder here.
pub fn is_held(tmp: &Path) -> bool {
    locks(tmp).any(|lock| is_live(&lock))
}

/// The folders of processes that are gone, and their locks.
pub fn left(tmp: &Path) -> Vec<PathBuf> {
    let dead = locks(tmp).filter(|lock| !is_live(lock));
    dead.flat_map(|lock| [lock.with_extension(""), lock]).filter(|path| path.exists()).collect()
}

fn is_live(lock: &Path) -> bool {
    File::open(lock).is_ok_and(|file| matches!(file.try_lock_shared(), Err(fs::TryLockError::WouldBlock)))
}

/// An error of writing to the store, with what to do about it.
pub fn told(path: &Path, error: &std::io::Error) -> String {
    let remedy = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "make room and run the same command again to go on, or name another place with `--runs DIR`"
        }
        _ => "`--runs DIR` names another place",
    };
    format!("cannot write to the store: {}: {error}; {remedy}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_process_s_folder_is_removed_and_a_live_one_s_stays() {
        let tmp = tempfile::tempdir().unwrap();
        let live = Scratch::open(tmp.path()).unwrap();
        let kept = live.folder("step").unwrap();
        fs::write(tmp.path().join("run-dead.lock"), "").unwrap();
        fs::create_dir_all(tmp.path().join("run-dead/half")).unwrap();
        let other = Scratch::open(tmp.path()).unwrap();
        assert!(kept.exists() && !tmp.path().join("run-dead").exists());
        drop((live, other));
        assert_eq!(fs::read_dir(tmp.path()).unwrap().count(), 0);
    }
}
