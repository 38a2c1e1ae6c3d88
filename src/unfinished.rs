//! Files that are being written: under another name, and locked while their process lives, so that what killed processes
//! left is told from what live ones write, and removed.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use tempfile::NamedTempFile;

/// A new file in a folder, whose name begins with this. Dropped, it is gone; `persist` gives it its name.
pub fn file(folder: &Path, prefix: &str) -> io::Result<NamedTempFile> {
    // Another process may remove a file between its making and its locking: then another is made.
    for _ in 0..100 {
        let file = tempfile::Builder::new().prefix(prefix).rand_bytes(12).tempfile_in(folder)?;
        match file.as_file().try_lock() {
            Err(TryLockError::WouldBlock) => {}
            // Disks without locks: nobody cleans up there, either.
            _ if file.path().exists() => return Ok(file),
            _ => {}
        }
    }
    Err(io::Error::other("other processes take its files away"))
}

/// Removes files of such names whose processes are gone.
pub fn clean(folder: &Path, prefix: &str) -> io::Result<()> {
    for entry in fs::read_dir(folder)?.flatten() {
        let left = entry.file_name().to_str().is_some_and(|name| name.starts_with(prefix));
        if left && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            // What cannot be removed is in nobody's way.
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_dead_process_was_writing_is_removed_and_a_live_one_s_stays() {
        let folder = tempfile::tempdir().unwrap();
        let live = file(folder.path(), "new-").unwrap();
        for name in ["new-dead", "other"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        clean(folder.path(), "new-").unwrap();
        let there = ["new-dead", "other"].map(|name| folder.path().join(name).exists());
        assert_eq!((live.path().exists(), there), (true, [false, true]));
    }
}
