//! Which steps each experiment's latest run had, with whatever it was told to override: a line an id, in a file an
//! experiment below `plans/`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{Store, is_id};
use crate::plan::Plan;
use crate::unfinished;

/// Where they are, in a store.
pub const PLANS: &str = "plans";
const UNFINISHED: &str = "unfinished-";

/// A plan as it was noted.
pub struct Note {
    pub path: PathBuf,
    /// The experiment's folder.
    pub folder: PathBuf,
    pub steps: Vec<String>,
    /// When it ran.
    pub at: SystemTime,
}

impl Store {
    /// Notes the plan of a run of the experiment in this folder. What cannot be noted is only known less well.
    pub fn note(&self, folder: &Path, plan: &Plan) {
        let _ = self.noted(folder, plan);
    }

    fn noted(&self, folder: &Path, plan: &Plan) -> io::Result<()> {
        let (plans, folder) = (self.root().join(PLANS), folder.canonicalize()?);
        let Some(name) = folder.to_str() else { return Ok(()) };
        fs::create_dir_all(&plans)?;
        unfinished::clean(&plans, UNFINISHED)?;
        let mut file = unfinished::file(&plans, UNFINISHED)?;
        let lines = std::iter::once(name).chain(plan.steps.iter().map(|step| step.id.as_str()));
        file.write_all(lines.map(|line| format!("{line}\n")).collect::<String>().as_bytes())?;
        file.as_file().sync_all()?;
        let place = plans.join(&blake3::hash(name.as_bytes()).to_hex()[..32]);
        file.persist(place).map(drop).map_err(|e| e.error)
    }

    /// Forgets these.
    pub fn forget(&self, notes: &[Note]) {
        // One that stays is seen again the next time.
        notes.iter().for_each(|note| drop(fs::remove_file(&note.path)));
    }

    /// Every plan that is noted, by its experiment's folder.
    pub fn notes(&self) -> Vec<Note> {
        let entries = fs::read_dir(self.root().join(PLANS)).into_iter().flatten().flatten();
        let note = |path: PathBuf| {
            let text = fs::read_to_string(&path).ok()?;
            let (folder, steps) = text.split_once('\n')?;
            let steps = steps.lines().filter(|line| is_id(line)).map(String::from).collect();
            Some(Note { folder: folder.into(), steps, at: fs::metadata(&path).and_then(|m| m.modified()).ok()?, path })
        };
        let named = entries.filter(|entry| entry.file_name().to_str().is_some_and(is_id));
        let mut notes: Vec<Note> = named.filter_map(|entry| note(entry.path())).collect();
        notes.sort_by(|one, other| one.folder.cmp(&other.folder));
        notes
    }
}
