//! The report beside a lock: whether it says the same as the lock, as the spec, and as what was found again.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use super::{Ground, rendered};
use crate::cli::{Ended, records, say};
use crate::lock::{self, Address, Lock, LockedTicket};
use crate::record::{Header, Record, Study};

/// More differences than this are one problem.
const NAMED: usize = 8;

/// A report that was read.
pub struct Reported {
    /// Where it says something else than the lock, or than what its own records give.
    pub problems: Vec<String>,
    /// What it was made from, where that is of the lock's kind of device.
    study: Option<Study>,
    records: PathBuf,
}

impl Reported {
    /// Reads the report of an experiment, which need not be there.
    pub fn of(ground: &Ground<'_>) -> Reported {
        let Ground { lock, report, experiment, opened, .. } = ground;
        let records = report.join(records::RECORDS);
        let alone = |problems| Reported { problems, study: None, records: records.clone() };
        if !records.is_file() {
            return alone(rendered::without_records(report));
        }
        let study = match records::study(report) {
            Ok(study) => study,
            Err(Ended::Failed(error)) => return alone(vec![error]),
            Err(_) => return alone(vec![format!("{} cannot be read", records.display())]),
        };
        let mut found = headed(&study, &experiment.header(opened), &records);
        found.extend(rendered::problems(&study, ground));
        found.extend(problems(lock, &study, report));
        let kind = kind(&study, lock);
        if let Ok(Some(other)) = kind {
            let (report, file) = (report.display(), lock::FILE);
            say(&format!("{report} is of another device kind than {file} ({other:?}): not compared."));
        }
        let comparable = matches!(kind, Ok(None));
        Reported { problems: found, study: comparable.then_some(study), records }
    }

    /// Where its records are not what the same steps left again, but for time and place: what a lock does not have, as
    /// curves, is there.
    pub fn unlike(&self, rerun: &Study) -> Vec<String> {
        let (Some(study), Some(shelf)) = (&self.study, &rerun.shelf) else { return Vec::new() };
        let again = rerun.rows.iter().chain(&rerun.analyses).filter(|row| row.record.is_some());
        let again: HashMap<Address, &str> = again.map(|row| (Address::of(row), row.step.as_str())).collect();
        let mut problems = Vec::new();
        for row in study.rows.iter().chain(&study.analyses) {
            let found = again.get(&Address::of(row)).and_then(|step| shelf.record(step));
            let (Some(record), Some(found), Some(ticket)) = (&row.record, found, LockedTicket::of(row)) else {
                continue;
            };
            if let Some(key) = differs(record, &found) {
                let of = ticket.name();
                problems.push(format!("{}: {of}: its {key} is not what was found again", self.records.display()));
            }
        }
        first(problems, &self.records)
    }
}

/// Where a report says something else than a lock; nothing where it is of another kind of device.
pub fn problems(lock: &Lock, study: &Study, report: &Path) -> Vec<String> {
    let mut problems = match kind(study, lock) {
        Ok(None) => Vec::new(),
        Ok(Some(_)) => return Vec::new(),
        Err(problem) => vec![format!("{}: {problem}", report.join(records::RECORDS).display())],
    };
    problems.extend(first(compared(lock, study, report), report));
    problems
}

/// A few of many problems.
fn first(mut problems: Vec<String>, of: &Path) -> Vec<String> {
    let more = problems.len().saturating_sub(NAMED);
    problems.truncate(NAMED);
    if more > 0 {
        problems.push(format!("{}: {more} more differences", of.display()));
    }
    problems
}

