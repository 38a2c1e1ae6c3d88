//! Where the numbers come from and what they cost.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::format;
use crate::record::{Provenance, Row, Study};

/// Wall time of trainings, evaluation included, and of analyses.
#[derive(Serialize)]
pub(super) struct Compute<'a> {
    pipelines: Vec<(&'a str, String)>,
    /// A step that pipelines share is counted once.
    pub total: String,
}

pub(super) fn compute(study: &Study) -> Compute<'_> {
    let all = || study.rows.iter().chain(&study.analyses);
    let of_pipeline = |name: &str| all().filter(|r| r.pipeline == name).map(Row::seconds).sum();
    let steps: BTreeMap<&str, f64> = all().map(|r| (r.step.as_str(), r.seconds())).collect();
    let pipelines = study.header.pipelines.iter().map(|p| (p.name.as_str(), format::duration(of_pipeline(&p.name))));
    Compute { pipelines: pipelines.collect(), total: format::duration(steps.values().sum()) }
}

/// Label and value, several values where steps differ.
pub(super) type Facts = Vec<(&'static str, String)>;

/// A label and what a step's provenance says for it, "" for nothing.
type Label = (&'static str, fn(&Provenance) -> String);

/// What the records say of where they were made; what none of them says is left out.
pub(super) fn facts(study: &Study) -> Facts {
    let labels: [Label; 9] = [
        ("Tombola", |p| p.tombola.clone()),
        ("Burn", |p| p.burn.clone()),
        ("Compiler", |p| p.rust.clone()),
        ("Device", |p| p.device.clone()),
        ("Threads a job", |p| if p.threads == 0 { String::new() } else { p.threads.to_string() }),
        ("Host", host),
        ("Commit", commit),
        ("Begun (UTC)", |p| p.started.get(..10).unwrap_or_default().into()),
        ("Recorded by", |p| p.experiment.clone().unwrap_or_default()),
    ];
    let facts = labels.map(|(label, value)| (label, distinct(study, value)));
    // Who ran the steps is said where it was not, or not only, this experiment.
    facts.into_iter().filter(|(_, value)| !value.is_empty() && *value != study.header.experiment).collect()
}

fn distinct(study: &Study, value: fn(&Provenance) -> String) -> String {
    let records = study.rows.iter().chain(&study.analyses).filter_map(|row| row.record.as_ref());
    let values: BTreeSet<String> = records.map(|r| value(&r.provenance)).filter(|v| !v.is_empty()).collect();
    values.into_iter().collect::<Vec<_>>().join("; ")
}

fn host(provenance: &Provenance) -> String {
    let host = &provenance.host;
    match host.cpu.is_empty() {
        true => String::new(),
        false => format!("{}, {} cores, {} GiB, {}", host.cpu, host.cores, host.memory_gib, host.system),
    }
}

fn commit(provenance: &Provenance) -> String {
    let dirty = if provenance.dirty == Some(true) { " with uncommitted changes" } else { "" };
    provenance.commit.as_ref().map_or(String::new(), |commit| format!("{commit}{dirty}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::fixture;

    #[test]
    fn whose_steps_are_is_said_where_another_experiment_ran_some() {
        let mut study = fixture::study();
        let recorded_by = |study: &Study| facts(study).into_iter().find(|(label, _)| *label == "Recorded by");
        let mut records = |name: &str, n: usize| {
            let records = study.rows.iter_mut().filter_map(|row| row.record.as_mut()).take(n);
            records.for_each(|record| record.provenance.experiment = Some(name.into()));
            recorded_by(&study).map(|(_, names)| names)
        };
        let own = fixture::study().header.experiment;
        assert_eq!(records(&own, usize::MAX), None);
        assert_eq!(records("another", 1), Some(["another", &own].join("; ")));
    }
}
