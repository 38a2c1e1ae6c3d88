//! A line of the tree: steps that stand alike.

use std::collections::BTreeSet;

use super::text::Width;
use super::words::levels;
use crate::cli::count;

/// A long name of a variant does not push all others aside.
const WIDEST: usize = 28;

/// Steps in a row that stand alike: of one level, or of several after `merged`.
#[derive(Clone, PartialEq)]
pub struct Item {
    pub levels: BTreeSet<u32>,
    pub draws: BTreeSet<u32>,
    /// Weights remaining of the tickets, by level.
    pub shares: Vec<(u32, String)>,
    pub stages: Vec<String>,
    pub state: String,
    pub steps: usize,
}

/// How wide the words before an item's state are.
#[derive(Clone, Copy)]
pub struct Columns {
    label: usize,
    stages: usize,
}

impl Columns {
    pub fn of<'i>(items: impl Iterator<Item = &'i Item>) -> Columns {
        let widest = |columns: Columns, item: &Item| Columns {
            label: columns.label.max(item.label().chars().count()),
            stages: columns.stages.max(item.stages().chars().count()).min(WIDEST),
        };
        items.fold(Columns { label: 0, stages: 0 }, widest)
    }

    /// A narrow terminal has no room for columns.
    pub fn line(self, item: &Item, width: Width) -> String {
        let (Columns { label, stages }, state) = (self, &item.state);
        match width.columns() < label + stages + 30 {
            true => format!("{}: {}: {state}", item.label(), item.stages()),
            false => format!("{:<label$}  {:<stages$}  {state}", item.label(), item.stages()),
        }
    }
}

impl Item {
    pub fn join(&mut self, other: Item) {
        self.levels.extend(other.levels);
        self.draws.extend(other.draws);
        self.shares.extend(other.shares);
        self.steps += other.steps;
        self.stages.extend(other.stages);
    }

    /// "prune, rewind, train", "init, 5 × train".
    fn stages(&self) -> String {
        let runs = self.stages.chunk_by(|one, other| one == other);
        let told = |run: &[String]| match run {
            [only] => only.clone(),
            [first, ..] if self.steps == 0 => first.clone(),
            [first, ..] => format!("{} × {first}", run.len()),
            [] => String::new(),
        };
        runs.map(told).collect::<Vec<_>>().join(", ")
    }

    /// "levels 1–4, 3 draws", "level 0, 10% to 90%".
    fn label(&self) -> String {
        let mut label = levels(self.levels.iter().copied());
        if self.draws.len() > 1 {
            label += &format!(", {}", count(self.draws.len(), "draw"));
        }
        match (self.shares.as_slice(), self.levels.len() * self.draws.len()) {
            ([first, .., last], 1) if first != last => label + &format!(", {} to {}", first.1, last.1),
            _ => label,
        }
    }
}

/// Items in a row that stand alike as one, where they are made alike at several levels or draws, or are of one level.
pub fn merged(items: Vec<Item>) -> Vec<Item> {
    let mut merged: Vec<Item> = Vec::new();
    for mut item in items {
        let here = |last: &Item| (&last.levels, &last.draws) == (&item.levels, &item.draws);
        match merged.last_mut().filter(|last| last.state == item.state) {
            Some(last) if here(last) => last.join(item),
            Some(last) if last.stages == item.stages => {
                item.stages.clear();
                last.join(item);
            }
            _ => merged.push(item),
        }
    }
    merged
}
