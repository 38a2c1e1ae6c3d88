//! What a verification found: an experiment's rerun, ticket by ticket, against its lock.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Host;

/// A rerun against a lock; `verification.json` beside a report is one.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Verification {
    pub experiment: String,
    pub verdict: Verdict,
    /// When it began, in UTC, RFC 3339, to the second.
    pub date: String,
    pub tombola: String,
    /// The device kind it ran on, and the lock's.
    pub device: String,
    pub locked_device: String,
    pub host: Host,
    /// Whether masks and metrics had to be the same to the last bit: the device kinds are.
    pub exact: bool,
    /// Of the results that the lock has, by which a verdict is told from one of other results.
    pub results: String,
    /// How figures were compared, in sentences.
    pub rule: Vec<String>,
    /// Figures that had an interval to be in, and how many of them chance alone is expected to put outside.
    pub compared: usize,
    pub false_alarms: f64,
    /// Figures whose interval held every value that there can be, and so said nothing.
    #[serde(default)]
    pub silent: usize,
    /// Tickets that an earlier verification of this experiment had run already, and that did not run this time.
    #[serde(default)]
    pub reused: usize,
    /// By which the order of the tickets was drawn, where not all were to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_seed: Option<u32>,
    /// What is wrong and is not one ticket's: another spec, data that changed, a report that says something else.
    pub problems: Vec<String>,
    pub tickets: Vec<Checked>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Pass,
    WithinTolerance,
    Fail,
    NotRun,
}

/// One ticket of the lock.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Checked {
    /// "imp level 3 (51.2%), replicate 0".
    pub ticket: String,
    pub pipeline: String,
    pub verdict: Verdict,
    /// What differs, in words; of one within its tolerance, by how much; of one that was to run and could not, why.
    pub why: Vec<String>,
    /// The share of the lock's kept weights that the rerun kept, where both masks are at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap: Option<f64>,
    pub figures: Vec<Compared>,
}

/// One figure of a ticket, as it was and as it is.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Compared {
    pub name: String,
    pub locked: Option<f64>,
    pub found: Option<f64>,
    /// Where it may be, where it need not be the same; both ends included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<(f64, f64)>,
    /// Where the lock's may be by what was found of its replicates, where enough were run again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub among_found: Option<(f64, f64)>,
    pub holds: bool,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Verdict::Pass => "PASS",
            Verdict::WithinTolerance => "WITHIN TOLERANCE",
            Verdict::Fail => "FAIL",
            Verdict::NotRun => "NOT RUN",
        })
    }
}

impl Checked {
    /// Whether its step crashed, or a disk or memory did not suffice: that says nothing of what was locked.
    pub fn gave_out(&self) -> bool {
        self.verdict == Verdict::NotRun && !self.why.is_empty()
    }
}

impl Verification {
    /// How many tickets have this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.tickets.iter().filter(|ticket| ticket.verdict == verdict).count()
    }

    /// How many tickets were run again.
    pub fn ran(&self) -> usize {
        self.tickets.len() - self.count(Verdict::NotRun)
    }

    /// Whether this is to stay where another one of the same results comes after it: it ran more tickets again, and the other
    /// found nothing wrong.
    pub fn outweighs(&self, other: &Verification) -> bool {
        self.results == other.results && other.verdict != Verdict::Fail && self.ran() > other.ran()
    }

    /// The whole's verdict: what is wrong anywhere is wrong; what has not run says nothing, unless nothing has, or a machine
    /// gave out where more was to run.
    pub fn verdict(problems: &[String], tickets: &[Checked]) -> Verdict {
        let worst = tickets.iter().map(|ticket| ticket.verdict).filter(|verdict| *verdict != Verdict::NotRun).max();
        match (problems.is_empty(), worst) {
            (false, _) | (_, Some(Verdict::Fail)) => Verdict::Fail,
            _ if tickets.iter().any(Checked::gave_out) => Verdict::NotRun,
            (_, worst) => worst.unwrap_or(Verdict::NotRun),
        }
    }
}
