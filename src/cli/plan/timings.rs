//! How fast trainings were: what the store's records tell, by model, batch size, what is learned, and density; and how long
//! analyses took.

use std::collections::HashMap;

use serde_json::Value;

use crate::plan::{Plan, Step};
use crate::run::Past;

/// What trainings must have in common for one to tell how fast the other will be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Alike {
    model: Print,
    batch_size: Option<u64>,
    learn: Value,
}

/// What a pair of trainings had better have in common, too.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Besides {
    data: Print,
    optimizer: Value,
    evaluate: Value,
}

/// A hash of a part of the inputs.
type Print = [u8; 32];

fn print(value: &Value) -> Print {
    *blake3::hash(value.to_string().as_bytes()).as_bytes()
}

/// A training as far as its time depends on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Kind {
    pub alike: Alike,
    besides: Besides,
    /// Weights that it begins with.
    pub kept: usize,
}

/// What a first step says of all that follow it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Root {
    model: Print,
    data: Print,
}

impl Root {
    pub fn of(root: &Value) -> Root {
        Root { model: print(&root["model"]), data: print(&root["data"]) }
    }
}

impl Kind {
    fn of(root: Root, config: &Value, kept: usize) -> Kind {
        let used = |key: &str| config[key]["use"].clone();
        let learn = match (&config["learn"], &config["batch_size"]) {
            // An analysis is like another of the same configuration.
            (Value::Null, Value::Null) => config.clone(),
            // The trainings of one learn weights.
            (Value::Null, _) => "weights".into(),
            _ => used("learn"),
        };
        Kind {
            alike: Alike { model: root.model, batch_size: config["batch_size"].as_u64(), learn },
            besides: Besides { data: root.data, optimizer: used("optimizer"), evaluate: config["evaluate"].clone() },
            kept,
        }
    }

    /// Whether it is of no training, and its pace that of the whole step.
    pub fn is_whole(&self) -> bool {
        self.alike.batch_size.is_none()
    }

    /// Of a planned training, or an analysis.
    pub fn planned(plan: &Plan, step: &Step, root: Root) -> Kind {
        let layers = step.parent.map_or(&step.layers, |parent| &plan.steps[parent].layers);
        Kind::of(root, &step.stage.config, layers.iter().map(|layer| layer.kept).sum())
    }
}

/// What is taken from each record in going through the store.
pub struct Trace {
    step: String,
    parent: Option<String>,
    root: Option<Root>,
    /// Weights that it ends with.
    kept: usize,
    training: Option<Trained>,
}

struct Trained {
    config: Value,
    /// Seconds an iteration, evaluation included; of an analysis, in all.
    pace: f64,
    threads: usize,
}

impl Trace {
    /// Trainings count that ended, and analyses that are of none, on the same device kind.
    pub fn of(past: Past, device: &str) -> Trace {
        let Past { inputs, record } = past;
        let root = inputs["parent"].is_object().then(|| Root::of(&inputs["parent"]));
        let here = record.provenance.device == device;
        let config = &inputs["stage"]["config"];
        let iterations = match &record.training {
            Some(training) if training.diverged.is_none() => training.to.saturating_sub(training.from),
            None if !record.measured.is_empty() && config["batch_size"].is_null() => 1,
            _ => 0,
        };
        let training = (here && iterations > 0).then(|| Trained {
            config: config.clone(),
            pace: record.seconds / iterations as f64,
            threads: record.provenance.threads,
        });
        let kept = record.layers.iter().map(|layer| layer.kept).sum();
        Trace { step: record.step, parent: record.parent, root, kept, training }
    }
}

struct Sample {
    kind: Kind,
    pace: f64,
    threads: usize,
}

/// All recorded trainings, to be asked for one's like.
#[derive(Default)]
pub struct Samples(HashMap<Alike, Vec<Sample>>);

impl Samples {
    pub fn of(traces: Vec<Trace>) -> Samples {
        let mut samples = Samples::default();
        let known: HashMap<&str, &Trace> = traces.iter().map(|trace| (trace.step.as_str(), trace)).collect();
        let above = |trace: &Trace| known.get(trace.parent.as_deref()?).copied();
        for trace in &traces {
            let Some(trained) = &trace.training else { continue };
            let root = std::iter::successors(Some(trace), |trace| above(trace)).find_map(|trace| trace.root);
            let (Some(root), Some(begun)) = (root, above(trace)) else { continue };
            let kind = Kind::of(root, &trained.config, begun.kept);
            let sample = Sample { pace: trained.pace, threads: trained.threads, kind: kind.clone() };
            samples.0.entry(kind.alike).or_default().push(sample);
        }
        samples
    }

