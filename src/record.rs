//! What a step measured, and what a report reads.
//!
//! `Record` is one step's measurements, as the store keeps them. `Study` is a whole experiment's: a header and a row
//! for each ticket that the plan wants evaluated, in plan order. `records.jsonl` is a `Study`, one JSON value a line.

use std::borrow::Cow;
use std::io::{BufRead, Error, Write};
use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Deserializer, Serialize};

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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<TrainingRecord>,
    /// What the ticket scores: of a training, or of an evaluation without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scores: Option<Scores>,
    /// Wall time of the stage in seconds, evaluation included. An interrupted stage begins anew.
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

/// A ticket's scores, accuracies as fractions. Early-stop figures are those of the weights of least validation loss;
/// test data is evaluated on the early-stop and on the final weights only, after the training has ended.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Scores {
    pub early_stop_iteration: u64,
    /// Not a number where logits are not; JSON has only `null` for it.
    #[serde(deserialize_with = "nan_where_null")]
    pub validation_loss: f64,
    pub validation_accuracy: f64,
    #[serde(deserialize_with = "nan_where_null")]
    pub test_loss: f64,
    pub test_accuracy: f64,
    pub final_train_accuracy: f64,
    pub final_validation_accuracy: f64,
    pub final_test_accuracy: f64,
}

fn nan_where_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

/// Where, when and with what a step ran.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Provenance {
    pub tombola: String,
    pub burn: String,
    /// The compiler: "rustc 1.95.0".
    pub rust: String,
    /// The device kind: backend and version, architecture, instruction set.
    pub device: String,
    /// Threads that one job had.
    pub threads: usize,
    pub host: Host,
    /// Commit of the repository that holds the experiment, where there is one.
    pub commit: Option<String>,
    /// Whether that repository had uncommitted changes outside its reports.
    pub dirty: Option<bool>,
    /// When the step began, in UTC, RFC 3339, to the second.
    pub started: String,
    /// The folder's name of the experiment that ran the step: a store may be several experiments'. Records were without it
    /// at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment: Option<String>,
    /// That experiment's pipelines that had the step then; without an experiment, unknown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pipelines: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Host {
    pub cpu: String,
    pub cores: usize,
    pub memory_gib: u64,
    pub system: String,
}

/// An experiment's results: all that a report is made from.
#[derive(Clone)]
pub struct Study {
    pub header: Header,
    pub rows: Vec<Row>,
    /// Where the rows' records are whole, if they are here without their curves: those of a long experiment are
    /// gigabytes. `curve` looks there, and `write`.
    pub shelf: Option<Arc<dyn Shelf>>,
}

/// Gives whole records, one at a time.
pub trait Shelf: Send + Sync {
    fn record(&self, step: &str) -> Option<Record>;

    /// The same as a line of JSON, which need not be taken apart and put together again.
    fn json(&self, step: &str) -> Option<String>;
}

/// What holds for the whole experiment, taken from its resolved plan.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Header {
    /// The experiment's folder name: "quickstart".
    pub experiment: String,
    pub title: String,
    pub question: String,
    pub seed: u64,
    pub replicates: u32,
    pub dataset: DatasetFacts,
    pub model: ModelFacts,
    /// In the order of the spec. Where variants differ, a stage has the words of each: "batch size 60 | 30".
    pub pipelines: Vec<PipelineFacts>,
    /// The cells of a sweep; what is said above of data and model is the first one's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<VariantFacts>,
    /// Data that are not the first variant's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_datasets: Vec<Other<DatasetFacts>>,
    /// Models that are not the first variant's, each with those layers that the first's has not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_models: Vec<Other<ModelFacts>>,
    /// Matching = mean paired difference to dense of at least this much, in accuracy as a fraction: −0.002.
    pub matching: f64,
    /// What the author expects, in the order of the spec.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub predictions: Vec<PredictionFacts>,
    /// How to rerun it, from the repository's root: "tombola run experiments/quickstart".
    pub command: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct DatasetFacts {
    pub name: String,
    pub summary: String,
    pub licence: String,
    pub citation: String,
    pub classes: usize,
    pub train: usize,
    pub validation: usize,
    pub test: usize,
    /// How pixels are scaled, in words: "pixel ÷ 255".
    pub normalisation: String,
    /// File name and SHA-256 of its decompressed bytes.
    pub files: Vec<(String, String)>,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct ModelFacts {
    pub name: String,
    pub summary: String,
    /// All parameters, biases included.
    pub parameters: usize,
    pub prunable: usize,
    /// Name, what it is in words, output shape, parameters, prunable weights.
    pub layers: Vec<LayerFacts>,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct LayerFacts {
    pub name: String,
    pub layer: String,
    pub output: Vec<usize>,
    pub parameters: usize,
    pub prunable: usize,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct PipelineFacts {
    pub name: String,
    /// The shipped or local pipeline that it uses, "" where it is written out in the spec.
    pub uses: String,
    pub summary: String,
    pub source: String,
    /// The pipeline from whose tickets a control forks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<String>,
    /// What its trainings learn: "weights" or "mask".
    pub learns: String,
    /// Its resolved stages in words, in order, for the report's methods.
    pub stages: Vec<String>,
}

/// A cell of a sweep, and what sets it apart from the others.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct VariantFacts {
    pub name: String,
    /// Field and value: ("model.width", "0.5").
    pub settings: Vec<(String, String)>,
    pub parameters: usize,
    pub prunable: usize,
}

/// What some variants of a sweep have in the place of the first one's.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Other<T> {
    /// Their names.
    pub variants: Vec<String>,
    pub facts: T,
}

/// What the author expects: in words, and as an expression (see `prediction`) that a report judges.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct PredictionFacts {
    pub claim: String,
    pub expect: String,
}

