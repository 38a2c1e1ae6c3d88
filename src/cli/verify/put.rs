//! The verdict beside a report.

use std::fs;
use std::path::Path;

use crate::cli::{count, records, say};
use crate::lock::{LockedTicket, digest};
use crate::record::{Study, Verification};
use crate::report::{self, Content, File};

/// The verdict's file, beside the report.
const FILE: &str = "verification.json";

/// Puts the verdict beside the report, where there is one, unless the one that is there says more. What cannot be written is
/// no reason to take a verdict back.
pub fn put(verification: &Verification, report: &Path) {
    if !report.join(records::RECORDS).is_file() {
        return;
    }
    let path = report.join(FILE);
    if let Some(known) = read(report).filter(|known| known.outweighs(verification)) {
        say(&format!(
            "{} stays as it is: that verification of the same results ran {} again, and this one {}.",
            path.display(),
            count(known.ran(), "ticket"),
            verification.ran()
        ));
        return;
    }
    match written(verification, report) {
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
    (verification.results == digest(results.iter())).then_some(verification)
}
