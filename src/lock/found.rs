//! From a completed run to its lock.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use serde_json::Value;

use super::{Draws, FORM, Lock, LockedHost, LockedStep, LockedTicket, LockedVariant, Versions};
use crate::plan::{Plan, Step};
use crate::record::{Provenance, Record, Row, Study};

/// What a lock is made from.
pub struct Parts<'a> {
    pub plan: &'a Plan,
    pub device: &'a str,
    /// The spec's.
    pub tolerance: Option<f64>,
    pub study: &'a Study,
    /// Of each step of the plan, where it has run; each with its fingerprint.
    pub records: &'a [Option<Record>],
    /// Of each variant.
    pub draws: &'a [Draws],
}

impl Lock {
    /// A run's findings, and how many tickets are not among them since they have not run, or failed: a lock is a completed
    /// run's, and has none of those.
    pub fn of(parts: &Parts<'_>) -> (Lock, usize) {
        let Parts { plan, device, tolerance, study, records, draws } = parts;
        let tickets = |rows: &[Row]| rows.iter().filter_map(LockedTicket::of).collect::<Vec<_>>();
        let (tickets, analyses) = (tickets(&study.rows), tickets(&study.analyses));
        let missing = study.rows.len() + study.analyses.len() - tickets.len() - analyses.len();
        let (mut stages, mut steps) = (Stages::default(), IndexMap::new());
        for (step, record) in plan.steps.iter().zip(*records) {
            let left = record.as_ref().and_then(|record| record.fingerprint.clone());
            let first = step.parent.is_none();
            let locked = LockedStep {
                stage: stages.name(step),
                parent: step.parent.map(|parent| plan.steps[parent].id.clone()),
                variant: first.then_some(step.variant),
                replicate: first.then_some(step.replicate),
                draw: step.draw,
                other: step.other.map(|other| plan.steps[other].id.clone()),
                left,
            };
            steps.insert(step.id.clone(), locked);
        }
        let lock = Lock {
            lock: FORM,
            experiment: study.header.experiment.clone(),
            device: device.to_string(),
            tolerance: *tolerance,
            tickets,
            analyses,
            versions: versions(records),
            variant: (0..plan.variants.len()).map(|number| variant(plan, number, &draws[number])).collect(),
            stages: stages.0,
            steps,
            host: host(records),
        };
        (lock, missing)
    }
}

/// Stages by their names, each once.
#[derive(Default)]
struct Stages(IndexMap<String, Value>);

impl Stages {
    fn name(&mut self, step: &Step) -> String {
        let content = without_null(serde_json::to_value(&*step.stage).unwrap_or_default());
        if let Some((name, _)) = self.0.iter().find(|(_, known)| **known == content) {
            return name.clone();
        }
        let alike = self.0.values().filter(|known| known["use"] == content["use"]).count();
        let name = format!("{}-{}", step.stage.name, alike + 1);
        self.0.insert(name.clone(), content);
        name
    }
}

fn variant(plan: &Plan, number: usize, draws: &Draws) -> LockedVariant {
    let planned = &plan.variants[number];
    // What first steps depend on is the same for all replicates, but for the replicate.
    let root = plan.steps.iter().find(|step| step.parent.is_none() && step.variant == number);
    // A variant whose every step is another's has that one's root.
    let root = root.map(|step| without_null((*step.root).clone())).unwrap_or_default();
    let model = root["model"].as_array().cloned().unwrap_or_default();
    LockedVariant {
        name: planned.name.clone(),
        seed: planned.seed,
        draws: draws.clone(),
        data: root["data"].clone(),
        model,
    }
}

/// TOML has no null: a key without a value is not written.
pub fn without_null(value: Value) -> Value {
    match value {
        Value::Object(entries) => entries
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key, without_null(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_null).collect(),
        other => other,
    }
}

/// What several runs had, each once.
fn each<'a>(records: &'a [Option<Record>], of: impl Fn(&'a Provenance) -> &'a str) -> String {
    let all: BTreeSet<&str> = records.iter().flatten().map(|record| of(&record.provenance)).collect();
    all.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", ")
}

fn versions(records: &[Option<Record>]) -> Versions {
    let of = |part: fn(&Provenance) -> &str| each(records, part);
    Versions { tombola: of(|p| &p.tombola), burn: of(|p| &p.burn), rust: of(|p| &p.rust) }
}

fn host(records: &[Option<Record>]) -> LockedHost {
    let all = || records.iter().flatten().map(|record| &record.provenance);
    let commits: BTreeSet<String> = all()
        .filter_map(|p| Some(format!("{}{}", p.commit.as_ref()?, if p.dirty == Some(true) { "+" } else { "" })))
        .collect();
    LockedHost {
        cpu: each(records, |p| &p.host.cpu),
        cores: all().map(|p| p.host.cores).max().unwrap_or(0),
        memory_gib: all().map(|p| p.host.memory_gib).max().unwrap_or(0),
        system: each(records, |p| &p.host.system),
        started: all().map(|p| p.started.as_str()).min().unwrap_or_default().into(),
        ended: all().map(|p| p.ended.as_str()).max().unwrap_or_default().into(),
        commit: commits.into_iter().collect::<Vec<_>>().join(", "),
        seconds: records.iter().flatten().map(|record| record.seconds).sum::<f64>().round(),
    }
}
