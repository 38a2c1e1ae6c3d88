//! The keys of an experiment, as its author writes them: what an editor says of each is its documentation here.
//!
//! A key whose value is no plain data refers to a definition, by a function in `refer`.

#![expect(dead_code, reason = "only their schemas are used: what is read is merged and filled in, a Spec")]

use schemars::JsonSchema;
use serde_json::Value;

use super::refer;
use crate::spec::{MATCHING, REPLICATES};

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, description = "an experiment")]
pub struct Experiment {
    /// The report's heading.
    title: String,
    /// What the experiment is to find out.
    #[schemars(default)]
    question: String,
    /// Independent repeats, each with its own initial weights, data order and draws.
    #[schemars(default = "one", range(min = 1, max = REPLICATES))]
    replicates: u32,
    /// What every random draw of the experiment comes from.
    #[schemars(default = "one")]
    seed: u64,
    /// A ticket is matching where its mean paired difference to dense is at least −this many accuracy points ÷ 100.
    #[schemars(default = "matching", range(min = 0, max = 1))]
    matching: f64,
    #[schemars(schema_with = "refer::dataset")]
    dataset: Value,
    #[schemars(schema_with = "refer::model")]
    model: Value,
    #[schemars(default, schema_with = "refer::training")]
    training: Value,
    /// What is compared, by name.
    #[schemars(schema_with = "refer::pipelines")]
    pipeline: Value,
    /// What the author expects, judged in the report.
    #[schemars(default)]
    prediction: Vec<Prediction>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Prediction {
    /// In words.
    #[schemars(length(min = 1))]
    claim: String,
    /// When it holds: "imp.test_accuracy@13.5% >= dense.test_accuracy - 0.3%".
    expect: String,
}

fn one() -> u32 {
    1
}

fn matching() -> f64 {
    MATCHING
}
