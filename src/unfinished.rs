//! Files and folders that are being written: under another name, and locked while their process lives, so that what killed
//! processes left is told from what live ones write, and removed.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use tempfile::{Builder, NamedTempFile, TempDir};

/// A new file in a folder, whose name begins with this. Dropped, it is gone; `persist` gives it its name.
pub fn file(folder: &Path, prefix: &str) -> io::Result<NamedTempFile> {
    held(|| {
        let file = named(prefix).tempfile_in(folder)?;
        Ok(is_held(file.as_file(), file.path()).then_some(file))
    })
}

/// A new folder likewise, with what holds it. Dropped, it is gone; `keep` leaves it to be renamed.
pub fn folder(above: &Path, prefix: &str) -> io::Result<(TempDir, Option<File>)> {
    held(|| {
        let folder = named(prefix).tempdir_in(above)?;
        // Where a folder cannot be opened, it has no lock, and nobody can tell that it may be removed.
        let lock = File::open(folder.path()).ok();
        Ok(lock.as_ref().is_none_or(|lock| is_held(lock, folder.path())).then_some((folder, lock)))
    })
}

fn named(prefix: &str) -> Builder<'_, 'static> {
    let mut builder = Builder::new();
    builder.prefix(prefix).rand_bytes(12);
    builder
}

/// Another process may remove what is new between its making and its locking: then another is made.
fn held<T>(make: impl Fn() -> io::Result<Option<T>>) -> io::Result<T> {
    for _ in 0..100 {
        if let Some(made) = make()? {
            return Ok(made);
        }
    }
    Err(io::Error::other("other processes take its files away"))
}

fn is_held(lock: &File, path: &Path) -> bool {
    // On disks without locks nobody cleans up, either.
    !matches!(lock.try_lock(), Err(TryLockError::WouldBlock)) && path.exists()
}

/// Lets others read what has a temporary name, which is its owner's only.
pub fn open_to_all(written: &File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = if written.metadata()?.is_dir() { 0o755 } else { 0o644 };
        written.set_permissions(fs::Permissions::from_mode(mode))?;
    }
    let _ = written;
    Ok(())
}

/// Removes files and folders of such names whose processes are gone.
pub fn clean(folder: &Path, prefix: &str) -> io::Result<()> {
    for entry in fs::read_dir(folder)?.flatten() {
        let left = entry.file_name().to_str().is_some_and(|name| name.starts_with(prefix));
        // Opening a pipe would wait for its other end.
        let is_plain = entry.file_type().is_ok_and(|kind| kind.is_file() || kind.is_dir());
        if left && is_plain && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            // What cannot be removed is in nobody's way.
            let _ = fs::remove_file(entry.path()).or_else(|_| fs::remove_dir_all(entry.path()));
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

    #[cfg(unix)]
    #[test]
    fn so_it_is_with_folders() {
        let above = tempfile::tempdir().unwrap();
        let (live, _held) = folder(above.path(), "new-").unwrap();
        for name in ["new-dead", "other"] {
            fs::create_dir_all(above.path().join(name).join("half")).unwrap();
        }
        clean(above.path(), "new-").unwrap();
        let there = ["new-dead", "other"].map(|name| above.path().join(name).exists());
        assert_eq!((live.path().exists(), there), (true, [false, true]));
    }
}
