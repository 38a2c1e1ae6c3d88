//! Who works on a step: a file in `claims/` that its process locks, so that two runs on one store share the work.
//!
//! As in `scratch`, the lock tells a live process from a killed one, whose claims end with it. A disk without locks has
//! no claims: there two runs may do the same step, and the second finds it there.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use super::store::Store;
use super::store::parts::CLAIMS;

/// A step that this process may work on, for as long as it holds this.
pub struct Claim(Option<(PathBuf, File)>);

impl Claim {
    /// `None` where another process works on it.
    pub fn of(store: &Store, id: &str) -> Option<Claim> {
        let path = folder(store).join(format!("{id}.lock"));
        // Whoever lets a claim go takes its file away, perhaps between its opening and its locking: then another is made.
        for _ in 0..100 {
            let Ok(file) = opened(&path) else { continue };
            match file.try_lock() {
                Ok(()) if is_at(&file, &path) => return Some(Claim(Some((path, file)))),
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return None,
                Err(TryLockError::Error(_)) => {
                    let _ = fs::remove_file(&path);
                    break;
                }
            }
        }
        // What cannot be claimed can be done all the same.
        Some(Claim(None))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some((path, _held)) = &self.0 {
            let _ = fs::remove_file(path);
            // The folder, where it is empty now.
            let _ = path.parent().map(fs::remove_dir);
        }
    }
}

fn folder(store: &Store) -> PathBuf {
    store.root().join(CLAIMS)
}

fn opened(path: &Path) -> std::io::Result<File> {
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    OpenOptions::new().create(true).truncate(false).write(true).open(path)
}

/// Whether the file is still the one that has this path.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let place = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    let [own, there] = [file.metadata(), fs::metadata(path)].map(|metadata| metadata.ok().map(place));
    own.is_some() && own == there
}

/// Elsewhere a file that is open keeps its path.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

/// Removes the claims of processes that are gone.
pub fn clean(store: &Store) {
    let entries = fs::read_dir(folder(store)).into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".lock")?.to_string()));
    ids.for_each(|id| drop(Claim::of(store, &id)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_one_claimants_until_it_lets_go_and_nothing_is_left() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(root.path());
        let claim = Claim::of(&store, "step").unwrap();
        assert!(Claim::of(&store, "step").is_none() && Claim::of(&store, "other").is_some());
        clean(&store);
        assert!(Claim::of(&store, "step").is_none(), "a live one is not cleaned away");
        drop(claim);
        assert!(Claim::of(&store, "step").is_some());
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_dead_process_s_claim_is_anyones() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(root.path());
        fs::create_dir(root.path().join("claims")).unwrap();
        fs::write(root.path().join("claims/step.lock"), "").unwrap();
        drop(Claim::of(&store, "step").unwrap());
        fs::create_dir(root.path().join("claims")).unwrap();
        fs::write(root.path().join("claims/gone.lock"), "").unwrap();
        clean(&store);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn of_many_claimants_at_once_one_has_it() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(root.path());
        let at_work = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let Some(_claim) = Claim::of(&store, "step") else { continue };
                        assert_eq!(at_work.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                        at_work.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    }
                });
            }
        });
    }

    #[test]
    fn where_nothing_can_be_claimed_a_step_can_be_done_all_the_same() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("claims"), "in the way").unwrap();
        let store = Store::open(root.path());
        assert!(Claim::of(&store, "step").is_some());
    }
}
