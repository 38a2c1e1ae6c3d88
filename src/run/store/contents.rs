//! All that a store holds, as who cares for it sees it: steps, what was set aside, what killed runs left, and what is none of
//! its own.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rayon::prelude::*;
use walkdir::WalkDir;

use super::parts::{BROKEN, PARTIAL, PARTS, RECORD, STEPS, TMP, VERIFY};
use super::{Store, is_id};
use crate::run::scratch::{self, told};

/// A step's folder.
#[derive(Clone, Debug)]
pub struct Shelved {
    pub id: String,
    /// On the disk.
    pub bytes: u64,
    /// When its record was written.
    pub written: Option<SystemTime>,
    /// What its record says; `None` where there is none that reads as it was written.
    pub about: Option<About>,
}

/// What a record says of its step.
#[derive(Clone, Debug)]
pub struct About {
    pub stage: String,
    pub parent: Option<String>,
    /// Whether its ticket was evaluated.
    pub evaluated: bool,
    pub experiment: Option<String>,
    pub device: String,
}

/// A file or folder that is no step.
#[derive(Clone, Debug)]
pub struct Leftover {
    pub path: PathBuf,
    pub bytes: u64,
}

pub struct Contents {
    /// In the order of their ids.
    pub steps: Vec<Shelved>,
    /// How far trainings are that have not ended, by their steps' ids.
    pub partial: Vec<Leftover>,
    /// Broken steps that were set aside.
    pub broken: Vec<Leftover>,
    /// What killed runs left unfinished.
    pub unfinished: Vec<Leftover>,
    /// Stores of verifications, an experiment each.
    pub verified: Vec<Leftover>,
    /// What is none of the store's.
    pub foreign: Vec<PathBuf>,
}

impl Store {
    /// Whether a folder is a store.
    pub fn is_one(&self) -> bool {
        self.root().join(STEPS).is_dir()
    }

    /// Goes through all of it. What is not the store's own is not looked into.
    pub fn contents(&self) -> Contents {
        let mut foreign = Vec::new();
        let steps = by_id(&self.root().join(STEPS), &mut foreign);
        let partial = by_id(&self.root().join(PARTIAL), &mut foreign);
        foreign.extend(entries(self.root()).into_iter().filter(|path| !PARTS.contains(&name(path))));
        let mut steps: Vec<Shelved> = steps.par_iter().map(|path| self.shelved(name(path), path)).collect();
        steps.sort_by(|one, other| one.id.cmp(&other.id));
        let aside = |path: &PathBuf| name(path).split_once('-').is_some_and(|(id, _)| is_id(id));
        let (broken, others): (Vec<_>, Vec<_>) = entries(&self.root().join(BROKEN)).into_iter().partition(aside);
        foreign.extend(others);
        let store = |path: &PathBuf| is_folder(path) && is_folder(&path.join(STEPS));
        let (verified, others): (Vec<_>, Vec<_>) = entries(&self.root().join(VERIFY)).into_iter().partition(store);
        foreign.extend(others);
        let unfinished = scratch::left(&self.root().join(TMP));
        foreign.sort();
        Contents {
            steps,
            partial: leftovers(partial),
            broken: leftovers(broken),
            unfinished: leftovers(unfinished),
            verified: leftovers(verified),
            foreign,
        }
    }

    fn shelved(&self, id: &str, path: &Path) -> Shelved {
        let about = self.past(id).filter(|past| past.record.step == id).map(|past| About {
            stage: past.record.stage,
            parent: past.record.parent,
            evaluated: past.record.scores.is_some(),
            experiment: past.record.provenance.experiment,
            device: past.record.provenance.device,
        });
        let written = fs::metadata(path.join(RECORD)).and_then(|metadata| metadata.modified()).ok();
        Shelved { id: id.into(), bytes: bytes(path), written, about }
    }

    /// Deletes steps and leftovers of this store: each is renamed out of it first, so that a killed deletion leaves no half
    /// of one. Its shelves are removed where nothing is on them any more.
    pub fn delete(&self, steps: &[&Shelved], leftovers: &[&Leftover]) -> Result<(), String> {
        let scratch = self.scratch()?;
        let folders =
            steps.iter().map(|step| self.step(&step.id)).chain(leftovers.iter().map(|left| left.path.clone()));
        let mut shelves = HashSet::new();
        for path in folders {
            shelves.extend(path.parent().filter(|shelf| name(shelf).len() == 2).map(Path::to_path_buf));
            let place = scratch.place("deleted");
            fs::rename(&path, &place).map_err(|e| told(&path, &e))?;
            super::put::remove(&place)?;
        }
        // Those that hold others stay: only an empty folder can be removed so.
        shelves.iter().for_each(|shelf| drop(fs::remove_dir(shelf)));
        Ok(())
    }
}

impl Leftover {
    /// The id of the step that it is of, by its name.
    pub fn id(&self) -> &str {
        name(&self.path)
    }
}

impl Contents {
    /// These steps, and all that they follow.
    pub fn with_ancestors(&self, ids: impl IntoIterator<Item = String>) -> HashSet<String> {
        let parents: HashMap<&str, &str> = self
            .steps
            .iter()
            .filter_map(|step| Some((step.id.as_str(), step.about.as_ref()?.parent.as_deref()?)))
            .collect();
        let mut all: HashSet<String> = ids.into_iter().collect();
        let mut ahead: Vec<String> = all.iter().cloned().collect();
        while let Some(id) = ahead.pop() {
            if let Some(parent) = parents.get(id.as_str()).filter(|parent| !all.contains(**parent)) {
                all.insert(parent.to_string());
                ahead.push(parent.to_string());
            }
        }
        all
    }
}

/// The folders `ab/abcd…/` that are named by ids; what else is there is foreign.
fn by_id(folder: &Path, foreign: &mut Vec<PathBuf>) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for shelf in entries(folder) {
        if !is_folder(&shelf) || name(&shelf).len() != 2 {
            foreign.push(shelf);
            continue;
        }
        let own = |path: &PathBuf| is_folder(path) && is_id(name(path)) && name(path).starts_with(name(&shelf));
        let (ours, others): (Vec<_>, Vec<_>) = entries(&shelf).into_iter().partition(own);
        found.extend(ours);
        foreign.extend(others);
    }
    found
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// A folder itself, and no link to one, which may lead anywhere.
fn is_folder(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir())
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

fn leftovers(paths: Vec<PathBuf>) -> Vec<Leftover> {
    let mut found: Vec<Leftover> = paths.into_iter().map(|path| Leftover { bytes: bytes(&path), path }).collect();
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

/// What a file, or a folder with all that is in it, takes of the disk.
fn bytes(path: &Path) -> u64 {
    let entries = WalkDir::new(path).into_iter().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|metadata| on_disk(&metadata)).sum()
}

#[cfg(unix)]
fn on_disk(metadata: &fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;
    metadata.blocks() * 512
}

#[cfg(not(unix))]
fn on_disk(metadata: &fs::Metadata) -> u64 {
    metadata.len()
}
