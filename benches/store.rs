//! Fabricates an experiment of 100,000 steps and its store, records of 1 GB, as if it had run: to see that `plan`, `run`
//! and `report` stay usable there. `cargo bench --bench store -- FOLDER`; benches/README.md says what to measure.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use tombola::plan::{Plan, Step, plan};
use tombola::record::{Curve, LayerCount, Provenance, Record, Scores, TrainingRecord};
use tombola::registry::Registry;
use tombola::run::{Store, provenance};
use tombola::seed::{Purpose, Seeds, Stream};
use tombola::ticket::{Array, Ticket};
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
    fill(&plan, &folder, &provenance(&experiment, &compute.kind))?;
    println!("{} steps in {}", plan.steps.len(), folder.join("runs").display());
    Ok(())
}

/// Puts every step. Writing waits for the disk: many threads wait together.
fn fill(plan: &Plan, folder: &Path, provenance: &Provenance) -> Result<(), String> {
    let store = Store::open(&folder.join("runs"));
    store.prepare()?;
    let ticket = ticket(plan);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(32).build().map_err(|e| e.to_string())?;
    let put = |step: &Step| store.put(&plan.inputs(step), &record(plan, step, provenance), &ticket, &[]);
    pool.install(|| plan.steps.par_iter().try_for_each(put))
}

fn ticket(plan: &Plan) -> Ticket {
    let zeros = plan.variants[0].model.params.iter().map(|param| (param.name.clone(), Array::zeros(&param.shape)));
    Ticket { arrays: zeros.collect(), ..Ticket::default() }
}

fn record(plan: &Plan, step: &Step, provenance: &Provenance) -> Record {
    let mut stream = Seeds { seed: 1, replicate: None }.stream(Purpose::Noise, &step.id);
    let layers = plan.variants[0].model.prunable().zip(&step.layers).map(|((param, kind), layer)| LayerCount {
        name: param.name.clone(),
        kind: kind.to_string(),
        kept: layer.kept,
        prunable: layer.prunable,
    });
    let trained = step.iterations > 0;
    Record {
        step: step.id.clone(),
        stage: step.stage.name.clone(),
        parent: step.parent.map(|parent| plan.steps[parent].id.clone()),
        layers: layers.collect(),
        training: trained.then(|| training(step, &mut stream)),
        scores: trained.then(|| scores(&mut stream)),
        seconds: 100.0 * stream.uniform(),
        provenance: Provenance { started: "2026-01-01T00:00:00Z".into(), ..provenance.clone() },
    }
}

/// A curve as trainings have them: figures of all the digits that an `f32` has.
fn training(step: &Step, stream: &mut Stream) -> TrainingRecord {
    let iteration: Vec<u64> = (step.position..=step.position + step.iterations).step_by(100).collect();
    let mut column = || iteration.iter().map(|_| Some(0.9 + 0.1 * stream.uniform() as f32)).collect();
    let curve = Curve {
        train_loss: column(),
        train_accuracy: column(),
        validation_loss: column(),
        validation_accuracy: column(),
        iteration: Vec::new(),
    };
    let curve = Curve { iteration, ..curve };
    let (learned, from) = ("weights".into(), step.position);
    TrainingRecord { learned, from, to: from + step.iterations, curve, diverged: None }
}

fn scores(stream: &mut Stream) -> Scores {
    let accuracy = 0.9 + 0.1 * stream.uniform();
    Scores {
        early_stop_iteration: 100 * stream.below(401),
        validation_loss: stream.uniform(),
        validation_accuracy: accuracy,
        test_loss: stream.uniform(),
        test_accuracy: accuracy,
        final_train_accuracy: accuracy,
        final_validation_accuracy: accuracy,
        final_test_accuracy: accuracy,
    }
}
