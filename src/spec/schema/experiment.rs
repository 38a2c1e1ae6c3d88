//! The keys of an experiment, as its author writes them: what an editor says of each is its documentation here.
//!
//! A key whose value is no plain data refers to a definition, by a function in `refer`. An experiment that extends
//! another, or whose sweep gives some of its fields, need not say the rest: its tables are those of parts.

#![expect(dead_code, reason = "only their schemas are used: what is read is merged and filled in, a Spec")]

use schemars::JsonSchema;
use serde_json::{Value, json};

use super::part::part;
use super::{of, refer};
use crate::spec::{MATCHING, REPLICATES};

/// Where one of these is, others give what an experiment does not say.
const GIVERS: [&str; 3] = ["extends", "vary", "variant"];

/// What others may give a part of.
const TABLES: [&str; 4] = ["dataset", "model", "training", "pipeline"];

pub fn experiment() -> Value {
    let mut root = of::<Experiment>();
    let mut complete = json!({ "required": root["required"], "properties": {}, "additionalProperties": true });
    for table in TABLES {
        let whole = root["properties"][table].take();
        root["properties"][table] = part(whole.clone());
        complete["properties"][table] = whole;
    }
    root.as_object_mut().map(|root| root.remove("required"));
    let given = GIVERS.map(|key| json!({ "required": [key], "additionalProperties": true }));
    root["if"] = json!({ "anyOf": given });
    root["else"] = complete;
    root
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, description = "an experiment")]
struct Experiment {
    /// A shipped experiment, or a file of this folder: it says what this one does not.
    extends: Option<String>,
    /// Of what `extends` names, the keys that this experiment leaves out: `["pipeline.dense", "training.schedule"]`.
    without: Option<Vec<String>>,
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
    /// How far an accuracy of a rerun on another kind of device may be from the locked one, as a fraction: what `verify`
    /// goes by in the place of the replicates' spread.
    #[schemars(range(min = 0, max = 1))]
    tolerance: Option<f64>,
    #[schemars(schema_with = "refer::dataset")]
    dataset: Value,
    #[schemars(schema_with = "refer::model")]
    model: Value,
    #[schemars(default, schema_with = "refer::training")]
    training: Value,
    /// What is compared, by name.
    #[schemars(schema_with = "refer::pipelines")]
    pipeline: Value,
    /// A grid: each field a list of the values that it takes, every combination a variant.
    #[schemars(default)]
    vary: Vary,
    /// Variants one by one, each with the fields that it sets.
    #[schemars(default, length(min = 1))]
    variant: Vec<Variant>,
    /// What the author expects, judged in the report.
    #[schemars(default)]
    prediction: Vec<Prediction>,
    /// Who made the experiment, and how others may use and cite it: for the report, CITATION.cff and RO-Crates. It is no
    /// part of any step.
    about: Option<About>,
}

#[derive(Default, JsonSchema, serde::Serialize)]
#[schemars(deny_unknown_fields, extend("minProperties" = 1))]
struct Vary {
    #[schemars(default, length(min = 1))]
    seed: Vec<u64>,
    #[schemars(default, schema_with = "refer::varied")]
    dataset: Value,
    #[schemars(default, schema_with = "refer::varied")]
    model: Value,
    #[schemars(default, schema_with = "refer::varied")]
    training: Value,
    #[schemars(default, schema_with = "refer::varied")]
    pipeline: Value,
}

#[derive(JsonSchema, serde::Serialize)]
#[schemars(deny_unknown_fields, extend("minProperties" = 1))]
struct Variant {
    /// Where absent, what it sets: "width=0.5".
    #[schemars(length(min = 1))]
    name: Option<String>,
    seed: Option<u64>,
    #[schemars(default, schema_with = "refer::dataset_in_part")]
    dataset: Value,
    #[schemars(default, schema_with = "refer::model_in_part")]
    model: Value,
    #[schemars(default, schema_with = "refer::training_in_part")]
    training: Value,
    #[schemars(default, schema_with = "refer::pipelines_in_part")]
    pipeline: Value,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Prediction {
    /// In words.
    #[schemars(length(min = 1))]
    claim: String,
    /// When it holds: "imp.test_accuracy@13.5% >= dense.test_accuracy - 0.3%".
    expect: String,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct About {
    /// Who made the experiment, each a table with the name of a person, or of an organisation.
    #[schemars(default)]
    authors: Vec<Author>,
    /// The licence of the experiment and its results, as an SPDX expression: "CC-BY-4.0", "MIT OR Apache-2.0".
    #[schemars(length(min = 1))]
    licence: Option<String>,
    /// How to cite it, in words.
    #[schemars(length(min = 1))]
    citation: Option<String>,
    /// The experiment's own DOI, as "10.5281/zenodo.1234567".
    doi: Option<String>,
    #[schemars(default)]
    keywords: Vec<String>,
    /// Where its source is kept.
    repository: Option<String>,
    /// Its page.
    url: Option<String>,
    /// The version of the experiment, as "1.0.0".
    #[schemars(length(min = 1))]
    version: Option<String>,
    /// The day on which this version was published, as "2026-11-29".
    #[schemars(regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))]
    date: Option<String>,
}

#[derive(JsonSchema, serde::Serialize)]
#[schemars(deny_unknown_fields, extend("oneOf" = [{ "required": ["name"] }, { "required": ["organisation"] }]))]
pub struct Author {
    /// "Ada Lovelace", or "Lovelace, Ada" where the family name is not the last word.
    #[schemars(length(min = 1))]
    name: Option<String>,
    /// In place of `name`, an author who is no person: "Example University".
    #[schemars(length(min = 1))]
    organisation: Option<String>,
    /// The author's ORCID iD, as "0000-0002-1825-0097".
    #[schemars(regex(pattern = r"^(https?://orcid\.org/)?([0-9]{4}-){3}[0-9]{3}[0-9X]$"))]
    orcid: Option<String>,
    /// Where the author works.
    #[schemars(length(min = 1))]
    affiliation: Option<String>,
    /// Goes into CITATION.cff and RO-Crates, and is not shown in reports.
    email: Option<String>,
}

fn one() -> u32 {
    1
}

fn matching() -> f64 {
    MATCHING
}
