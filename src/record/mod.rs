//! What a step measured, and what a report reads.
//!
//! `Record` is one step's measurements, as the store keeps them. `Study` is a whole experiment's: a header and a row
//! for each ticket that the plan wants evaluated, in plan order, and for each analysis. `records.jsonl` is a `Study`, one JSON value a line.

mod about;
mod early_stop;
mod header;
mod measured;
mod provenance;
mod row;
mod study;
mod verification;

pub use about::{About, Author};
pub use early_stop::{EarlyStop, following, selected_on_test, selected_on_test_in_lines};
pub use header::{DatasetFacts, Header, LayerFacts, ModelFacts, Other, PipelineFacts, PredictionFacts, VariantFacts};
pub use measured::{Heading, Measured, Place, Point};
pub use provenance::{Host, Provenance};
pub use row::{Row, Status};
pub use study::{Shelf, Study};
pub use verification::{Checked, Compared, Verdict, Verification};

use serde::{Deserialize, Deserializer, Serialize};

use crate::ticket::Fingerprint;

/// What one completed step measured.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Record {
    /// The step's content id, 32 hexadecimal digits.
    pub step: String,
    /// The stage's name: "train", "prune", …
    pub stage: String,
    pub parent: Option<String>,
    /// Kept and prunable weights of each prunable tensor, in graph order, after the step.
    pub layers: Vec<LayerCount>,
    /// What identifies the ticket that the step left. Records were without it at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<TrainingRecord>,
    /// What the ticket scores: of a training, or of an evaluation without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scores: Option<Scores>,
    /// What an analysis found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measured: Vec<Measured>,
    /// Wall time of the stage in seconds, evaluation included. Where a training was interrupted, of all its parts, but for what
    /// was done after a checkpoint and then lost.
    pub seconds: f64,
    pub provenance: Provenance,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct LayerCount {
    /// The parameter's name: "fc1.weight".
    pub name: String,
    /// "conv", "linear" or "output".
    pub kind: String,
    pub kept: usize,
    pub prunable: usize,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct TrainingRecord {
    /// What was learned: "weights" or "mask".
    pub learned: String,
    /// First iteration of this training in the schedule (more than 0 after rewinding to a later point).
    pub from: u64,
    /// Total length, in iterations.
    pub to: u64,
    pub curve: Curve,
    /// The iteration at which the loss was no longer finite, where the training diverged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diverged: Option<u64>,
}

/// A training curve by columns, one entry an evaluation. Training figures are means over the iterations since the
/// evaluation before, so the first entry has none. A figure that is not finite is `None`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Curve {
    pub iteration: Vec<u64>,
    pub train_loss: Vec<Option<f32>>,
    pub train_accuracy: Vec<Option<f32>>,
    pub validation_loss: Vec<Option<f32>>,
    pub validation_accuracy: Vec<Option<f32>>,
}

/// A ticket's scores, accuracies as fractions. Early-stop figures are those of the weights that the training's rule chose,
/// of least validation loss unless it says otherwise. Test data is evaluated on the early-stop and on the final weights
/// only, after the training has ended, but where the rule is `TestAccuracy`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Scores {
    pub early_stop_iteration: u64,
    /// Not a number where logits are not, or where no examples validate; JSON has only `null` for it, and a lock nothing.
    #[serde(default = "nan", deserialize_with = "nan_where_null")]
    pub validation_loss: f64,
    /// `None` where no examples validate.
    pub validation_accuracy: Option<f64>,
    #[serde(default = "nan", deserialize_with = "nan_where_null")]
    pub test_loss: f64,
    pub test_accuracy: f64,
    pub final_train_accuracy: f64,
    pub final_validation_accuracy: Option<f64>,
    pub final_test_accuracy: f64,
}

/// For counts that are not written where there is nothing to count.
pub(crate) fn is_zero(n: &u32) -> bool {
    *n == 0
}

fn nan() -> f64 {
    f64::NAN
}

fn nan_where_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}
