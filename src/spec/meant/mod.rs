//! An experiment as its author means it: what reading makes of a text.

mod dataset;
mod model;
mod pipeline;
mod recipe;

pub use dataset::{Checksum, DatasetSpec, FileSpec, Normalise};
pub use model::{Form, LayerSpec, ModelSpec, Usual};
pub use pipeline::{Fork, PipelineSpec, StageSpec, Stop, When, Written};
pub use recipe::{LabelNoise, NoiseKind, Subset};

use std::collections::BTreeMap;
use std::path::PathBuf;

use indexmap::IndexMap;

use super::node;
use super::quoted::Quoted;
use crate::prediction::Expression;
use crate::record::About;

/// An experiment as its author means it.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The folder's name.
    pub name: String,
    pub folder: PathBuf,
    pub title: String,
    pub question: String,
    pub replicates: u32,
    /// Matching = mean paired difference to dense ≥ −this many accuracy points ÷ 100 (default 0.002).
    pub matching: f64,
    /// How far an accuracy of a rerun on another device kind may be from the lock's, as a fraction; none where the lock's
    /// replicates say it.
    pub tolerance: Option<f64>,
    /// The cells of the sweep, one or more; a single one without a name where there is no sweep.
    pub variants: Vec<Variant>,
    pub predictions: Vec<PredictionSpec>,
    /// Who made it, and how others may use and cite it: no part of any step.
    pub about: About,
    /// What it uses of that came with the program, by its path there, as "plugins/models/lenet-300-100.toml".
    pub shipped: BTreeMap<String, String>,
}

/// One cell of a sweep: what it trains, on what and how.
#[derive(Clone, Debug)]
pub struct Variant {
    /// "width=0.5", or its own; "" without a sweep.
    pub name: String,
    /// What sets it apart from the others.
    pub settings: Vec<Setting>,
    pub seed: u64,
    pub dataset: DatasetSpec,
    pub model: ModelSpec,
    pub pipelines: IndexMap<String, PipelineSpec>,
    /// The experiment as it was written, with the variant's values.
    pub written: node::Node,
    /// The data set's declaration likewise.
    pub data: node::Node,
}

/// A field that a variant sets.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Its full path: "model.width".
    pub field: String,
    /// As written: "0.5".
    pub value: String,
    pub origin: node::Origin,
}

/// What the author expects. Its names and types are checked; that its tickets exist, only the plan can say.
#[derive(Clone, Debug, PartialEq)]
pub struct PredictionSpec {
    /// In words.
    pub claim: String,
    pub expect: Expression,
    /// Where the expression was written, for errors that only the plan can find.
    pub written: Quoted,
}
