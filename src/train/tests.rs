//! A small network on real digits, looked at after every step.

mod edge_popup;
mod elsewhere;
mod gradual;
mod resume;
mod units;

use std::sync::Arc;

use serde_json::{Value, json};

use super::feed::Split;
use super::moves::Found;
use super::run::Run;
use super::{Bench, Start, tensors};
use crate::augment::Augmentation;
use crate::dataset::{Dataset, Examples, Pixels, Prepared};
use crate::device::{self, Compute};
use crate::kernel::gradient::collect;
use crate::layer::Role;
use crate::mask::Mask;
use crate::model::Model;
use crate::record::EarlyStop;
use crate::registry::{Registry, Use};
use crate::schedule::Course;
use crate::schedule::constant::Constant;
use crate::seed::{Purpose, Seeds};
use crate::stage::{Train, Training};
use crate::ticket::{Array, Ticket};

const FLAT: &str = r#"
  { flatten = {} },
  { linear = { units = 6 }, name = "fc1" },
  { relu = {} },
"#;

/// Every layer that moves something of its own, and those between.
const IMAGES: &str = r#"
  { max-pool = { window = 4 } },
  { conv = { channels = 4 } },
  { batch-norm = {} },
  { relu = {} },
  { residual = { layers = [{ conv = { channels = 4 } }, { batch-norm = {} }] } },
  { average-pool = {} },
  { residual = {
    layers = [{ conv = { channels = 6, stride = 2, bias = false } }, { batch-norm = {} }],
    shortcut = [{ conv = { channels = 6, kernel = 1, stride = 2 } }],
  } },
  { global-average-pool = {} },
"#;

const SPEC: &str = r#"
title = "Small"
dataset = { use = "mnist-10k" }
model = { init = "glorot-normal", layer = [
LAYERS
  { linear = { units = "{classes}" }, name = "out" },
] }
training = { optimizer = { use = "adam", learning_rate = 0.1 }, batch_size = 8, length = "10it", evaluate = "5it" }
pipeline.dense.use = "dense"
"#;

struct Small {
    registry: Registry,
    model: Model,
    data: Prepared,
    compute: Compute,
}

impl Small {
    fn new() -> Small {
        Small::of(FLAT)
    }

    /// With these layers before the last.
    fn of(layers: &str) -> Small {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("small")).unwrap();
        std::fs::write(folder.path().join("small/experiment.toml"), SPEC.replace("LAYERS", layers)).unwrap();
        let registry = Registry::builtin();
        let spec = crate::spec::load(&folder.path().join("small"), &registry, &[]).unwrap_or_else(|e| panic!("{e}"));
        let plan = crate::plan::plan(&spec, &registry, "any").unwrap_or_else(|e| panic!("{e}"));
        let data = Prepared::load(&spec.variants[0].dataset, 1, &registry, &[]).unwrap();
        Small { registry, model: plan.variants[0].model.clone(), data, compute: device::open("cpu").unwrap() }
    }

    /// On another device.
    fn on(self, compute: Compute) -> Small {
        Small { compute, ..self }
    }

    fn bench(&self) -> Bench<'_> {
        let (model, data, compute, registry) = (&self.model, &self.data, &self.compute, &self.registry);
        Bench::new(model, data, compute, registry, &|_| true)
    }

    fn training(&self, optimizer: Value, learn: Value) -> Training {
        let used = |name: &str, mut config: Value| {
            let name =
                config.as_object_mut().unwrap().remove("use").map_or(name.into(), |n| n.as_str().unwrap().into());
            Use { name, config, version: 1 }
        };
        let train = Train {
            optimizer: used("", optimizer),
            schedule: used("cosine", json!({})),
            batch_size: 8,
            length: "30it".parse().unwrap(),
            evaluate: "30it".parse().unwrap(),
            learn: used("weights", learn),
            order: String::new(),
            further: None,
            augment: None,
            label_smoothing: None,
            early_stop: EarlyStop::default(),
        };
        train.resolve(&self.registry, self.data.split.train.len() as u64, 0).unwrap()
    }

    /// Values between −½ and ½, scales and buffers where they start, and a mask that keeps every third weight.
    fn ticket(&self, keeps: impl Fn(usize) -> bool) -> Ticket {
        let mut ticket = Ticket::default();
        for param in &self.model.params {
            let mut stream = SEEDS.stream(Purpose::Init, &param.name);
            let values = match param.role {
                Role::Scale | Role::Buffer { .. } => vec![param.role.start().unwrap(); param.len()],
                _ => (0..param.len()).map(|_| stream.uniform() as f32 - 0.5).collect(),
            };
            ticket.arrays.insert(param.name.clone(), Array { shape: param.shape.clone(), values });
            if param.kind.is_some() {
                ticket.masks.insert(param.name.clone(), Mask::from_fn(param.len(), &keeps));
            }
        }
        ticket
    }
}

