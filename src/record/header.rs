//! What is known of an experiment before any result.

use serde::{Deserialize, Serialize};

use super::About;

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
    #[serde(default, skip_serializing_if = "About::is_empty")]
    pub about: About,
    /// How to rerun it, from the repository's root: "tombola run experiments/quickstart".
    pub command: String,
}

impl Header {
    /// The data of a variant; without a sweep it is named "".
    pub fn dataset_of(&self, variant: &str) -> &DatasetFacts {
        let other = self.other_datasets.iter().find(|other| other.variants.iter().any(|name| name == variant));
        other.map_or(&self.dataset, |other| &other.facts)
    }
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
    /// What is taken of it otherwise than declared, in sentences: subsets, smaller images, noise in labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipe: Vec<String>,
    /// File name and SHA-256 of its decompressed bytes, or "md5:…" of them, or "gz-sha256:…" of the .gz.
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
