//! A store of steps that never ran, with records and curves such as trainings leave.

use std::path::Path;

use rayon::prelude::*;
use tombola::plan::{Plan, Step};
use tombola::record::{Curve, LayerCount, Provenance, Record, Scores, TrainingRecord};
use tombola::run::Store;
use tombola::seed::{Purpose, Seeds, Stream};
use tombola::ticket::{Array, Ticket};

/// Puts every step. Writing waits for the disk: many threads wait together.
pub fn fill(plan: &Plan, store: &Path, provenance: &Provenance) -> Result<(), String> {
    let store = Store::open(store);
    store.prepare()?;
    let ticket = ticket(plan);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(32).build().map_err(|e| e.to_string())?;
    let put = |step: &Step| store.put(&plan.inputs(step), &record(plan, step, provenance), &ticket, &[]).map(drop);
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
        fingerprint: None,
        training: trained.then(|| training(step, &mut stream)),
        scores: trained.then(|| scores(&mut stream)),
        measured: Vec::new(),
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
        validation_accuracy: Some(accuracy),
        test_loss: stream.uniform(),
        test_accuracy: accuracy,
        final_train_accuracy: accuracy,
        final_validation_accuracy: Some(accuracy),
        final_test_accuracy: accuracy,
    }
}
