//! Which steps of a store experiments refer to: by their specs as they are now, by the plan of their latest run, and by
//! their locks.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use super::Place;
use crate::cli::Ended;
use crate::cli::open::{planned, told};
use crate::registry::Registry;
use crate::run::{Contents, Note, Store, is_id};

/// The known experiments of a store.
pub struct Known {
    /// Their folders.
    pub folders: Vec<PathBuf>,
    /// The steps that they refer to, and all that these follow.
    pub steps: HashSet<String>,
    /// Plans that are noted of others.
    pub forgotten: Vec<Note>,
    /// Those that cannot be read, and why.
    pub unread: Vec<(PathBuf, Ended)>,
}

impl Known {
    pub fn of(place: &Place, store: &Store, contents: &Contents, registry: &Registry) -> Known {
        let notes = store.notes();
        let folders = folders(place, &notes);
        let mut known = Known { folders, steps: HashSet::new(), forgotten: Vec::new(), unread: Vec::new() };
        let devices: BTreeSet<&str> =
            contents.steps.iter().filter_map(|step| Some(step.about.as_ref()?.device.as_str())).collect();
        let mut steps = Vec::new();
        for folder in &known.folders {
            // The same spec has other steps on another kind of device.
            for device in &devices {
                match planned(folder, registry, &[], device) {
                    Ok((_, plan)) => steps.extend(plan.steps.into_iter().map(|step| step.id)),
                    Err(problems) => {
                        known.unread.push((folder.clone(), told(problems)));
                        break;
                    }
                }
            }
            steps.extend(locked(folder));
        }
        for note in notes {
            match known.folders.iter().any(|folder| is_same(folder, &note.folder)) {
                true => steps.extend(note.steps),
                false => known.forgotten.push(note),
            }
        }
        known.steps = contents.with_ancestors(steps);
        known
    }
}

/// The experiments' folders, each once.
fn folders(place: &Place, notes: &[Note]) -> Vec<PathBuf> {
    if !place.experiments.is_empty() {
        return place.experiments.clone();
    }
    let entries = std::fs::read_dir("experiments").into_iter().flatten().flatten().map(|entry| entry.path());
    let mut folders: Vec<PathBuf> = entries.filter(|folder| is_experiment(folder)).collect();
    folders.sort();
    for note in notes.iter().filter(|note| is_experiment(&note.folder)) {
        if !folders.iter().any(|folder| is_same(folder, &note.folder)) {
            folders.push(note.folder.clone());
        }
    }
    folders
}

fn is_experiment(folder: &Path) -> bool {
    folder.join("experiment.toml").is_file()
}

fn is_same(one: &Path, other: &Path) -> bool {
    one == other || one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}

/// The ids in an experiment's lock, where it has one: all words of it that are spelled as one.
fn locked(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("experiment.lock")).unwrap_or_default();
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    words.filter(|word| is_id(word)).map(String::from).collect()
}
