//! What was typed: an experiment's TOML, merged with the shipped and local plugins that it uses, checked, every
//! default filled in. This module only reads.

mod about;
pub mod catalogue;
mod changes;
mod dataset;
mod de;
mod declaration;
mod depth;
pub mod diagnostic;
mod experiment;
mod extends;
mod fields;
#[cfg(test)]
mod fixture;
mod folder;
mod formula;
#[cfg(test)]
mod gallery;
mod layers;
mod licence;
mod listed;
mod meant;
mod merge;
mod model;
mod names;
pub mod node;
mod overlay;
mod parse;
mod pipeline;
mod pipelines;
mod prediction;
mod quoted;
mod reading;
mod recipe;
mod resolve;
mod resolved;
pub mod schema;
mod set;
mod shipped;
mod spelling;
mod stages;
mod syntax;
mod template;
pub mod toml_text;
mod training;
mod unclosed;
mod unused;
mod variant_name;
mod variants;
mod vary;
mod without;

pub use diagnostic::Diagnostics;
pub use meant::{
    Checksum, DatasetSpec, FileSpec, Fork, Form, LabelNoise, LayerSpec, ModelSpec, NoiseKind, Normalise, PipelineSpec,
    PredictionSpec, Setting, Spec, StageSpec, Stop, Subset, Usual, Variant, When, Written,
};
pub use names::is_name;
pub use quoted::Quoted;
pub use reading::{Reading, load, read};
pub use resolved::resolved;
pub use shipped::{experiments, shipped_experiment, shipped_text};
pub use variants::blamed;

use dataset::is_address;
use names::{NAME, is_variant_name};

/// Replicates that an experiment may ask for.
pub const REPLICATES: u32 = 10_000;

/// The default of `matching`.
pub const MATCHING: f64 = 0.002;

/// The initialiser where neither experiment nor model names one.
pub const INIT: &str = "kaiming-normal";

/// More repetitions than any ladder of tickets, or any model, has.
pub const TIMES: u32 = 1000;
