//! A criterion of one's own, registered beside those that ship:
//!
//!     cargo run --release --example own_criterion -- run examples/own-criterion

use std::process::ExitCode;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tombola::criterion::{Criterion, Weights};
use tombola::registry::{Plugin, Registry};

/// Keeps the weights of smallest magnitude: what magnitude pruning should beat.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Smallest {}

impl Plugin for Smallest {
    const NAME: &'static str = "smallest";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Keeps the weights of smallest magnitude";
}

impl Criterion for Smallest {
    fn scores(&self, weights: &Weights<'_>) -> Vec<f32> {
        weights.values.iter().map(|w| -w.abs()).collect()
    }
}

fn main() -> ExitCode {
    tombola::cli::main(Registry::builtin().criterion::<Smallest>())
}
