//! What was typed: an experiment's TOML, merged with the shipped and local plugins that it uses, checked, every
//! default filled in. This module only reads.

pub mod catalogue;
mod changes;
mod dataset;
mod de;
mod depth;
pub mod diagnostic;
mod experiment;
mod extends;
mod fields;
#[cfg(test)]
mod fixture;
mod folder;
#[cfg(test)]
mod gallery;
mod layers;
mod listed;
mod merge;
mod model;
pub mod node;
mod overlay;
mod parse;
mod pipeline;
mod pipelines;
mod prediction;
mod quoted;
mod resolve;
mod resolved;
pub mod schema;
mod set;
mod shipped;
mod spelling;
mod syntax;
mod template;
mod toml_text;
mod training;
mod unclosed;
mod unused;
mod variant_name;
mod variants;
mod vary;
mod without;

pub use diagnostic::Diagnostics;
pub use experiment::{Reading, load, read};
pub use quoted::Quoted;
pub use resolved::resolved;
pub use shipped::{experiments, shipped_experiment};
pub use variants::blamed;

use std::path::PathBuf;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::prediction::Expression;
use crate::registry::Use;
use crate::units::Rate;
use crate::unseen::is_harmful;

/// Replicates that an experiment may ask for.
pub const REPLICATES: u32 = 10_000;

/// The default of `matching`.
pub const MATCHING: f64 = 0.002;

/// The initialiser where neither experiment nor model names one.
pub const INIT: &str = "kaiming-normal";

/// More repetitions than any ladder of tickets, or any model, has.
pub const TIMES: u32 = 1000;

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
    /// The cells of the sweep, one or more; a single one without a name where there is no sweep.
    pub variants: Vec<Variant>,
    pub predictions: Vec<PredictionSpec>,
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

/// A data set's declaration, with how this experiment splits it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, description = "a data set")]
pub struct DatasetSpec {
    #[schemars(skip)]
    pub name: String,
    /// A line for `list`.
    #[schemars(default)]
    pub summary: String,
    #[schemars(default)]
    pub licence: String,
    #[schemars(default)]
    pub citation: String,
    /// Where its owners describe it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub homepage: Option<String>,
    /// The folder, below a data directory, that holds the files.
    #[schemars(length(min = 1))]
    pub folder: String,
    /// Addresses that end in "/": a file is at mirror + its name.
    #[serde(default)]
    pub mirrors: Vec<String>,
    /// The Debian package that installs the files below /usr/share/datasets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debian_package: Option<String>,
    /// How the files are read.
    #[schemars(schema_with = "schema::format")]
    pub format: Use,
    /// Each file by its name and what it must hold.
    #[serde(rename = "file")]
    pub files: Vec<FileSpec>,
    /// Labels are 0 to classes − 1.
    #[schemars(range(min = 1))]
    pub classes: usize,
    /// Channels, height, width.
    #[schemars(inner(range(min = 1)))]
    pub shape: [usize; 3],
    /// Examples in the training split, before validation examples are taken from it.
    #[schemars(range(min = 1))]
    pub train: usize,
    /// Examples in the test split.
    #[schemars(range(min = 1))]
    pub test: usize,
    /// Pixel byte p becomes (p ÷ 255 − mean) ÷ std, channel by channel.
    pub normalise: Normalise,
    /// Validation examples, drawn from the training split by class.
    #[schemars(range(min = 1))]
    pub validation: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct FileSpec {
    /// The name as distributed; it is found with or without ".gz".
    #[schemars(length(min = 1))]
    pub name: String,
    /// SHA-256 of the decompressed bytes.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub sha256: String,
    /// Number of decompressed bytes.
    pub bytes: u64,
}

/// Pixel byte p becomes (p ÷ 255 − mean) ÷ std, channel by channel.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Normalise {
    pub mean: Vec<f32>,
    pub std: Vec<f32>,
}

#[derive(Clone, Debug, PartialEq, JsonSchema)]
#[schemars(deny_unknown_fields, description = "a model")]
pub struct ModelSpec {
    /// What tables and figures call it.
    #[schemars(default)]
    pub name: String,
    /// A line for `list`.
    #[schemars(default)]
    pub summary: String,
    /// The paper and section.
    #[schemars(default)]
    pub source: String,
    /// From input to output.
    #[schemars(rename = "layer", schema_with = "schema::layers")]
    pub layers: Vec<LayerSpec>,
    /// The initialiser of weight tensors.
    #[schemars(default = "init_by_default", schema_with = "schema::init")]
    pub init: Use,
    /// `None` where neither experiment nor model names one.
    #[schemars(skip)]
    pub init_written: Option<node::Node>,
    /// Where the experiment names it; `None` where it is written out there.
    #[schemars(skip)]
    pub used: Option<node::Origin>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LayerSpec {
    /// As written, or the layer's kind and its number among its kind: "linear1". In a block, after the block's:
    /// "block2.conv1".
    pub name: String,
    pub form: Form,
    /// Where it was written, for errors about shapes.
    pub origin: node::Origin,
    /// Its configuration as it was written.
    pub written: node::Node,
}

/// What a layer is. Repetitions are written out.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    One(Use),
    /// y = layers(x) + shortcut(x); where the shortcut is empty, y = layers(x) + x.
    Residual {
        layers: Vec<LayerSpec>,
        shortcut: Vec<LayerSpec>,
    },
}

