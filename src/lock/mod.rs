//! `experiment.lock`: what a completed run of an experiment found, kept beside the spec, for a rerun to be held to.
//!
//! It holds the resolved plan with step ids, hashes of the data, of the split and of the data order, every version that
//! matters, and of each step what identifies the ticket that it left, of each evaluated ticket what it scored. It is TOML
//! with a line a layer, stage, step and ticket, in the order of the plan, so that a change of the experiment is a change
//! of few lines; facts of the machine, which any other run has otherwise, are one table at its end.

mod address;
mod draws;
mod file;
mod found;
mod result;

pub use address::{Address, addresses};
pub use draws::{Draws, draws};
pub use found::{Parts, without_null};
pub use result::{LockedTicket, Outcome, digest};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::record::is_zero;
use crate::ticket::Fingerprint;

/// The file's name, in the experiment's folder.
pub const FILE: &str = "experiment.lock";

/// The form of the file; what another number may have is not known here.
const FORM: u32 = 1;

/// What is in the file.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The form of the file.
    pub lock: u32,
    pub experiment: String,
    /// The device kind: backend and version, architecture, instruction set.
    pub device: String,
    /// How near the spec wants a rerun's accuracies on another kind of device; locks of before were without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<f64>,
    /// Evaluated ones; of analyses alone there are none.
    #[serde(default)]
    pub tickets: Vec<LockedTicket>,
    #[serde(default)]
    pub analyses: Vec<LockedTicket>,
    pub versions: Versions,
    /// Of each variant; one without a name where there is no sweep.
    pub variant: Vec<LockedVariant>,
    /// Stages with their configurations, by names of their own: "train-2".
    pub stages: IndexMap<String, Value>,
    /// By id; written in the plan's order, which reading does not keep.
    pub steps: IndexMap<String, LockedStep>,
    pub host: LockedHost,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    pub tombola: String,
    pub burn: String,
    /// The compiler: "rustc 1.95.0".
    pub rust: String,
}

/// What the first steps of a variant's chains depend on, and what is drawn from its seed ahead of any training.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct LockedVariant {
    pub name: String,
    pub seed: u64,
    #[serde(flatten)]
    pub draws: Draws,
    /// As it is in the ids of steps: files with their checksums, shape, normalisation, what is taken of it.
    pub data: Value,
    /// Layers, likewise.
    pub model: Vec<Value>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct LockedStep {
    /// Its name in `stages`.
    pub stage: String,
    /// The step before; a first step has variant and replicate instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicate: Option<u32>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub draw: u32,
    /// The step whose ticket it compares with its parent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<String>,
    /// Of the ticket that it left; none where it has not run, as behind a stop rule that was broken.
    #[serde(flatten)]
    pub left: Option<Fingerprint>,
}

/// Where the run was, which decides no bit.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LockedHost {
    pub cpu: String,
    pub cores: usize,
    pub memory_gib: u64,
    pub system: String,
    /// When the first step began and the last one ended, in UTC.
    pub started: String,
    pub ended: String,
    /// Commit of the repository that held the experiment; with "+" where it had changes besides.
    pub commit: String,
    /// Seconds of all steps, one after the other.
    pub seconds: f64,
}

impl Lock {
    /// What a step's id is the hash of, as far as a lock keeps it: without keys that have no value.
    pub fn inputs(&self, step: &LockedStep) -> Option<Value> {
        let parent = match (&step.parent, step.variant) {
            (Some(parent), _) => parent.clone().into(),
            (None, Some(variant)) => {
                let LockedVariant { seed, data, model, .. } = self.variant.get(variant)?;
                json!({ "data": data, "model": model, "seed": seed, "replicate": step.replicate?, "device": self.device })
            }
            (None, None) => return None,
        };
        let mut inputs =
            json!({ "step": 1, "stage": self.stages.get(&step.stage)?, "draw": step.draw, "parent": parent });
        step.other.iter().for_each(|other| inputs["other"] = other.clone().into());
        Some(inputs)
    }

    /// Tickets and analyses, each with what addresses it.
    pub fn results(&self) -> impl Iterator<Item = &LockedTicket> {
        self.tickets.iter().chain(&self.analyses)
    }
}

#[cfg(test)]
mod tests;
