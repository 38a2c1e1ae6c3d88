//! Where the checkpoints of steps lie that have not ended: `partial/ab/ID/`, a file for each training of the step.
//!
//! A file is written in the process's own folder under `tmp/`, synced, and renamed to `TRAINING-HASH.safetensors`. As its
//! name is the hash of its content, one rename puts it there with its seal, and what is torn is known.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::checkpoint_file::{self, Contents};
use super::recorded::Recorded;
use super::room;
use super::store::parts::PARTIAL;
use super::store::{Store, is_id};
use crate::plan::Plan;
use crate::train::{Checkpoint, Found};

/// The checkpoints of a step.
pub struct Partial<'a> {
    store: &'a Store,
    id: &'a str,
}

/// A checkpoint that is there.
struct Kept {
    path: PathBuf,
    training: u32,
    hash: String,
}

impl<'a> Partial<'a> {
    pub fn of(store: &'a Store, id: &'a str) -> Partial<'a> {
        Partial { store, id }
    }

    fn folder(&self) -> PathBuf {
        folder(self.store.root()).join(&self.id[..2]).join(self.id)
    }

    /// Puts a checkpoint in place of those of the same training before it, if beside it the disk has room for so many bytes.
    pub fn put(&self, contents: &Contents, checkpoint: Checkpoint<'_>, room: u64) -> Result<(), String> {
        let written = self.store.scratch()?.place("checkpoint");
        let put = checkpoint_file::write(&written, contents, checkpoint).and_then(|hash| {
            room::on_disk(self.store.root(), room)?;
            let name = format!("{}-{hash}.safetensors", contents.training);
            self.rename(&written, &name).map_err(|e| format!("{}: {e}", self.folder().display())).map(|()| name)
        });
        let name = put.inspect_err(|_| drop(fs::remove_file(&written)))?;
        for old in self.kept().filter(|kept| kept.training == contents.training && !kept.path.ends_with(&name)) {
            let _ = fs::remove_file(old.path);
        }
        Ok(())
    }

    fn rename(&self, written: &Path, name: &str) -> std::io::Result<()> {
        let folder = self.folder();
        let rename = || {
            fs::create_dir_all(&folder)?;
            fs::rename(written, folder.join(name))?;
            fs::File::open(&folder)?.sync_all()
        };
        // Whoever removes another step's last checkpoint may take the folder above it away.
        rename().or_else(|e| if e.kind() == ErrorKind::NotFound { rename() } else { Err(e) })
    }

    /// The last checkpoint of a training that reads back as it was written; `tell` hears of each that does not.
    pub fn found(&self, training: u32, tell: &dyn Fn(&Path, &str)) -> Option<(Contents, Found)> {
        let kept = self.kept().filter(|kept| kept.training == training);
        let read = |kept: Kept| {
            let read =
                checkpoint_file::read(&kept.path, &kept.hash).and_then(|(contents, found)| self.own(contents, found));
            read.inspect_err(|why| tell(&kept.path, why)).ok()
        };
        kept.filter_map(read).max_by_key(|(contents, _)| contents.stand.iteration)
    }

    /// One of another step, copied here, is none.
    fn own<T>(&self, contents: Contents, found: T) -> Result<(Contents, T), String> {
        if contents.step == self.id { Ok((contents, found)) } else { Err("it is of another step".into()) }
    }

    /// How many iterations of the step are done by its checkpoints, which are not read for it.
    pub fn iterations(&self) -> Option<u64> {
        let own = |kept: Kept| self.own(checkpoint_file::contents(&kept.path).ok()?, ()).ok();
        self.kept().filter_map(own).map(|(contents, ())| contents.iterations()).max()
    }

    fn kept(&self) -> impl Iterator<Item = Kept> {
        let paths = fs::read_dir(self.folder()).into_iter().flatten().flatten().map(|entry| entry.path());
        paths.filter_map(|path| {
            let (training, hash) = path.file_name()?.to_str()?.strip_suffix(".safetensors")?.split_once('-')?;
            let (training, hash) = (training.parse().ok()?, hash.to_string());
            Some(Kept { path, training, hash })
        })
    }

    /// Removes them all. What cannot be removed is in nobody's way.
    pub fn remove(&self) {
        let folder = self.folder();
        if fs::remove_dir_all(&folder).is_ok() {
            // The folders above it, where they are empty now.
            folder.ancestors().skip(1).take(2).for_each(|above| drop(fs::remove_dir(above)));
        }
    }
}

fn folder(root: &Path) -> PathBuf {
    root.join(PARTIAL)
}

/// Removes the checkpoints of steps that are complete, and folders that who was killed left empty.
pub fn clean(store: &Store) {
    let entries = |path: PathBuf| fs::read_dir(path).into_iter().flatten().flatten();
    let root = folder(store.root());
    let steps = entries(root.clone()).flat_map(|entry| entries(entry.path()));
    let ids = steps.filter_map(|entry| entry.file_name().into_string().ok().filter(|name| is_id(name)));
    for id in ids.filter(|id| store.complete(id).is_some()) {
        Partial::of(store, &id).remove();
    }
    // Those that hold anything stay.
    entries(root.clone()).for_each(|above| drop(fs::remove_dir(above.path())));
    let _ = fs::remove_dir(root);
}

/// Of each step of the plan that is not recorded, how many of its iterations its checkpoints save.
pub fn partial(plan: &Plan, recorded: &[Option<Recorded>], store: &Store) -> Vec<u64> {
    if !folder(store.root()).exists() {
        return vec![0; plan.steps.len()];
    }
    let of = |(number, recorded): (usize, &Option<Recorded>)| match recorded {
        Some(_) => 0,
        None => {
            let step = &plan.steps[number];
            Partial::of(store, &step.id).iterations().unwrap_or(0).min(step.iterations)
        }
    };
    recorded.par_iter().enumerate().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_was_left_empty_goes_and_one_with_a_checkpoint_stays() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join("partial").join(path);
        let held = format!("ab/{}", "ab".repeat(16));
        fs::create_dir_all(at(&held)).unwrap();
        fs::write(at(&held).join("0-hash.safetensors"), "half").unwrap();
        fs::create_dir_all(at("9e")).unwrap();
        let store = Store::open(root.path());
        clean(&store);
        assert!(at(&held).join("0-hash.safetensors").exists() && !at("9e").exists());
        fs::remove_dir_all(at("ab")).unwrap();
        fs::create_dir_all(at("cd")).unwrap();
        clean(&store);
        assert!(!at("").exists(), "of nothing nothing is left");
    }
}