/// One ticket of the comparison.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Row {
    /// The sweep's cell, "" without a sweep.
    pub variant: String,
    pub pipeline: String,
    pub replicate: u32,
    /// Prunes applied so far; 0 is dense.
    pub level: u32,
    /// Which of a control's repeated draws (`times`), from 0.
    pub draw: u32,
    /// Kept weights as the plan foresaw them.
    pub kept_weights: usize,
    pub prunable_weights: usize,
    pub status: Status,
    /// Set on the level that broke an `accuracy_drop` bound: kept, and the last of its pipeline.
    pub broke_bound: bool,
    /// The step's id; of a step that has not run, too.
    pub step: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Record>,
}

impl Row {
    pub fn weights_remaining(&self) -> f64 {
        self.kept_weights as f64 / self.prunable_weights.max(1) as f64
    }

    pub fn scores(&self) -> Option<&Scores> {
        self.record.as_ref()?.scores.as_ref()
    }

    /// Wall time of the ticket's training, evaluation included; 0 where it has none.
    pub fn seconds(&self) -> f64 {
        self.record.as_ref().filter(|record| record.training.is_some()).map_or(0.0, |record| record.seconds)
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

impl Study {
    /// The curve of a row's training.
    pub fn curve<'a>(&self, row: &'a Row) -> Option<Cow<'a, Curve>> {
        let here = row.record.as_ref()?.training.as_ref()?;
        match &self.shelf {
            None => Some(Cow::Borrowed(&here.curve)),
            Some(shelf) => Some(Cow::Owned(shelf.record(&row.step)?.training?.curve)),
        }
    }

    /// Writes the header and then each row as one line of JSON, curves included.
    pub fn write(&self, out: &mut impl Write) -> std::io::Result<()> {
        /// Lines that are in memory at once.
        const LINES: usize = 256;
        serde_json::to_writer(&mut *out, &self.header)?;
        out.write_all(b"\n")?;
        for rows in self.rows.chunks(LINES) {
            let lines: Vec<std::io::Result<Vec<u8>>> = rows.par_iter().map(|row| self.line(row)).collect();
            lines.into_iter().try_for_each(|line| out.write_all(&line?))?;
        }
        Ok(())
    }

    fn line(&self, row: &Row) -> std::io::Result<Vec<u8>> {
        let mut line = match (&self.shelf, &row.record) {
            (Some(shelf), Some(_)) => {
                let gone = || Error::other(format!("step {} has gone from the store meanwhile", row.step));
                let record = shelf.json(&row.step).ok_or_else(gone)?;
                let mut line = serde_json::to_vec(&Row { record: None, ..row.clone() })?;
                // The record is the last of a row's fields.
                line.pop();
                line.extend(format!(",\"record\":{record}}}").bytes());
                line
            }
            _ => serde_json::to_vec(row)?,
        };
        line.push(b'\n');
        Ok(line)
    }

    /// Reads what `write` wrote; the error names the line.
    pub fn read(input: impl BufRead) -> Result<Study, String> {
        let mut lines = input.lines().enumerate().map(|(i, line)| (i + 1, line));
        fn parse<T: serde::de::DeserializeOwned>((n, line): (usize, std::io::Result<String>)) -> Result<T, String> {
            let line = line.map_err(|e| format!("line {n}: {e}"))?;
            serde_json::from_str(&line).map_err(|e| format!("line {n}: {e}"))
        }
        let header = parse(lines.next().ok_or("the file is empty")?)?;
        Ok(Study { header, rows: lines.map(parse).collect::<Result<_, _>>()?, shelf: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::fixture;

    /// The records of a study, whole.
    struct Whole(Study);

    impl Shelf for Whole {
        fn record(&self, step: &str) -> Option<Record> {
            self.0.rows.iter().find(|row| row.step == step)?.record.clone()
        }

        fn json(&self, step: &str) -> Option<String> {
            serde_json::to_string(&self.record(step)?).ok()
        }
    }

    fn written(study: &Study) -> Vec<u8> {
        let mut bytes = Vec::new();
        study.write(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn a_study_whose_curves_are_on_a_shelf_is_the_same_study() {
        let whole = fixture::study();
        let mut shelved = Study { shelf: Some(Arc::new(Whole(whole.clone()))), ..whole.clone() };
        let records = shelved.rows.iter_mut().filter_map(|row| row.record.as_mut()?.training.as_mut());
        records.for_each(|training| training.curve = Curve::default());
        assert_eq!(written(&shelved), written(&whole));
        for (one, other) in shelved.rows.iter().zip(&whole.rows) {
            assert_eq!(shelved.curve(one).as_deref(), whole.curve(other).as_deref());
        }
        let back = Study::read(&written(&shelved)[..]).unwrap();
        assert!(back.rows == whole.rows && back.header == whole.header);
    }
}