    /// The median pace of trainings like this one, in seconds an iteration, or the median time of analyses like it, and how
    /// many they are. Of the same data,
    /// optimizer, evaluations and threads where there are such.
    pub fn pace(&self, kind: &Kind, threads: usize) -> Option<(f64, usize)> {
        let near = |sample: &&Sample| sample.kind.kept.abs_diff(kind.kept) * NEAR <= kind.kept;
        let mut like: Vec<&Sample> = self.0.get(&kind.alike)?.iter().filter(near).collect();
        let narrower: [&dyn Fn(&Sample) -> bool; 4] = [
            &|sample| sample.kind.besides.data == kind.besides.data,
            &|sample| sample.kind.besides.optimizer == kind.besides.optimizer,
            &|sample| sample.kind.besides.evaluate == kind.besides.evaluate,
            &|sample| sample.threads == threads,
        ];
        for narrower in narrower {
            if like.iter().any(|sample| narrower(sample)) {
                like.retain(|sample| narrower(sample));
            }
        }
        let mut paces: Vec<f64> = like.iter().map(|sample| sample.pace).collect();
        paces.sort_by(f64::total_cmp);
        let n = paces.len();
        (n > 0).then(|| ((paces[(n - 1) / 2] + paces[n / 2]) / 2.0, n))
    }
}

/// A tenth more or fewer weights are the same density.
const NEAR: usize = 10;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::record::{LayerCount, Measured, Provenance, Record, TrainingRecord};

    fn past(step: &str, parent: Option<&str>, kept: usize, seconds: f64, device: &str) -> Past {
        let root = json!({ "model": ["m"], "data": "d", "seed": 1 });
        let config = json!({ "batch_size": 60, "learn": { "use": "weights" }, "optimizer": { "use": "adam" } });
        let layers = vec![LayerCount { name: "w".into(), kind: "output".into(), kept, prunable: 1000 }];
        let training =
            TrainingRecord { learned: "weights".into(), from: 0, to: 100, curve: Default::default(), diverged: None };
        let record = Record {
            step: step.into(),
            stage: "train".into(),
            parent: parent.map(String::from),
            layers,
            fingerprint: None,
            training: (seconds > 0.0).then_some(training),
            scores: None,
            measured: Vec::new(),
            seconds,
            provenance: Provenance { device: device.into(), threads: 1, ..Provenance::default() },
        };
        let inputs = json!({ "stage": { "config": config }, "parent": parent.map_or(root, Value::from) });
        Past { inputs, record }
    }

    #[test]
    fn an_analysis_takes_as_long_as_another_of_the_same_configuration() {
        let mut lottery = past("lottery", Some("init"), 1000, 7.0, "cpu");
        let config = json!({ "masks": 100 });
        lottery.inputs["stage"] = json!({ "config": config });
        lottery.record.training = None;
        lottery.record.measured = vec![Measured::number("q", "fraction", 0.5)];
        let traces = [past("init", None, 1000, 0.0, "cpu"), lottery].map(|past| Trace::of(past, "cpu"));
        let samples = Samples::of(traces.into());
        let kind = |masks: u64| {
            let root = Root::of(&json!({ "model": ["m"], "data": "d" }));
            Kind::of(root, &json!({ "masks": masks }), 1000)
        };
        assert!(kind(100).is_whole());
        assert_eq!((samples.pace(&kind(100), 1), samples.pace(&kind(200), 1)), (Some((7.0, 1)), None));
    }

    #[test]
    fn a_pace_is_the_median_of_trainings_of_the_same_model_density_and_device_kind() {
        let traces = [
            past("init", None, 1000, 0.0, "cpu"),
            past("a", Some("init"), 1000, 1.0, "cpu"),
            past("b", Some("init"), 1000, 3.0, "cpu"),
            past("c", Some("init"), 1000, 90.0, "gpu"),
            past("prune", Some("a"), 500, 0.0, "cpu"),
            // It begins with these, however many it ends with.
            past("d", Some("prune"), 100, 0.5, "cpu"),
            past("gone", Some("its-root-is-gone"), 1000, 70.0, "cpu"),
        ];
        let samples = Samples::of(traces.into_iter().map(|past| Trace::of(past, "cpu")).collect());
        let of = |model: &str, batch: u64, kept: usize| {
            let root = Root::of(&json!({ "model": [model], "data": "d" }));
            let config = json!({ "batch_size": batch, "learn": { "use": "weights" }, "optimizer": { "use": "adam" } });
            samples.pace(&Kind::of(root, &config, kept), 1)
        };
        assert_eq!(of("m", 60, 1000), Some((0.02, 2)));
        assert_eq!(of("m", 60, 520), Some((0.005, 1)));
        assert_eq!((of("m", 60, 700), of("m", 61, 1000), of("other", 60, 1000)), (None, None, None));
    }
}
