//! Which steps of a store experiments refer to: by their specs as they are now, by the plan of their latest run, and by
//! their locks.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::Place;
use crate::cli::Ended;
use crate::cli::open::{planned, told};
use crate::lock::{FILE, Lock};
use crate::registry::Registry;
use crate::run::{BadNote, Contents, Note, Store, ids_in};

/// The known experiments of a store.
pub struct Known {
    /// Their folders.
    pub folders: Vec<PathBuf>,
    /// The steps that they refer to, and all that these follow.
    pub steps: HashSet<String>,
    /// Plans that are noted of others.
    pub forgotten: Vec<Note>,
    /// What says which steps are referred to, and cannot be read, and why.
    pub unread: Vec<(PathBuf, Ended)>,
}

/// Steps that are referred to, as they are found.
#[derive(Default)]
struct Found {
    steps: Vec<String>,
    unread: Vec<(PathBuf, Ended)>,
}

impl Known {
    pub fn of(place: &Place, store: &Store, contents: &Contents, registry: &Registry) -> Known {
        let (mut notes, mut bad) = (Vec::new(), Vec::new());
        for note in store.notes() {
            match note {
                Ok(note) => notes.push(note),
                Err(note) => bad.push(note),
            }
        }
        let mut found = Found::default();
        let folders = found.folders(place, &notes);
        let devices: BTreeSet<&str> =
            contents.steps.iter().filter_map(|step| Some(step.about.as_ref()?.device.as_str())).collect();
        for folder in &folders {
            found.planned(folder, registry, &devices);
            found.locked(folder);
        }
        // Where experiments are named, what others ran is nobody's.
        let all = place.experiments.is_empty();
        bad.retain(|note| all || folders.iter().any(|folder| note.is_of(folder)));
        bad.into_iter().for_each(|note| found.bad(note));
        let mut forgotten = Vec::new();
        for note in notes {
            match folders.iter().any(|folder| is_same(folder, &note.folder)) {
                true => found.steps.extend(note.steps),
                false => forgotten.push(note),
            }
        }
        Known { folders, steps: contents.with_ancestors(found.steps), forgotten, unread: found.unread }
    }
}

impl Found {
    /// The experiments' folders, each once.
    fn folders(&mut self, place: &Place, notes: &[Note]) -> Vec<PathBuf> {
        if !place.experiments.is_empty() {
            return place.experiments.clone();
        }
        let below = Path::new("experiments");
        let mut folders = Vec::new();
        match fs::read_dir(below).and_then(|entries| entries.collect::<Result<Vec<_>, _>>()) {
            Ok(entries) => folders.extend(entries.iter().map(|entry| entry.path()).filter(|folder| may_be_one(folder))),
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => self.unread.push((below.into(), format!("{}: {e}", below.display()).into())),
        }
        folders.sort();
        for note in notes.iter().filter(|note| may_be_one(&note.folder)) {
            if !folders.iter().any(|folder| is_same(folder, &note.folder)) {
                folders.push(note.folder.clone());
            }
        }
        folders
    }

    /// The steps of a spec as it is now; it has others on another kind of device.
    fn planned(&mut self, folder: &Path, registry: &Registry, devices: &BTreeSet<&str>) {
        for device in devices {
            match planned(folder, registry, &[], device) {
                Ok((_, plan)) => self.steps.extend(plan.steps.into_iter().map(|step| step.id)),
                Err(problems) => return self.unread.push((folder.into(), told(problems))),
            }
        }
    }

    /// The ids in an experiment's lock, where it has one: all words of it that are spelled as one, whether it reads or not.
    fn locked(&mut self, folder: &Path) {
        self.steps.extend(fs::read(folder.join(FILE)).map(|bytes| ids_in(&bytes)).unwrap_or_default());
        if let Err(why) = Lock::of_folder(folder) {
            self.unread.push((folder.join(FILE), why.into()));
        }
    }

    fn bad(&mut self, note: BadNote) {
        let why = format!(
            "{}: {}: it notes which steps an experiment's latest run had; that experiment's next run writes it anew, or remove it",
            note.path.display(),
            note.why
        );
        self.steps.extend(note.steps);
        self.unread.push((note.path, why.into()));
    }
}

/// Whether a folder is an experiment's, or may be one that cannot be looked into.
pub fn may_be_one(folder: &Path) -> bool {
    let gone = [ErrorKind::NotFound, ErrorKind::NotADirectory];
    !fs::metadata(folder.join("experiment.toml")).is_err_and(|e| gone.contains(&e.kind()))
}

fn is_same(one: &Path, other: &Path) -> bool {
    one == other || one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}
