//! Why a step is new: what tells it from the recorded one that resembles it most.

use std::collections::HashMap;

use rayon::prelude::*;
use serde_json::Value;

use crate::plan::{Plan, Step};
use crate::run::{Store, recorded};

/// Why each step is new; `None` for a step that is recorded.
pub fn reasons(plan: &Plan, store: &Store) -> Vec<Option<String>> {
    let recorded = recorded(plan, store);
    let first = |(number, step): &(usize, &Step)| {
        recorded[*number].is_none() && step.parent.is_none_or(|parent| recorded[parent].is_some())
    };
    let firsts: Vec<(usize, &Step)> = plan.steps.iter().enumerate().filter(first).collect();
    let mut changes = changes(plan, &firsts, store);
    let reason = |number: usize| match (&recorded[number], changes.remove(&number)) {
        (Some(_), _) => None,
        (None, Some(change)) => Some(change),
        (None, None) => Some("follows a new step".to_string()),
    };
    (0..plan.steps.len()).map(reason).collect()
}

/// What each of these new steps differs in, by its number. The store is gone through once, and not at all for no step.
fn changes(plan: &Plan, firsts: &[(usize, &Step)], store: &Store) -> HashMap<usize, String> {
    let mut alike: HashMap<String, Vec<(usize, Value)>> = HashMap::new();
    for (number, step) in firsts {
        let inputs = plan.inputs(step);
        alike.entry(kin(&inputs)).or_default().push((*number, inputs));
    }
    let ids: Vec<String> = if firsts.is_empty() { Vec::new() } else { store.all().collect() };
    let differences = |id: &String| {
        let stored = store.inputs(id)?;
        let steps = alike.get(&kin(&stored))?;
        Some(steps.iter().map(|(number, inputs)| (*number, differences(&stored, inputs))).collect::<Vec<_>>())
    };
    let mut nearest: HashMap<usize, Vec<String>> = HashMap::new();
    for (number, found) in ids.par_iter().filter_map(differences).flatten_iter().collect::<Vec<_>>() {
        let nearer = nearest.get(&number).is_none_or(|known| (found.len(), &found) < (known.len(), known));
        if nearer {
            nearest.insert(number, found);
        }
    }
    let told = |number: &usize| match nearest.get(number) {
        Some(found) if !found.is_empty() => found.join(", "),
        _ => "not run yet".into(),
    };
    firsts.iter().map(|(number, _)| (*number, told(number))).collect()
}

/// What steps have in common that resemble each other: the same stage after the same parent; of first steps, the
/// replicate.
fn kin(inputs: &Value) -> String {
    match &inputs["parent"] {
        Value::Object(root) => format!("replicate {}", root.get("replicate").unwrap_or(&Value::Null)),
        parent => format!("{} after {parent}", inputs["stage"]["use"]),
    }
}

fn differences(old: &Value, new: &Value) -> Vec<String> {
    let mut found = Vec::new();
    differ("", old, new, &mut found);
    found
}

/// The leaves that differ, as "length: 100it → 200it".
fn differ(path: &str, old: &Value, new: &Value, found: &mut Vec<String>) {
    if let (Value::Object(old), Value::Object(new)) = (old, new) {
        let keys = old.keys().chain(new.keys().filter(|key| !old.contains_key(*key)));
        for key in keys {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let of = |side: &serde_json::Map<String, Value>| side.get(key).cloned().unwrap_or_default();
            differ(&path, &of(old), &of(new), found);
        }
    } else if old != new {
        let path = path.trim_start_matches("parent.").trim_start_matches("stage.").replace("config.", "");
        found.push(format!("{path}: {old} → {new}"));
    }
}
