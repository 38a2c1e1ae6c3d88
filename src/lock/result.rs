//! What a run found of one ticket.

use serde::{Deserialize, Serialize};

use super::Address;
use crate::record::{Measured, Row, Scores, Status};
use crate::units::percent;

/// An evaluated ticket, or one that an analysis measured.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct LockedTicket {
    #[serde(flatten)]
    pub address: Address,
    pub kept: usize,
    pub prunable: usize,
    pub step: String,
    pub status: Outcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scores: Option<Scores>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measured: Vec<Measured>,
}

/// How a ticket of a completed run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Done,
    /// Its loss was no longer finite: there are no scores.
    Diverged,
    /// It follows one that diverged.
    FollowsDiverged,
    /// A stop rule ended its pipeline before it.
    Stopped,
}

/// Of results, whether of a lock or of a study: 32 hexadecimal digits of a BLAKE3 hash.
pub fn digest<'a>(results: impl Iterator<Item = &'a LockedTicket>) -> String {
    let mut hasher = blake3::Hasher::new();
    for ticket in results {
        hasher.update(&serde_json::to_vec(ticket).unwrap_or_default());
    }
    hasher.finalize().to_hex()[..32].to_string()
}

impl LockedTicket {
    /// What a row of a study found; `None` where it has not run, or failed.
    pub fn of(row: &Row) -> Option<LockedTicket> {
        let status = match row.status {
            Status::Done => Outcome::Done,
            Status::Diverged => Outcome::Diverged,
            Status::FollowsDiverged => Outcome::FollowsDiverged,
            Status::Stopped => Outcome::Stopped,
            Status::Missing | Status::Failed(_) => return None,
        };
        let measured = row.record.as_ref().map(|record| record.measured.clone()).unwrap_or_default();
        Some(LockedTicket {
            address: Address::of(row),
            kept: row.kept(),
            prunable: row.prunable_weights,
            step: row.step.clone(),
            status,
            scores: row.scores().cloned(),
            measured,
        })
    }
}

impl LockedTicket {
    /// As people read it: "imp[width=2] level 3 (51.2%), replicate 1", "connectivity of imp level 3 (51.2%), replicates 0 and
    /// 1".
    pub fn name(&self) -> String {
        let Address { variant, pipeline, analysis, replicate, other_replicate, level, planned, draw, branch } =
            &self.address;
        let analysis = if analysis.is_empty() { String::new() } else { format!("{analysis} of ") };
        let variant = if variant.is_empty() { String::new() } else { format!("[{variant}]") };
        let remaining = percent(*planned as f64 / self.prunable.max(1) as f64);
        let replicate = match other_replicate {
            Some(other) => format!("replicates {replicate} and {other}"),
            None => format!("replicate {replicate}"),
        };
        let draw = if *draw > 0 { format!(", draw {draw}") } else { String::new() };
        let branch = if *branch > 0 { format!(", branch {}", branch + 1) } else { String::new() };
        let name = format!("{analysis}{pipeline}{variant} level {level} ({remaining}), {replicate}{draw}{branch}");
        // What was written by hand may have lines, which would stand as others' where names are told.
        name.replace(char::is_control, " ")
    }
}
