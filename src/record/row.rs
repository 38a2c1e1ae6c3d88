//! One ticket's line of the results, or of the analyses.

use serde::{Deserialize, Serialize};

use super::{EarlyStop, Record, Scores, is_zero};

/// One ticket of the comparison, or one that an analysis measured.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Row {
    /// The sweep's cell, "" without a sweep.
    pub variant: String,
    pub pipeline: String,
    /// The stage that measured it, "" of a ticket of the comparison.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub analysis: String,
    pub replicate: u32,
    /// The replicate whose ticket it is compared with, where that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_replicate: Option<u32>,
    /// Prunes applied so far; 0 is dense.
    pub level: u32,
    /// Which of a control's repeated draws (`times`), from 0.
    pub draw: u32,
    /// Which of the tickets that nothing else tells apart, as branches that keep equally many weights give: the first is 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub branch: u32,
    /// Kept weights as the plan foresaw them: replicates of a ticket have the same.
    pub kept_weights: usize,
    pub prunable_weights: usize,
    /// What its early stop is.
    #[serde(default, skip_serializing_if = "EarlyStop::is_usual")]
    pub early_stop: EarlyStop,
    pub status: Status,
    /// Set on the level that broke an `accuracy_drop` bound: kept, and the last of its pipeline.
    pub broke_bound: bool,
    /// The step's id; of a step that has not run, too.
    pub step: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Record>,
}

impl Row {
    /// Kept weights as they were found; as foreseen before it ran. They differ where a plan says "about".
    pub fn kept(&self) -> usize {
        let found = |record: &Record| record.layers.iter().map(|layer| layer.kept).sum();
        self.record.as_ref().map_or(self.kept_weights, found)
    }

    pub fn weights_remaining(&self) -> f64 {
        self.kept() as f64 / self.prunable_weights.max(1) as f64
    }

    pub fn scores(&self) -> Option<&Scores> {
        self.record.as_ref()?.scores.as_ref()
    }

    /// Whether a training gave it, as far as is known: one that was evaluated as it is has no early stop.
    pub fn is_trained(&self) -> bool {
        self.record.as_ref().is_none_or(|record| record.training.is_some())
    }

    /// Wall time of the ticket's training, evaluation included, or of its analysis; 0 where it has neither.
    pub fn seconds(&self) -> f64 {
        let took = |record: &&Record| record.training.is_some() || !record.measured.is_empty();
        self.record.as_ref().filter(took).map_or(0.0, |record| record.seconds)
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", tag = "is", content = "why")]
pub enum Status {
    Done,
    /// Trained until its loss was no longer finite: an outcome, without scores.
    Diverged,
    /// Not run since it follows a ticket that diverged.
    FollowsDiverged,
    /// Beyond the level at which its pipeline's stop rule ended it: neither missing nor failed.
    Stopped,
    /// Not run yet.
    Missing,
    /// The step crashed, with its message.
    Failed(String),
}
