//! The report beside a lock: whether it says the same, and the verdict that is put there.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use crate::cli::{Ended, count, records, say};
use crate::lock::{self, Address, Lock, LockedTicket};
use crate::record::{Study, Verification};
use crate::report::{self, Content, File};

/// The verdict's file, beside the report.
const FILE: &str = "verification.json";

/// More differences than this are one problem.
const NAMED: usize = 8;

/// Where a report says something else than the lock; nothing where there is no report.
pub fn problems(lock: &Lock, report: &Path) -> Vec<String> {
    if !report.join(records::RECORDS).is_file() {
        return Vec::new();
    }
    let study = match records::study(report) {
        Ok(study) => study,
        Err(Ended::Failed(error)) => return vec![error],
        Err(_) => return vec![format!("{} cannot be read", report.join(records::RECORDS).display())],
    };
    let records = || study.rows.iter().chain(&study.analyses).filter_map(|row| row.record.as_ref());
    if let Some(other) = records().map(|record| &record.provenance.device).find(|device| **device != lock.device) {
        say(&format!("{} is of another device kind than {} ({other}): not compared.", report.display(), lock::FILE));
        return Vec::new();
    }
    let rows: Vec<LockedTicket> = study.rows.iter().chain(&study.analyses).filter_map(LockedTicket::of).collect();
    let said: HashMap<&Address, &LockedTicket> = rows.iter().map(|ticket| (&ticket.address, ticket)).collect();
    let of = |ticket: &LockedTicket| unlike(ticket, said.get(&ticket.address).copied(), report);
    let mut problems: Vec<String> = lock.results().filter_map(of).collect();
    problems.extend(besides(lock, &rows, report));
    let more = problems.len().saturating_sub(NAMED);
    problems.truncate(NAMED);
    if more > 0 {
        problems.push(format!("{}: {more} more differences from {}", report.display(), lock::FILE));
    }
    problems.extend(table(&study, report));
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
    // Not numbers are alike where they stand for nothing: as text they are.
    let text = |ticket: &LockedTicket| serde_json::to_value(ticket).unwrap_or_default();
    let (said, locked_text) = (text(said), text(locked));
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

/// The first line of results.csv that its own records do not make.
fn table(study: &Study, report: &Path) -> Option<String> {
    let path = report.join("results.csv");
    let (written, made) = (fs::read_to_string(&path).ok()?, report::results_csv(study));
    let line = written.lines().zip(made.lines()).position(|(written, made)| written != made);
    let line = line.or((written != made).then(|| written.lines().count().min(made.lines().count())))?;
    Some(format!("{}: line {}: not what {} say", path.display(), line + 1, records::RECORDS))
}

/// Puts the verdict beside the report, where there is one, unless the one that is there says more. What cannot be written is
/// no reason to take a verdict back.
pub fn put(verification: Verification, report: &Path) {
    if !report.join(records::RECORDS).is_file() {
        return;
    }
    let path = report.join(FILE);
    if let Some(known) = read(report).filter(|known| known.outweighs(&verification)) {
        say(&format!(
            "{} stays as it is: that verification of the same results ran {} again, and this one {}.",
            path.display(),
            count(known.ran(), "ticket"),
            verification.ran()
        ));
        return;
    }
    match written(&verification, report) {
        Ok(()) => {
            say(&format!("Verdict: {}; `tombola report --from-records {}` shows it", path.display(), report.display()));
        }
        Err(error) => say(&format!("warning: the verdict is not put beside the report: {error}")),
    }
}

fn written(verification: &Verification, report: &Path) -> Result<(), String> {
    let text = serde_json::to_string_pretty(verification).map_err(|e| e.to_string())?;
    report::put(&[File { path: FILE.into(), content: Content::Text(text + "\n") }], report)
}

fn read(report: &Path) -> Option<Verification> {
    serde_json::from_str(&fs::read_to_string(report.join(FILE)).ok()?).ok()
}

/// The verdict beside a report, where it is one of these results.
pub fn of(study: &Study, report: &Path) -> Option<Verification> {
    let verification = read(report)?;
    let results: Vec<LockedTicket> = study.rows.iter().chain(&study.analyses).filter_map(LockedTicket::of).collect();
    (verification.results == lock::digest(results.iter())).then_some(verification)
}
