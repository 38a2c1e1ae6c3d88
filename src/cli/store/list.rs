//! `store list`: what is in a store.

use std::collections::BTreeMap;
use std::time::SystemTime;

use clap::Args;
use serde::Serialize;

use super::known::Known;
use super::table::table;
use super::{Place, name};
use crate::cli::{Ended, count, print, say};
use crate::registry::Registry;
use crate::run::{Contents, Leftover, Shelved, Store};
use crate::units::size;

#[derive(Args)]
#[command(
    after_help = "Steps belong to the experiment that ran them first; others that have them in their plans use them, too. \
    `tombola store gc` says which of them no experiment refers to, and deletes them with --yes."
)]
pub struct List {
    #[command(flatten)]
    place: Place,
    /// Print JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct StoreJson {
    store: String,
    /// Of all steps.
    #[serde(flatten)]
    all: Sum,
    experiments: Vec<ExperimentJson>,
    /// Steps that no known experiment refers to.
    unreferred: Sum,
    /// Trainings that have not ended.
    partial: Rest,
    /// Broken steps that were set aside.
    broken: Rest,
    /// What killed runs left.
    unfinished: Rest,
    /// Experiments that were verified: what ran again has a store of its own.
    verified: Rest,
    /// What is not the store's own.
    foreign: Vec<String>,
}

#[derive(Serialize)]
struct ExperimentJson {
    /// `null`: of steps whose record does not say.
    experiment: Option<String>,
    #[serde(flatten)]
    sum: Sum,
    unreferred: Sum,
    last_used: Option<String>,
}

#[derive(Clone, Copy, Default, Serialize)]
struct Sum {
    steps: usize,
    tickets: usize,
    bytes: u64,
}

#[derive(Serialize)]
struct Rest {
    number: usize,
    bytes: u64,
}

/// The steps of one experiment.
#[derive(Default)]
struct Shelf {
    sum: Sum,
    unreferred: Sum,
    used: Option<SystemTime>,
}

impl List {
    pub fn run(&self, registry: &Registry) -> Result<(), Ended> {
        let store = self.place.store()?;
        let contents = store.contents();
        let known = Known::of(&self.place, &store, &contents, registry);
        for (place, _) in &known.unread {
            say(&format!(
                "warning: what {} refers to cannot be told, so that more may be referred to than is said here: \
                 `tombola store gc` says why",
                place.display()
            ));
        }
        let told = told(&store, &contents, &known);
        if self.json {
            let text = serde_json::to_string_pretty(&told).map_err(|e| format!("cannot write JSON: {e}"))?;
            return print(&(text + "\n"));
        }
        print(&screen(&told))
    }
}

fn told(store: &Store, contents: &Contents, known: &Known) -> StoreJson {
    let mut shelves: BTreeMap<Option<String>, Shelf> = BTreeMap::new();
    let (mut all, mut unreferred) = (Sum::default(), Sum::default());
    for step in &contents.steps {
        let experiment = step.about.as_ref().and_then(|about| about.experiment.clone());
        let shelf = shelves.entry(experiment).or_default();
        let mut sums = vec![&mut all, &mut shelf.sum];
        if !known.steps.contains(&step.id) {
            sums.extend([&mut unreferred, &mut shelf.unreferred]);
        }
        sums.into_iter().for_each(|sum| sum.add(step));
        shelf.used = shelf.used.max(step.written);
    }
    for note in store.notes().into_iter().flatten() {
        if let Some(shelf) = shelves.get_mut(&Some(name(&note.folder))) {
            shelf.used = shelf.used.max(Some(note.at));
        }
    }
    let experiments = shelves.into_iter().map(|(experiment, Shelf { sum, unreferred, used })| ExperimentJson {
        experiment,
        sum,
        unreferred,
        last_used: used.and_then(moment),
    });
    StoreJson {
        store: store.root().display().to_string(),
        all,
        experiments: experiments.collect(),
        unreferred,
        partial: Rest::of(&contents.partial),
        broken: Rest::of(&contents.broken),
        unfinished: Rest::of(&contents.unfinished),
        verified: Rest::of(&contents.verified),
        foreign: contents.foreign.iter().map(|path| path.display().to_string()).collect(),
    }
}

impl Sum {
    fn add(&mut self, step: &Shelved) {
        self.steps += 1;
        self.tickets += usize::from(step.about.as_ref().is_some_and(|about| about.evaluated));
        self.bytes += step.bytes;
    }
}

impl Rest {
    fn of(leftovers: &[Leftover]) -> Rest {
        Rest { number: leftovers.len(), bytes: leftovers.iter().map(|left| left.bytes).sum() }
    }
}

/// In UTC, to the second.
fn moment(time: SystemTime) -> Option<String> {
    jiff::Timestamp::try_from(time).and_then(|time| time.round(jiff::Unit::Second)).ok().map(|time| time.to_string())
}

fn screen(told: &StoreJson) -> String {
    let StoreJson { store, all, experiments, unreferred, partial, broken, unfinished, verified, foreign } = told;
    let mut text = format!("{store}: {}, {}\n", count(all.steps, "step"), size(all.bytes));
    if !experiments.is_empty() {
        let row = |shelf: &ExperimentJson| {
            let experiment = shelf.experiment.clone().unwrap_or_else(|| "(not recorded)".into());
            let numbers = [shelf.sum.steps, shelf.sum.tickets].map(|n| n.to_string());
            let used = shelf.last_used.as_deref().map_or("unknown", |time| time.get(..10).unwrap_or(time));
            let unreferred = shelf.unreferred.steps.to_string();
            [experiment].into_iter().chain(numbers).chain([size(shelf.sum.bytes), used.into(), unreferred]).collect()
        };
        let rows: Vec<Vec<String>> = experiments.iter().map(row).collect();
        let headings = ["experiment", "steps", "tickets", "size", "last used", "unreferred"];
        text += &format!("\n{}", table(&headings, 1, &rows));
    }
    let mut more = String::new();
    if unreferred.steps > 0 {
        let steps = count(unreferred.steps, "step");
        more += &format!("{steps} that no known experiment refers to: {}\n", size(unreferred.bytes));
    }
    if broken.number > 0 {
        more += &format!("{} set aside: {}\n", count(broken.number, "broken step"), size(broken.bytes));
    }
    if unfinished.number > 0 {
        more += &format!("left unfinished by killed runs: {}\n", size(unfinished.bytes));
    }
    if !more.is_empty() {
        more += "`tombola store gc` says what of that would be deleted.\n";
        text += &format!("\n{more}");
    }
    if partial.number > 0 {
        text += &format!("\n{} to go on from: {}\n", count(partial.number, "training"), size(partial.bytes));
    }
    if verified.number > 0 {
        let (number, size) = (count(verified.number, "experiment"), size(verified.bytes));
        text += &format!("\nearlier verifications, of {number}: {size}; to be rid of them, remove {store}/verify/\n");
    }
    foreign.iter().for_each(|path| text += &format!("not the store's own: {path}\n"));
    text
}
