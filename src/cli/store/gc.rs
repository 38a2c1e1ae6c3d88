//! `store gc`: deletes what no known experiment refers to.

use std::collections::BTreeMap;

use clap::Args;

use super::Place;
use super::known::Known;
use super::table::table;
use crate::cli::{Ended, count, print, say};
use crate::registry::Registry;
use crate::run::{Contents, Leftover, Shelved, Store};
use crate::units::size;

#[derive(Args)]
#[command(
    after_help = "An experiment refers to the steps that its spec plans now, on every kind of device that the store has \
    steps of, to those of its latest run here, and to those that its experiment.lock names; and to all that these follow. \
    Of experiments that are not known, every step goes: name them all, or let them be found.\n\n\
    Only steps, broken steps that were set aside, and what killed runs left are deleted; what else is in the folder stays. \
    While a run uses the store, nothing is."
)]
pub struct Gc {
    #[command(flatten)]
    place: Place,
    /// Delete; without it, only say what would be deleted
    #[arg(long)]
    yes: bool,
}

impl Gc {
    pub fn run(&self, registry: &Registry) -> Result<(), Ended> {
        let store = self.place.store()?;
        let held = if self.yes { Some(store.alone().map_err(Ended::Failed)?) } else { None };
        let contents = store.contents();
        let known = Known::of(&self.place, &store, &contents, registry);
        let known = self.sure(known)?;
        let steps: Vec<&Shelved> = contents.steps.iter().filter(|step| !known.steps.contains(&step.id)).collect();
        let said = said(&store, &contents, &known, &steps);
        print(&said)?;
        if steps.is_empty() && contents.broken.is_empty() && contents.unfinished.is_empty() {
            return Ok(());
        }
        if held.is_none() {
            say("Nothing is deleted yet: the same command with `--yes` deletes it.");
            return Ok(());
        }
        // What killed runs left goes as this process makes a folder of its own.
        store.delete(&steps, &contents.broken.iter().collect::<Vec<_>>()).map_err(Ended::Failed)?;
        store.forget(&known.forgotten);
        say(&format!("Deleted: {}.", size(bytes(&steps, &contents))));
        Ok(())
    }

    /// Errors where it cannot be told what is referred to: then nothing is deleted.
    fn sure(&self, mut known: Known) -> Result<Known, Ended> {
        if let Some((folder, why)) = known.unread.pop() {
            say(&format!(
                "error: what {} refers to cannot be told, so that nothing is deleted: mend it, or name the experiments whose \
                 steps stay",
                folder.display()
            ));
            return Err(why);
        }
        match known.folders.is_empty() {
            false => Ok(known),
            true => Err(
                "no experiment is known, and every step would be deleted: name the folders of those whose steps stay, \
                         as `tombola store gc experiments/quickstart`"
                    .to_string()
                    .into(),
            ),
        }
    }
}

fn bytes(steps: &[&Shelved], contents: &Contents) -> u64 {
    let left = |of: &[Leftover]| of.iter().map(|left| left.bytes).sum::<u64>();
    steps.iter().map(|step| step.bytes).sum::<u64>() + left(&contents.broken) + left(&contents.unfinished)
}

/// What is referred to, and what would be deleted, by experiment and stage.
fn said(store: &Store, contents: &Contents, known: &Known, steps: &[&Shelved]) -> String {
    const NAMED: usize = 5;
    let mut names: Vec<String> = known.folders.iter().take(NAMED).map(|folder| folder.display().to_string()).collect();
    if known.folders.len() > NAMED {
        names.push(format!("{} more", known.folders.len() - NAMED));
    }
    let (all, kept) = (contents.steps.len(), contents.steps.len() - steps.len());
    let (place, names) = (store.root().display(), names.join(", "));
    let mut text = format!("{place}: {kept} of {} are referred to by {names}\n", count(all, "step"));
    let mut rows: BTreeMap<(String, String), (usize, u64)> = BTreeMap::new();
    for step in steps {
        let unknown = || "(not recorded)".to_string();
        let experiment = step.about.as_ref().and_then(|about| about.experiment.clone()).unwrap_or_else(unknown);
        let stage = step.about.as_ref().map_or_else(|| "(unreadable)".into(), |about| about.stage.clone());
        let (steps, bytes) = rows.entry((experiment, stage)).or_default();
        *steps += 1;
        *bytes += step.bytes;
    }
    for (what, leftovers) in
        [("(broken, set aside)", &contents.broken), ("(left by killed runs)", &contents.unfinished)]
    {
        if !leftovers.is_empty() {
            let bytes = leftovers.iter().map(|left| left.bytes).sum();
            rows.insert((what.into(), String::new()), (leftovers.len(), bytes));
        }
    }
    if rows.is_empty() {
        text += "nothing to delete\n";
    } else {
        let row = |((experiment, stage), (n, bytes))| vec![experiment, stage, format!("{n}"), size(bytes)];
        let mut rows: Vec<Vec<String>> = rows.into_iter().map(row).collect();
        rows.push(vec!["in all".into(), String::new(), String::new(), size(bytes(steps, contents))]);
        text += &format!("\nto be deleted\n{}", table(&["experiment", "stage", "number", "size"], 2, &rows));
    }
    contents.foreign.iter().for_each(|path| text += &format!("not the store's own, and stays: {}\n", path.display()));
    text
}
