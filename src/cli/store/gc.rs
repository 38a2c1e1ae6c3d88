//! `store gc`: deletes what no known experiment refers to.

use std::collections::{BTreeMap, HashSet};

use clap::Args;

use super::Place;
use super::known::{Known, may_be_one};
use super::table::table;
use crate::cli::{Ended, count, print, say};
use crate::registry::Registry;
use crate::run::{Contents, Leftover, Note, Shelved, Store};
use crate::units::size;

#[derive(Args)]
#[command(
    after_help = "An experiment refers to the steps that its spec plans now, on every kind of device that the store has \
    steps of, to those of its latest run here, and to those that its experiment.lock names; and to all that these follow. \
    Of experiments that are not known, every step goes: name them all, or let them be found. Where a spec, a lock or the \
    note of a run does not read, nothing is deleted.\n\n\
    Only steps, how far their trainings are that have not ended, broken steps that were set aside, and what killed runs left \
    are deleted; what else is in the folder stays, earlier verifications included. While a run uses the store, nothing is."
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
        let gone = Gone::of(&contents, &known);
        print(&said(&store, &contents, &known, &gone))?;
        if gone.is_nothing() {
            return Ok(());
        }
        if held.is_none() {
            say("Nothing is deleted yet: the same command with `--yes` deletes it.");
            return Ok(());
        }
        // What killed runs left goes as this process makes a folder of its own.
        let others: Vec<&Leftover> = gone.partial.iter().copied().chain(gone.broken).collect();
        store.delete(&gone.steps, &others).map_err(Ended::Failed)?;
        store.forget(&known.forgotten);
        say(&format!("Deleted: {}.", size(gone.bytes())));
        Ok(())
    }

    /// Errors where it cannot be told what is referred to: then nothing is deleted.
    fn sure(&self, mut known: Known) -> Result<Known, Ended> {
        if !known.unread.is_empty() {
            let (place, why) = known.unread.swap_remove(0);
            let or = if self.place.experiments.is_empty() { ", or name the experiments whose steps stay" } else { "" };
            say(&format!(
                "error: what {} refers to cannot be told, so that nothing is deleted: mend it{or}",
                place.display()
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

/// What a clean-up deletes.
struct Gone<'a> {
    steps: Vec<&'a Shelved>,
    /// How far trainings are of steps that go, too.
    partial: Vec<&'a Leftover>,
    broken: &'a [Leftover],
    unfinished: &'a [Leftover],
}

impl<'a> Gone<'a> {
    fn of(contents: &'a Contents, known: &Known) -> Gone<'a> {
        Gone {
            steps: contents.steps.iter().filter(|step| !known.steps.contains(&step.id)).collect(),
            partial: contents.partial.iter().filter(|partial| !known.steps.contains(partial.id())).collect(),
            broken: &contents.broken,
            unfinished: &contents.unfinished,
        }
    }

    fn is_nothing(&self) -> bool {
        self.steps.is_empty() && self.rest().iter().all(|(_, number, _)| *number == 0)
    }

    fn bytes(&self) -> u64 {
        let rest = self.rest().iter().map(|(_, _, bytes)| bytes).sum::<u64>();
        self.steps.iter().map(|step| step.bytes).sum::<u64>() + rest
    }

    /// What is no step: what it is, how many, and their bytes.
    fn rest(&self) -> [(&'static str, usize, u64); 3] {
        let sum = |left: &[&Leftover]| left.iter().map(|left| left.bytes).sum::<u64>();
        let [broken, unfinished] = [self.broken, self.unfinished].map(|left| left.iter().collect::<Vec<_>>());
        [
            ("(trainings that have not ended)", self.partial.len(), sum(&self.partial)),
            ("(broken, set aside)", broken.len(), sum(&broken)),
            ("(left by killed runs)", unfinished.len(), sum(&unfinished)),
        ]
    }
}

/// What is referred to, and what would be deleted, by experiment and stage.
fn said(store: &Store, contents: &Contents, known: &Known, gone: &Gone<'_>) -> String {
    const NAMED: usize = 5;
    let mut names: Vec<String> = known.folders.iter().take(NAMED).map(|folder| folder.display().to_string()).collect();
    if known.folders.len() > NAMED {
        names.push(format!("{} more", known.folders.len() - NAMED));
    }
    let (all, kept) = (contents.steps.len(), contents.steps.len() - gone.steps.len());
    let (place, names) = (store.root().display(), names.join(", "));
    let mut text = format!("{place}: {kept} of {} are referred to by {names}\n", count(all, "step"));
    let mut rows: BTreeMap<(String, String), (usize, u64)> = BTreeMap::new();
    for step in &gone.steps {
        let unknown = || "(not recorded)".to_string();
        let experiment = step.about.as_ref().and_then(|about| about.experiment.clone()).unwrap_or_else(unknown);
        let stage = step.about.as_ref().map_or_else(|| "(unreadable)".into(), |about| about.stage.clone());
        let (steps, bytes) = rows.entry((experiment, stage)).or_default();
        *steps += 1;
        *bytes += step.bytes;
    }
    for (what, number, bytes) in gone.rest().into_iter().filter(|(_, number, _)| *number > 0) {
        rows.insert((what.into(), String::new()), (number, bytes));
    }
    if rows.is_empty() {
        text += "nothing to delete\n";
    } else {
        let row = |((experiment, stage), (n, bytes))| vec![experiment, stage, format!("{n}"), size(bytes)];
        let mut rows: Vec<Vec<String>> = rows.into_iter().map(row).collect();
        rows.push(vec!["in all".into(), String::new(), String::new(), size(gone.bytes())]);
        text += &format!("\nto be deleted\n{}", table(&["experiment", "stage", "number", "size"], 2, &rows));
    }
    text += &moved(known, gone);
    contents.foreign.iter().for_each(|path| text += &format!("not the store's own, and stays: {}\n", path.display()));
    text
}

/// Experiments that ran here and are no longer where they were, with what goes because of it.
fn moved(known: &Known, gone: &Gone<'_>) -> String {
    let ids: HashSet<&str> = gone.steps.iter().map(|step| step.id.as_str()).collect();
    let line = |note: &Note| match note.steps.iter().filter(|id| ids.contains(id.as_str())).count() {
        0 => None,
        n => Some(format!(
            "{}, which ran here, is no longer there: {} of its latest run {}\n",
            note.folder.display(),
            count(n, "step"),
            if n == 1 { "goes" } else { "go" }
        )),
    };
    known.forgotten.iter().filter(|note| !may_be_one(&note.folder)).filter_map(line).collect()
}