/// The kind of device that all records are of where it is not the lock's; an error where they are not of one kind. A step
/// that the lock has was run on the lock's, whatever a record says.
fn kind<'a>(study: &'a Study, lock: &Lock) -> Result<Option<&'a str>, String> {
    let rows = || study.rows.iter().chain(&study.analyses);
    let devices = rows().filter_map(|row| row.record.as_ref()).map(|record| record.provenance.device.as_str());
    let kinds: BTreeSet<&str> = devices.collect();
    let other = kinds.iter().find(|kind| **kind != lock.device);
    match other {
        None => Ok(None),
        Some(other) if kinds.len() == 1 && !rows().any(|row| lock.steps.contains_key(&row.step)) => Ok(Some(other)),
        Some(other) => {
            Err(format!("a record says that it is of another device kind ({other:?}) than its step, or others"))
        }
    }
}

/// What the first line says otherwise than the spec, of what no step's id holds.
fn headed(study: &Study, spec: &Header, records: &Path) -> Vec<String> {
    let (said, spec) = (json(&study.header), json(spec));
    let unlike =
        ["title", "question", "matching", "predictions"].into_iter().filter(|key| said.get(*key) != spec.get(*key));
    let told = |key| format!("{}: its {key} is not the spec's: `tombola report` writes it again", records.display());
    unlike.map(told).collect()
}

/// The first part of a record that is another one, but for time and place.
fn differs(record: &Record, found: &Record) -> Option<String> {
    let (record, found) = (json(record), json(found));
    let keys = record.as_object().into_iter().chain(found.as_object()).flat_map(|entries| entries.keys());
    // Records of before had no fingerprint; the lock has it.
    let mut keys = keys.filter(|key| !["seconds", "provenance", "fingerprint"].contains(&key.as_str()));
    keys.find(|key| record.get(*key) != found.get(*key)).cloned()
}

/// As text, numbers that are none are alike.
fn json(part: &impl Serialize) -> Value {
    serde_json::to_value(part).unwrap_or_default()
}

/// Where rows are not as the lock has them.
fn compared(lock: &Lock, study: &Study, report: &Path) -> Vec<String> {
    let rows: Vec<LockedTicket> = study.rows.iter().chain(&study.analyses).filter_map(LockedTicket::of).collect();
    let said: HashMap<&Address, &LockedTicket> = rows.iter().map(|ticket| (&ticket.address, ticket)).collect();
    let of = |ticket: &LockedTicket| unlike(ticket, said.get(&ticket.address).copied(), report);
    let mut problems: Vec<String> = lock.results().filter_map(of).collect();
    problems.extend(besides(lock, &rows, report));
    problems
}

/// What the report says of tickets that the lock has not, or says again.
fn besides(lock: &Lock, rows: &[LockedTicket], report: &Path) -> Vec<String> {
    let mut locked: HashSet<&Address> = lock.results().map(|ticket| &ticket.address).collect();
    let besides = rows.iter().filter(|ticket| !locked.remove(&ticket.address));
    let told = |ticket: &LockedTicket| {
        format!(
            "{}: {} is there and not in {}, or is there twice",
            report.join(records::RECORDS).display(),
            ticket.name(),
            lock::FILE
        )
    };
    besides.map(told).collect()
}

/// What the report says otherwise of a ticket.
fn unlike(locked: &LockedTicket, said: Option<&LockedTicket>, report: &Path) -> Option<String> {
    let place = || report.join(records::RECORDS).display().to_string();
    let Some(said) = said else {
        return Some(format!("{}: {} is not there, and is in {}", place(), locked.name(), lock::FILE));
    };
    let (said, locked_text) = (json(said), json(locked));
    let differs = |key: &str| said.get(key) != locked_text.get(key);
    let field = ["status", "kept", "prunable", "step", "scores", "measured"].into_iter().find(|key| differs(key))?;
    let told = match (field, said["scores"].as_object(), locked_text["scores"].as_object()) {
        ("scores", Some(said), Some(locked)) => {
            let name = locked.keys().find(|name| said.get(*name) != locked.get(*name))?;
            format!("{} {} instead of {}", name.replace('_', " "), said[name], locked[name])
        }
        _ => format!("{field} are not the same"),
    };
    Some(format!("{}: {}: {told} in {}", place(), locked.name(), lock::FILE))
}
