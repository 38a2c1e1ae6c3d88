//! For the tests beside: an experiment's folder, and a registry of plugins that only say what they may be given.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::node::Error;
use super::parse::parse;
use super::schema::testing::refusals;
use super::schema::{Subject, schema};
use super::{Diagnostics, Spec, load};
use crate::dataset::{Dataset, Failure, Format, Source};
use crate::registry::{Kind, Plugin, Registry, Use};
use crate::units::{Length, Rate};

/// A folder with files, named "lottery".
pub struct Experiment(TempDir);

impl Experiment {
    pub fn new(files: &[(&str, &str)]) -> Experiment {
        let experiment = Experiment(TempDir::new().unwrap());
        for (name, text) in files {
            let path = experiment.folder().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        experiment
    }

    pub fn folder(&self) -> PathBuf {
        self.0.path().join("lottery")
    }

    pub fn load(&self, overrides: &[&str]) -> Result<Spec, Diagnostics> {
        let overrides: Vec<String> = overrides.iter().map(|text| text.to_string()).collect();
        load(&self.folder(), &registry(), &overrides)
    }

    /// What the author would see, an editor having shown already what of it is about keys and types.
    pub fn errors(&self, overrides: &[&str]) -> String {
        let errors = self.load(overrides).unwrap_err();
        if overrides.is_empty() {
            self.schemas_refuse(&errors);
        }
        errors.to_string().replace(&format!("{}/", self.0.path().display()), "")
    }

    /// Holds that the schemas refuse each file in which there is an unknown key or a value of a wrong type.
    fn schemas_refuse(&self, errors: &Diagnostics) {
        let own = |error: &&Error| error.message.starts_with("unknown key") || error.message.starts_with("expected ");
        for source in errors.errors().iter().filter(own).filter_map(|error| Some(&error.origin.as_ref()?.source)) {
            let mut syntax = Diagnostics::default();
            let file = parse(source, &mut syntax);
            let Some(place) = source.name.strip_prefix(&format!("{}/", self.folder().display())) else { continue };
            // Of what is only a part of an experiment, an editor knows less than the whole.
            let is_part =
                ["extends", "vary", "variant"].iter().any(|key| file.table().is_some_and(|of| of.contains_key(*key)));
            if !syntax.is_empty() || is_part {
                continue;
            }
            let of = |subject: &Subject| match subject {
                Subject::Experiment => false,
                Subject::Declared(kind) => place.starts_with(kind.folder()),
            };
            let subject = Subject::ALL.into_iter().find(of).unwrap_or(Subject::Experiment);
            let schema = schema(subject, &registry(), None).unwrap();
            let refused = refusals(&schema, &file.deserialize().unwrap());
            assert!(!refused.is_empty(), "{place} is as the schema allows: {errors}");
        }
    }
}

/// A sound experiment's file, with one more pipeline.
pub fn experiment(more: &str) -> String {
    format!("{SOUND}\n{more}")
}

pub const SOUND: &str = r#"
title = "Lottery"

[dataset]
use = "dots"

[model]
use = "lenet-300-100"

[training]
optimizer = { use = "adam", learning_rate = 1.2e-3 }
batch_size = 60
length = "500it"
evaluate = "100it"

[pipeline.dense]
use = "dense"
"#;

pub const DOTS: &str = r#"
summary = "Dots"
licence = "CC0"
citation = "none"
folder = "dots"
format = { use = "idx" }
classes = 10
shape = [1, 28, 28]
train = 1000
test = 100
validation = 50
normalise = { mean = [0.0], std = [1.0] }
[[file]]
name = "dots.gz"
bytes = 1
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
"#;

/// The sound experiment, with more.
pub fn lottery(more: &str) -> Experiment {
    Experiment::new(&[("experiment.toml", &experiment(more)), ("datasets/dots.toml", DOTS)])
}

macro_rules! plugins {
    ($($type:ident $name:literal [$(($field:literal, $kind:ident)),*] {
        $($(#[$attribute:meta])* $key:ident: $value:ty,)*
    })*) => { $(
        #[derive(Deserialize, Serialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $type { $($(#[$attribute])* $key: $value,)* }

        impl Plugin for $type {
            const NAME: &'static str = $name;
            const VERSION: u32 = 1;
            const SUMMARY: &'static str = "";
            const REFERENCES: &'static [(&'static str, Kind)] = &[$(($field, Kind::$kind)),*];
        }
    )* };
}

plugins! {
    InitStage "init" [("init", Init)] { init: Option<Use>, }
    Train "train" [("optimizer", Optimizer), ("schedule", Schedule), ("learn", Learn)] {
        optimizer: Use,
        #[serde(default = "constant")] schedule: Use,
        batch_size: u32,
        length: Length,
        evaluate: Length,
        learn: Option<Use>,
        #[serde(default)] order: String,
        further: Option<bool>,
    }
    Prune "prune" [("criterion", Criterion)] { criterion: Use, rate: Rates, #[serde(default)] scope: Scope, }
    PruneUnits "prune-units" [] { rate: Rates, norm: Option<String>, }
    Anatomy "anatomy" [] {}
    Connectivity "connectivity" [("optimizer", Optimizer), ("schedule", Schedule)] {
        points: Option<usize>,
        optimizer: Use,
        schedule: Option<Use>,
        batch_size: u32,
        length: Length,
        evaluate: Length,
    }
    Lottery "lottery" [("init", Init)] {
        weights_remaining: Rate,
        masks: Option<usize>,
        threshold: Option<f64>,
        examples: Option<usize>,
        best_of: Option<Vec<usize>>,
        init: Option<Use>,
    }
    Overlap "overlap" [] {}
    Shrink "shrink" [] {}
    Reinit "reinit" [("init", Init)] { init: Option<Use>, }
    Shuffle "shuffle" [] {}
    Adam "adam" [] { learning_rate: f64, #[serde(default = "epsilon")] epsilon: f64, }
    Sgd "sgd" [] { learning_rate: f64, #[serde(default)] momentum: f64, #[serde(default)] weight_decay: f64, }
    Constant "constant" [] {}
    Cosine "cosine" [] {}
    Weights "weights" [] {}
    Gradual "gradual" [("criterion", Criterion)] {
        weights_remaining: Rates,
        begin: Option<Length>,
        end: Length,
        every: Option<Length>,
        criterion: Option<Use>,
        scope: Option<Scope>,
    }
    EdgePopup "edge-popup" [("scores", Init)] { weights_remaining: Rate, scores: Use, }
    Linear "linear" [] { units: usize, #[serde(default = "one")] width: f64, #[serde(default = "yes")] bias: bool, }
    Relu "relu" [] {}
    Flatten "flatten" [] {}
    GlorotNormal "glorot-normal" [] {}
    KaimingNormal "kaiming-normal" [] { scale_fan: Option<Rate>, }
    KaimingUniform "kaiming-uniform" [] {}
    SignedKaimingConstant "signed-kaiming-constant" [] {}
    Zeros "zeros" [] {}
    Magnitude "magnitude" [] {}
    Random "random" [] {}
    Idx "idx" [] {}
}

#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Scope {
    #[default]
    Layer,
    Global,
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(untagged, expecting = "expected a rate from 0 to 1, or a table of them by layer kind")]
enum Rates {
    One(Rate),
    ByKind { conv: Option<Rate>, linear: Option<Rate>, output: Option<Rate> },
}

/// Written as a table, or as the point alone.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(from = "Point")]
struct Rewind {
    to: Length,
    #[serde(skip_serializing_if = "Option::is_none")]
    only: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a position such as \"500it\", or a table with `to`")]
enum Point {
    Alone(Length),
    Table { to: Length, only: Option<String> },
}

impl From<Point> for Rewind {
    fn from(point: Point) -> Rewind {
        match point {
            Point::Alone(to) => Rewind { to, only: None },
            Point::Table { to, only } => Rewind { to, only },
        }
    }
}

impl Plugin for Rewind {
    const NAME: &'static str = "rewind";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "";
}

fn constant() -> Use {
    Use { name: "constant".into(), config: serde_json::json!({}), version: 1 }
}

fn epsilon() -> f64 {
    1e-8
}

fn one() -> f64 {
    1.0
}

fn yes() -> bool {
    true
}

macro_rules! registered {
    ($($shelf:ident $kind:ident: $($type:ident)*;)*) => {{
        let mut registry = Registry::default();
        $($(registry.$shelf.add::<$type>(Kind::$kind, |_| unreachable!("the spec builds nothing"));)*)*
        registry
    }};
}

pub fn registry() -> Registry {
    registered! {
        stages Stage: InitStage Train Prune Rewind Reinit Shuffle PruneUnits Anatomy Connectivity Lottery Overlap Shrink;
        optimizers Optimizer: Adam Sgd;
        schedules Schedule: Constant Cosine;
        learns Learn: Weights EdgePopup Gradual;
        layers Layer: Linear Relu Flatten;
        inits Init: GlorotNormal KaimingNormal KaimingUniform SignedKaimingConstant Zeros;
        criteria Criterion: Magnitude Random;
    }
    .format::<Idx>()
}

/// The spec asks a format whether what is declared fits.
impl Format for Idx {
    fn read(&self, _: &Source<'_>) -> Result<Dataset, Failure> {
        unreachable!("the spec reads no data")
    }
}
