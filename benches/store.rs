//! Fabricates an experiment of 100,000 steps and its store, records of 1 GB, as if it had run: to see that `plan`, `run`
//! and `report` stay usable there. `cargo bench --bench store -- FOLDER`; benches/README.md says what to measure.

mod fabricated;

use std::path::PathBuf;

use tombola::plan::plan;
use tombola::registry::Registry;
use tombola::run::provenance;
use tombola::{device, spec};

const SPEC: &str = r#"
title = "A store of 100,000 steps"
replicates = 1925
dataset = { use = "mnist-10k" }
model = { init = "glorot-normal", layer = [{ flatten = {} }, { linear = { units = "{classes}" }, name = "out" }] }

[training]
optimizer = { use = "adam", learning_rate = 1.2e-3 }
batch_size = 60
length = "40000it"
evaluate = "100it"

[pipeline.dense]
use = "dense"
[pipeline.imp]
use = "imp"
levels = 10
[pipeline.reinitialise]
use = "reinitialise"
each = "imp"
"#;

fn main() -> Result<(), String> {
    let folder = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    // Without a folder there is nothing to do: a plain `cargo bench` passes here.
    let Some(folder) = folder.map(PathBuf::from) else { return Ok(()) };
    let registry = Registry::builtin();
    let experiment = folder.join("edges");
    std::fs::create_dir_all(&experiment).map_err(|e| e.to_string())?;
    std::fs::write(experiment.join("experiment.toml"), SPEC).map_err(|e| e.to_string())?;
    let spec = spec::load(&experiment, &registry, &[]).map_err(|e| e.to_string())?;
    let compute = device::open("cpu")?;
    let plan = plan(&spec, &registry, &compute.kind).map_err(|e| e.to_string())?;
    fabricated::fill(&plan, &folder.join("runs"), &provenance(&experiment, &spec.name, &compute.kind))?;
    println!("{} steps in {}", plan.steps.len(), folder.join("runs").display());
    Ok(())
}