impl LayerSpec {
    /// The layer itself, after those that it is made of, in graph order.
    pub fn walk(&self) -> Vec<&LayerSpec> {
        let within = match &self.form {
            Form::One(_) => Vec::new(),
            Form::Residual { layers, shortcut } => layers.iter().chain(shortcut).flat_map(LayerSpec::walk).collect(),
        };
        within.into_iter().chain([self]).collect()
    }
}

impl ModelSpec {
    /// Every layer and block in graph order, each block after its layers.
    pub fn walk(&self) -> impl Iterator<Item = &LayerSpec> {
        self.layers.iter().flat_map(LayerSpec::walk)
    }
}

#[derive(Clone, Debug, PartialEq, JsonSchema)]
#[schemars(deny_unknown_fields, description = "a pipeline: one method of the comparison")]
pub struct PipelineSpec {
    #[schemars(skip)]
    pub name: String,
    /// The pipeline it uses, "" where it is written out in the experiment.
    #[schemars(skip)]
    pub uses: String,
    /// A line for `list`.
    #[schemars(default)]
    pub summary: String,
    /// The paper and section.
    #[schemars(default)]
    pub source: String,
    /// Of a control: which tickets it begins from.
    pub fork: Option<Fork>,
    /// What is done to a ticket, in order.
    #[schemars(rename = "stage", schema_with = "schema::stage_list")]
    pub stages: Vec<StageSpec>,
    /// Where it was written, for errors that only the plan can find.
    #[schemars(skip)]
    pub origin: node::Origin,
}

/// A control forks from tickets of another pipeline, before their training.
#[derive(Clone, Debug, PartialEq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Fork {
    /// The pipeline whose tickets are forked.
    pub each: String,
    /// Levels to fork from, all from 1 up where absent.
    #[schemars(length(min = 1), inner(range(min = 1)))]
    pub at: Option<Vec<u32>>,
    /// Where the levels were written, or `each` where they were not.
    #[schemars(skip)]
    pub at_origin: node::Origin,
    /// How many times each fork is drawn.
    #[schemars(default = "one", range(min = 1, max = TIMES))]
    pub times: u32,
    #[schemars(skip)]
    pub origin: node::Origin,
    /// `each`, `at` and `times` as they were written.
    #[schemars(skip)]
    pub written: node::Node,
}

#[derive(Clone, Debug, PartialEq)]
pub enum StageSpec {
    One(Use, Written),
    /// Stages repeated up to `times`, or until a stop rule holds, whichever comes first.
    Repeat {
        times: u32,
        until: Stop,
        stages: Vec<StageSpec>,
        /// `times` and `until` as they were written.
        written: node::Node,
    },
    /// Independent branches from the same ticket, as `foreach` makes them of a list.
    Branch(Vec<Vec<StageSpec>>),
}

/// Where a stage was written, and its configuration with what `[training]` and its user add.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    pub origin: node::Origin,
    pub config: node::Node,
}

/// Ends a repeat, whichever holds first.
#[derive(Clone, Copy, Debug, Default, PartialEq, JsonSchema)]
#[schemars(deny_unknown_fields, extend("minProperties" = 1))]
pub struct Stop {
    /// After the first level whose weights remaining are at or below this.
    pub weights_remaining: Option<Rate>,
    /// After the first level whose validation accuracy at early stop is more than this below level 0's, in absolute
    /// points ÷ 100.
    #[schemars(range(min = 0, max = 1))]
    pub accuracy_drop: Option<f64>,
}

fn one() -> u32 {
    1
}

fn init_by_default() -> &'static str {
    INIT
}

/// What `is_name` asks for.
const NAME: &str = "use letters, digits, `-` and `_`, at most 64, a letter or digit first";

/// Whether a text is safe as a part of paths, and easy to type: ASCII letters, digits, `-` and `_`, at most 64, the
/// first no sign.
pub fn is_name(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    text.len() <= 64 && text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(word)
}

/// Whether a text may name a variant: predictions write it in brackets, reports in lines.
fn is_variant_name(text: &str) -> bool {
    let fits = |c: char| !c.is_control() && !is_harmful(c) && !matches!(c, '[' | ']');
    (1..=64).contains(&text.chars().count()) && text.trim() == text && text.chars().all(fits)
}