const SEEDS: Seeds = Seeds { seed: 1, replicate: Some(0) };
const START: Start<'_> = Start { position: 0, seeds: SEEDS, snapshots: &[] };

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn a_masked_weight_stays_zero_after_every_step_with_decay_and_momentum() {
    let small = Small::new();
    let bench = small.bench();
    for optimizer in [
        json!({ "use": "adam", "learning_rate": 0.01, "weight_decay": 0.1 }),
        json!({ "use": "sgd", "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.1 }),
    ] {
        let training = small.training(optimizer, json!({}));
        let begun = small.ticket(|i| i % 3 == 0);
        let mut run = Run::begin(&bench, begun.clone(), &training, &START).unwrap();
        for iteration in 1..=30 {
            assert_eq!(run.to(iteration).unwrap(), None);
            let ticket = run.ticket(&run.state().unwrap());
            assert_eq!((ticket.violations(), &ticket.masks), (0, &begun.masks), "after step {iteration}");
        }
        let (before, after) = (&begun.arrays["out.weight"].values, run.ticket(&run.state().unwrap()));
        let moved = (0..60).filter(|i| after.arrays["out.weight"].values[*i] != before[*i]).count();
        assert_eq!(moved, 60, "kept weights train, masked ones became 0");
    }
}

#[test]
fn gradients_are_the_slopes_of_the_mean_loss() {
    let small = Small::new();
    let bench = small.bench();
    let rate = 1e-3;
    let mut training = small.training(json!({ "use": "sgd", "learning_rate": rate }), json!({}));
    training.schedule = Course::start(&Use::with_defaults::<Constant>(), &small.registry).unwrap();
    // One batch of the whole split: then the training's loss is the split's.
    training.batch_size = small.data.split.train.len();
    let begun = small.ticket(|_| true);
    let mut run = Run::begin(&bench, begun.clone(), &training, &START).unwrap();
    run.to(1).unwrap();
    let stepped = run.ticket(&run.state().unwrap());
    let loss = |name: &str, i: usize, change: f32| {
        let mut ticket = begun.clone();
        ticket.arrays[name].values[i] += change;
        let values: Vec<Vec<f32>> = ticket.arrays.into_values().map(|array| array.values).collect();
        let params = tensors(&values, &small.compute.plain);
        bench.sweep(bench.model, &params, (Split::Train, usize::MAX)).unwrap().mean_loss()
    };
    // Pixel 406 is in the middle of the image.
    for (name, i) in [("fc1.weight", 406 * 6), ("fc1.bias", 2), ("out.weight", 7), ("out.weight", 41), ("out.bias", 3)]
    {
        let moved = f64::from(begun.arrays[name].values[i]) - f64::from(stepped.arrays[name].values[i]);
        let slope = (loss(name, i, 0.01) - loss(name, i, -0.01)) / 0.02;
        assert!(
            (moved / rate - slope).abs() < 2e-3 * slope.abs().max(0.1),
            "{name}[{i}]: {} and {slope}",
            moved / rate
        );
    }
}

#[test]
fn images_are_changed_anew_in_each_iteration_and_the_same_wherever_they_rest() {
    let mut small = Small::new();
    let used = |name: &str, config: Value| Use { name: name.into(), config, version: 1 };
    let augment = [used("crop", json!({ "padding": 4 })), used("flip", json!({ "probability": 0.5 }))];
    let mut training = small.training(json!({ "use": "sgd", "learning_rate": 0.1 }), json!({}));
    let plain = training.clone();
    training.augmentation = Augmentation::build(&augment, &small.registry).unwrap();
    training.label_smoothing = 0.1;
    let begun = small.ticket(|_| true);
    let trained = |small: &Small, training: &Training| {
        let bench = small.bench();
        let mut run = Run::begin(&bench, begun.clone(), training, &START).unwrap();
        run.to(5).unwrap();
        run.ticket(&run.state().unwrap()).arrays["out.weight"].values.clone()
    };
    let here = trained(&small, &training);
    assert_eq!(bits(&here), bits(&trained(&small, &training)));
    assert_ne!(here, trained(&small, &plain));
    small.compute.hosted = false;
    let elsewhere = trained(&small, &training);
    assert!(here.iter().zip(&elsewhere).all(|(a, b)| (a - b).abs() < 1e-5), "{here:?} and {elsewhere:?}");
}

#[test]
fn images_of_a_mapped_file_train_as_those_in_memory_wherever_tensors_rest() {
    let begun = Small::new().ticket(|_| true);
    let trained = |hosted: bool, mapped: bool| {
        let mut small = Small::new();
        small.compute.hosted = hosted;
        if mapped {
            let Dataset { train, test } = (*small.data.dataset).clone();
            let mut file = memmap2::MmapMut::map_anon(train.pixels.len() + 7).unwrap();
            file[7..].copy_from_slice(&train.pixels);
            let (file, end) = (Arc::new(file.make_read_only().unwrap()), train.pixels.len() + 7);
            let train = Examples { pixels: Pixels::mapped(file, 7..end).unwrap(), ..train };
            small.data.dataset = Arc::new(Dataset { train, test });
        }
        let training = small.training(json!({ "use": "sgd", "learning_rate": 0.1 }), json!({}));
        let bench = small.bench();
        let mut run = Run::begin(&bench, begun.clone(), &training, &START).unwrap();
        run.to(5).unwrap();
        bits(&run.ticket(&run.state().unwrap()).arrays["out.weight"].values)
    };
    assert_eq!(trained(true, true), trained(true, false));
    assert_eq!(trained(false, true), trained(false, false));
}

#[test]
fn gradients_of_convolutions_pools_and_normalisation_are_the_slopes_of_the_batches_loss() {
    let small = Small::of(IMAGES);
    let bench = small.bench();
    let mut training = small.training(json!({ "use": "sgd", "learning_rate": 0.1 }), json!({}));
    training.batch_size = 256;
    let begun = small.ticket(|_| true);
    let slope = |ticket: Ticket| Run::begin(&bench, ticket, &training, &START).unwrap().slope().unwrap();
    let loss = |name: &str, i: usize, change: f32| {
        let mut ticket = begun.clone();
        ticket.arrays[name].values[i] += change;
        slope(ticket).tally.mean_loss()
    };
    let gradients = slope(begun.clone()).gradients;
    for (param, gradient) in small.model.params.iter().zip(gradients) {
        let Some(gradient) = gradient else {
            assert!(!param.role.is_trained(), "{}", param.name);
            continue;
        };
        let gradient = match gradient {
            Found::Whole(gradient) => device::fetched(*gradient).unwrap(),
            Found::Late(late) => collect(late.get().unwrap(), &begun.arrays[&param.name].values),
        };
        for i in [0, param.len() / 2, param.len() - 1] {
            let by_difference = (loss(&param.name, i, 0.004) - loss(&param.name, i, -0.004)) / 0.008;
            let found = f64::from(gradient[i]);
            assert!(
                (found - by_difference).abs() < 0.01 * by_difference.abs().max(0.05),
                "{}[{i}]: {found} and {by_difference}",
                param.name
            );
        }
    }
}

/// The devices that are built in, used as though their memory were not the host's.
fn elsewhere() -> impl Iterator<Item = Compute> {
    ["cpu", "libtorch"].into_iter().filter_map(|name| device::open(name).ok()).map(Compute::as_elsewhere)
}

fn gradual(scope: &str) -> Value {
    let criterion = json!({ "use": "magnitude", "config": {}, "version": 1 });
    json!({
        "use": "gradual", "weights_remaining": 0.1, "begin": "5it", "end": "25it", "every": "6it",
        "criterion": criterion, "scope": scope,
    })
}

fn kaiming_scores() -> Value {
    json!({ "use": "kaiming-uniform", "config": { "a": 2.0 }, "version": 1 })
}

#[test]
fn a_finished_training_scores_the_weights_of_least_validation_loss() {
    let small = Small::new();
    let bench = small.bench();
    let mut training = small.training(json!({ "use": "adam", "learning_rate": 0.05 }), json!({}));
    training.evaluate = 5;
    let outcome = bench.train(small.ticket(|_| true), &training, &START).unwrap();
    let (scores, curve) = (outcome.scores.unwrap(), outcome.training.unwrap().curve);
    assert_eq!(curve.iteration, [0, 5, 10, 15, 20, 25, 30]);
    let losses: Vec<f32> = curve.validation_loss.iter().map(|loss| loss.unwrap()).collect();
    let best = (1..losses.len()).min_by(|a, b| losses[*a].total_cmp(&losses[*b])).unwrap();
    assert_eq!(scores.early_stop_iteration, curve.iteration[best]);
    assert_eq!(scores.validation_loss as f32, losses[best]);
    let last = bench.evaluate(&outcome.ticket, 30).unwrap();
    assert_eq!(scores.final_test_accuracy, last.test_accuracy, "what flows on is the final ticket");
}

#[test]
fn test_data_decides_nothing() {
    let mut small = Small::new();
    let mut training = small.training(json!({ "use": "adam", "learning_rate": 0.05 }), json!({}));
    training.evaluate = 5;
    let begun = small.ticket(|_| true);
    let first = small.bench().train(begun.clone(), &training, &START).unwrap();
    small.data.test_labels.iter_mut().for_each(|label| *label = (*label + 1) % 10);
    let second = small.bench().train(begun, &training, &START).unwrap();
    assert_eq!((&first.ticket, &first.training), (&second.ticket, &second.training));
    let (first, second) = (first.scores.unwrap(), second.scores.unwrap());
    assert_eq!(first.early_stop_iteration, second.early_stop_iteration);
    assert_eq!(first.final_validation_accuracy, second.final_validation_accuracy);
    assert!(first.test_accuracy > second.test_accuracy);
}

#[test]
fn an_early_stop_is_the_evaluation_that_its_rule_chooses() {
    let small = Small::new();
    let scored = |rule| {
        let mut training = small.training(json!({ "use": "adam", "learning_rate": 0.05 }), json!({}));
        (training.evaluate, training.early_stop) = (5, rule);
        let outcome = small.bench().train(small.ticket(|_| true), &training, &START).unwrap();
        (outcome.scores.unwrap(), outcome.training.unwrap().curve)
    };
    let (best, curve) = scored(EarlyStop::ValidationAccuracy);
    let accuracies: Vec<f32> = curve.validation_accuracy.iter().map(|accuracy| accuracy.unwrap()).collect();
    let greatest = accuracies[1..].iter().copied().reduce(f32::max).unwrap();
    let first = (1..accuracies.len()).find(|at| accuracies[*at] == greatest).unwrap();
    assert_eq!(best.early_stop_iteration, curve.iteration[first]);
    assert_eq!(best.validation_accuracy.unwrap() as f32, greatest);
    let (last, _) = scored(EarlyStop::Final);
    assert_eq!((last.early_stop_iteration, last.test_accuracy), (30, last.final_test_accuracy));
    assert_eq!(last.validation_accuracy, last.final_validation_accuracy);
    let (selected, same) = scored(EarlyStop::TestAccuracy);
    assert!(selected.test_accuracy >= best.test_accuracy.max(last.test_accuracy));
    assert_eq!(same, curve, "curves show training and validation only");
}

#[test]
fn without_validation_examples_the_final_weights_are_reported() {
    let mut small = Small::new();
    small.data.split.validation.clear();
    let mut training = small.training(json!({ "use": "adam", "learning_rate": 0.05 }), json!({}));
    training.evaluate = 10;
    let outcome = small.bench().train(small.ticket(|_| true), &training, &START).unwrap();
    let (scores, curve) = (outcome.scores.unwrap(), outcome.training.unwrap().curve);
    assert_eq!((scores.early_stop_iteration, scores.test_accuracy), (30, scores.final_test_accuracy));
    assert_eq!((scores.validation_accuracy, scores.final_validation_accuracy), (None, None));
    assert!(scores.validation_loss.is_nan());
    assert_eq!((curve.validation_loss, curve.validation_accuracy), (vec![None; 4], vec![None; 4]));
    assert!(small.bench().evaluate(&outcome.ticket, 30).unwrap().validation_accuracy.is_none());
}

#[test]
fn values_come_back_from_the_device_as_they_went() {
    let small = Small::new();
    let values = vec![vec![1.0f32, -0.0, f32::MIN_POSITIVE / 2.0]];
    let there = tensors(&values, &small.compute.plain);
    assert_eq!(bits(&device::fetched(there[0].clone()).unwrap()), bits(&values[0]));
}
