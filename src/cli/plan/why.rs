//! Why a step is new: what tells it from the recorded one that resembles it most.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::changes::{Change, changes};
use crate::plan::Plan;
use crate::run::Past;

/// Why a step is not recorded.
#[derive(Clone, Debug, PartialEq)]
pub enum Why {
    /// Nothing like it has run.
    NotRun,
    /// Another such step is recorded, with other inputs.
    Changed(Vec<Change>),
    /// It follows this step, the first new one of its chain.
    Follows(usize),
}

/// The first new steps of their chains, and the recorded ones that they resemble.
pub struct Firsts<'a> {
    plan: &'a Plan,
    new: &'a [bool],
    /// By what resembling steps have in common: number and inputs.
    alike: HashMap<String, Vec<(usize, Value)>>,
    /// What the plan has is no earlier form of another of its steps.
    planned: HashSet<&'a str>,
}

impl<'a> Firsts<'a> {
    pub fn of(plan: &'a Plan, new: &'a [bool]) -> Firsts<'a> {
        let mut alike: HashMap<String, Vec<(usize, Value)>> = HashMap::new();
        for (number, step) in plan.steps.iter().enumerate().filter(|(number, _)| new[*number]) {
            if step.parent.is_none_or(|parent| !new[parent]) {
                let inputs = plan.inputs(step);
                alike.entry(kin(&inputs)).or_default().push((number, inputs));
            }
        }
        let planned = plan.steps.iter().map(|step| step.id.as_str()).collect();
        Firsts { plan, new, alike, planned }
    }

    /// The new steps that a recorded one resembles, and in what each differs from it.
    pub fn like(&self, past: &Past) -> Vec<(usize, Vec<Change>)> {
        if self.planned.contains(past.record.step.as_str()) {
            return Vec::new();
        }
        let steps = self.alike.get(&kin(&past.inputs)).map_or(&[][..], Vec::as_slice);
        let related = steps.iter().filter(|(_, inputs)| related(&past.inputs, inputs));
        let changed = related.map(|(number, inputs)| (*number, changes(&named(&past.inputs), &named(inputs))));
        changed.filter(|(_, changes)| changes.len() <= MOST).collect()
    }

    /// Why each step is new, given all that resembles one; `None` where it is not.
    pub fn reasons(&self, found: impl IntoIterator<Item = (usize, Vec<Change>)>) -> Vec<Option<Why>> {
        let mut nearest: HashMap<usize, Vec<Change>> = HashMap::new();
        for (number, found) in found {
            let nearer = nearest.get(&number).is_none_or(|known| (found.len(), &found) < (known.len(), known));
            if nearer {
                nearest.insert(number, found);
            }
        }
        let mut firsts: Vec<usize> = (0..self.plan.steps.len()).collect();
        for (number, step) in self.plan.steps.iter().enumerate() {
            // Steps stand in the plan after what they follow.
            if let Some(parent) = step.parent.filter(|parent| self.new[*parent]) {
                firsts[number] = firsts[parent];
            }
        }
        let reason = |number: usize| match (firsts[number], nearest.get(&firsts[number])) {
            _ if !self.new[number] => None,
            (_, None) => Some(Why::NotRun),
            (first, Some(changes)) if first == number => Some(Why::Changed(changes.clone())),
            (first, Some(_)) => Some(Why::Follows(first)),
        };
        (0..self.plan.steps.len()).map(reason).collect()
    }
}

/// What differs in more than this is another experiment, and no earlier form of this one.
const MOST: usize = 8;

/// What steps have in common that resemble each other: the same stage after the same parent; of first steps, the
/// replicate.
fn kin(inputs: &Value) -> String {
    match &inputs["parent"] {
        Value::Object(root) => format!("replicate {}", root.get("replicate").unwrap_or(&Value::Null)),
        parent => format!("{} draw {} after {parent}", inputs["stage"]["use"], inputs["draw"]),
    }
}

/// Whether a first step may be an earlier form of another: a store that several experiments share has other models on
/// other data.
fn related(old: &Value, new: &Value) -> bool {
    let same_files = old["parent"]["data"]["files"] == new["parent"]["data"]["files"];
    new["parent"].is_string() || old["parent"]["model"] == new["parent"]["model"] || same_files
}

/// The inputs with the stage under its own name, as specs call it.
fn named(inputs: &Value) -> Value {
    let stage = inputs["stage"]["use"].as_str().unwrap_or("stage");
    json!({ stage: inputs["stage"], "parent": inputs["parent"], "draw": inputs["draw"], "inputs": inputs["step"] })
}
