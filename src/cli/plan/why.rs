//! Why a step is new: what tells it from the recorded one that resembles it most.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::changes::{Change, changes};
use super::history::History;
use crate::plan::Plan;

/// Why a step is not recorded.
#[derive(Clone, Debug, PartialEq)]
pub enum Why {
    /// Nothing like it has run.
    NotRun,
    /// It is recorded, and a file of it is not as it was written.
    Broken(String),
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
    /// The plan's steps by id.
    planned: HashMap<&'a str, usize>,
}

/// A new step, and a recorded one that may be an earlier form of it.
pub struct Likeness {
    new: usize,
    /// In what they differ.
    changes: Vec<Change>,
    /// The recorded one, where the plan still has it.
    still: Option<usize>,
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
        let planned = plan.steps.iter().enumerate().map(|(number, step)| (step.id.as_str(), number)).collect();
        Firsts { plan, new, alike, planned }
    }

    /// The new steps that a recorded one resembles, given its id and inputs.
    pub fn like(&self, id: &str, past: &Value) -> Vec<Likeness> {
        let still = self.planned.get(id).copied();
        let steps = self.alike.get(&kin(past)).map_or(&[][..], Vec::as_slice);
        let related = steps.iter().filter(|(_, inputs)| related(past, inputs));
        let alike = related.map(|(new, inputs)| {
            let changes = changes(&named(past), &named(inputs));
            Likeness { new: *new, changes, still }
        });
        alike.filter(|alike| alike.changes.len() <= MOST).collect()
    }

    /// Why each step is new, given all that resembles one; `None` where it is not. What the plan still has is no earlier
    /// form of another step, unless that one's pipeline has left it.
    pub fn reasons(&self, found: Vec<Likeness>, history: &History) -> Vec<Option<Why>> {
        let still: Vec<usize> = found.iter().filter_map(|alike| alike.still).collect();
        let left = (!still.is_empty()).then(|| history.left(self.plan, &self.planned, &still));
        let earlier = |alike: &Likeness| match (alike.still, &left) {
            (Some(still), Some(left)) => left.by(still, alike.new),
            _ => true,
        };
        let mut nearest: HashMap<usize, Vec<Change>> = HashMap::new();
        for Likeness { new: number, changes: found, .. } in found.into_iter().filter(earlier) {
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
