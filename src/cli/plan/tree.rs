//! The steps as a tree by variant, pipeline and replicate. What is alike is one branch, what stands alike one line.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::Joined;
use super::item::{Columns, Item, merged};
use super::text::Width;
use super::words::{list, range};
use crate::cli::count;
use crate::plan::PlannedTicket;
use crate::units::percent;

/// More than this of a kind are left out, unless all were asked for.
const VARIANTS: usize = 8;
const BRANCHES: usize = 6;
const LINES: usize = 16;

/// Replicates whose steps stand alike, and these.
type Branch = (Vec<u32>, Vec<Item>);
/// The pipelines of a variant, each with its branches.
type Pipelines<'a> = IndexMap<&'a str, Vec<Branch>>;

/// The tree of a plan's steps.
pub struct Tree<'a> {
    joined: &'a Joined<'a>,
    /// Whether each step by itself is shown, with its id.
    all: bool,
    /// By step: its tickets.
    tickets: Vec<Vec<&'a PlannedTicket>>,
}

impl<'a> Tree<'a> {
    pub fn of(joined: &'a Joined<'a>, all: bool) -> Tree<'a> {
        let plan = joined.plan();
        let mut tickets = vec![Vec::new(); plan.steps.len()];
        plan.tickets.iter().chain(&plan.analyses).for_each(|ticket| tickets[ticket.step].push(ticket));
        Tree { joined, all, tickets }
    }

    pub fn lines(&self, width: Width) -> String {
        let limit = |most: usize| if self.all { usize::MAX } else { most };
        let mut variants: Vec<(Vec<&str>, Pipelines<'_>)> = Vec::new();
        for (number, branches) in self.variants().into_iter().enumerate() {
            let name = self.joined.plan().variants[number].name.as_str();
            match variants.iter_mut().find(|(_, same)| !self.all && *same == branches) {
                Some((names, _)) => names.push(name),
                None => variants.push((vec![name], branches)),
            }
        }
        let shown = variants.iter().take(limit(VARIANTS)).flat_map(|(_, pipelines)| pipelines.values().flatten());
        let columns = Columns::of(shown.flat_map(|(_, items)| items.iter().take(limit(LINES))));
        let mut text = String::from("steps\n");
        for (names, pipelines) in variants.iter().take(limit(VARIANTS)) {
            if !names[0].is_empty() {
                text += &width.wrapped("  ", "  ", &list(names, limit(VARIANTS)));
            }
            let last = pipelines.len().saturating_sub(1);
            for (at, (pipeline, branches)) in pipelines.iter().enumerate() {
                text += &self.pipeline(pipeline, branches, at == last, columns, width);
            }
        }
        let hidden: usize = variants.iter().skip(limit(VARIANTS)).map(|(names, _)| names.len()).sum();
        text + &left_out(hidden, "variant", "  ", width)
    }

    fn pipeline(&self, name: &str, branches: &[Branch], last: bool, columns: Columns, width: Width) -> String {
        let (knot, trunk) = if last { ("  └─ ", "     ") } else { ("  ├─ ", "  │  ") };
        if let [(replicates, items)] = branches {
            let heading = format!("{name}, {}", range("replicate", replicates.iter().copied()));
            return width.wrapped(knot, trunk, &heading) + &self.items(items, trunk, columns, width);
        }
        let mut text = width.wrapped(knot, trunk, name);
        let shown = if self.all { branches.len() } else { branches.len().min(BRANCHES) };
        for (at, (replicates, items)) in branches[..shown].iter().enumerate() {
            let (knot, rest) = if at + 1 == branches.len() { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            let (knot, rest) = (format!("{trunk}{knot}"), format!("{trunk}{rest}"));
            text += &width.wrapped(&knot, &rest, &range("replicate", replicates.iter().copied()));
            text += &self.items(items, &rest, columns, width);
        }
        let hidden = branches[shown..].iter().map(|(replicates, _)| replicates.len()).sum();
        text + &left_out(hidden, "replicate", &format!("{trunk}└─ "), width)
    }

    fn items(&self, items: &[Item], trunk: &str, columns: Columns, width: Width) -> String {
        let shown = if self.all { items.len() } else { items.len().min(LINES) };
        let mut text = String::new();
        for (at, item) in items[..shown].iter().enumerate() {
            let (knot, rest) = if at + 1 == items.len() { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            let words = columns.line(item, width);
            text += &width.wrapped(&format!("{trunk}{knot}"), &format!("{trunk}{rest}  "), &words);
        }
        let hidden = items[shown..].iter().map(|item| item.steps).sum();
        text + &left_out(hidden, "step", &format!("{trunk}└─ "), width)
    }

    /// Of each variant its pipelines with their branches.
    fn variants(&self) -> Vec<Pipelines<'a>> {
        let plan = self.joined.plan();
        let mut found: Vec<IndexMap<&str, IndexMap<u32, Vec<Item>>>> = vec![IndexMap::new(); plan.variants.len()];
        for ticket in plan.tickets.iter().chain(&plan.analyses) {
            let step = &plan.steps[ticket.step];
            let items = found[ticket.variant].entry(&ticket.pipeline).or_default().entry(ticket.replicate).or_default();
            if (step.variant, &*step.pipeline) != (ticket.variant, ticket.pipeline.as_str()) {
                items.push(self.shared(ticket));
            }
        }
        let mut last: Option<usize> = None;
        for number in 0..plan.steps.len() {
            let step = &plan.steps[number];
            let items = found[step.variant].entry(&*step.pipeline).or_default().entry(step.replicate).or_default();
            let joins = last.filter(|_| !self.all).is_some_and(|last| self.joins(last, number, items.last()));
            match items.last_mut() {
                Some(item) if joins => item.join(self.item(number)),
                _ => items.push(self.item(number)),
            }
            last = Some(number);
        }
        let branches = |replicates: IndexMap<u32, Vec<Item>>| {
            let mut branches: Vec<Branch> = Vec::new();
            for (replicate, items) in replicates {
                let items = if self.all { items } else { merged(items) };
                match branches.iter_mut().find(|(_, same)| !self.all && *same == items) {
                    Some((replicates, _)) => replicates.push(replicate),
                    None => branches.push((vec![replicate], items)),
                }
            }
            branches
        };
        let of = |pipelines: IndexMap<&'a str, IndexMap<u32, Vec<Item>>>| {
            pipelines.into_iter().map(|(name, replicates)| (name, branches(replicates))).collect()
        };
        found.into_iter().map(of).collect()
    }

    /// Whether a step goes on what the step before it began: on the way to the same ticket, and for the same reason.
    fn joins(&self, before: usize, number: usize, item: Option<&Item>) -> bool {
        let plan = self.joined.plan();
        let (one, other) = (&plan.steps[before], &plan.steps[number]);
        let place = |step: &crate::plan::Step| (step.variant, step.pipeline.clone(), step.replicate, step.draw);
        let same = place(one) == place(other) && other.parent == Some(before) && self.tickets[before].is_empty();
        let state = self.joined.state(number, Some(number));
        let cause = self.joined.cause(number);
        same && item.is_some_and(|item| item.state == state || (cause.is_some() && cause == self.joined.cause(before)))
    }

    fn item(&self, number: usize) -> Item {
        let step = &self.joined.plan().steps[number];
        let share =
            |ticket: &&PlannedTicket| (ticket.level, percent(ticket.kept as f64 / ticket.prunable.max(1) as f64));
        let stage = if self.all { format!("{} {}", &step.id[..8], step.stage.name) } else { step.stage.name.clone() };
        Item {
            levels: BTreeSet::from([step.level]),
            draws: BTreeSet::from([step.draw]),
            shares: self.tickets[number].iter().take(1).map(share).collect(),
            stages: vec![stage],
            state: self.joined.state(number, Some(number)),
            steps: 1,
        }
    }

    /// A ticket whose step belongs to a pipeline, or a variant, before this one.
    fn shared(&self, ticket: &PlannedTicket) -> Item {
        let plan = self.joined.plan();
        let step = &plan.steps[ticket.step];
        let mut whose = match step.pipeline[..] == ticket.pipeline[..] {
            true => String::new(),
            false => format!(" {}", step.pipeline),
        };
        if step.variant != ticket.variant {
            whose += &format!(" in {}", plan.variants[step.variant].name);
        }
        let state = self.joined.state(ticket.step, None);
        Item { stages: vec![format!("as{whose}")], state, steps: 0, ..self.item(ticket.step) }
    }
}

fn left_out(n: usize, what: &str, indent: &str, width: Width) -> String {
    match n {
        0 => String::new(),
        n => width.wrapped(indent, "     ", &format!("… {} more: `--all` shows everything", count(n, what))),
    }
}
