//! From what was typed to the steps that will run: content ids, shapes and counts, all before anything runs. Pure: no
//! device, no clock, no disk.

mod alternatives;
mod cursor;
mod header;
mod identity;
mod planner;
mod predictions;
mod variants;

pub use header::header;
use planner::Planner;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use crate::layer::{Role, Shape, WeightKind};
use crate::model::{Misfit, Model, Param, Part, RateKind};
use crate::refusal::Refusal;
use crate::registry::{Registry, Use};
use crate::spec::node::{self, Error, Origin};
use crate::spec::{self, Diagnostics, Form, LayerSpec, ModelSpec, Spec, Variant};
use crate::stage::Foreseen;

/// An experiment's steps, each before those that follow it, and the tickets to compare.
#[derive(Clone)]
pub struct Plan {
    /// As in the spec; one without a name where there is no sweep.
    pub variants: Vec<PlannedVariant>,
    pub steps: Vec<Step>,
    /// In the order of the results: by variant, pipeline as in the spec, replicate, level, draw.
    pub tickets: Vec<PlannedTicket>,
}

/// What the steps of a variant have in common.
#[derive(Clone)]
pub struct PlannedVariant {
    pub name: String,
    pub model: Model,
    pub seed: u64,
}

impl Plan {
    /// What a step's id was made of, so that a new step can be told from recorded ones.
    pub fn inputs(&self, step: &Step) -> Value {
        let parent = step.parent.map_or_else(|| (*step.root).clone(), |parent| self.steps[parent].id.clone().into());
        identity::inputs(&step.stage, parent, step.draw)
    }

    /// The model that a step's ticket is of.
    pub fn model(&self, step: &Step) -> &Model {
        &self.variants[step.variant].model
    }
}

/// One stage of one replicate. Pipelines that share a prefix share its steps, and so do variants.
#[derive(Clone, Debug)]
pub struct Step {
    /// Content id: 32 hexadecimal digits.
    pub id: String,
    /// Shared by all steps of the same configuration: plans are long, and configurations few.
    pub stage: Arc<Use>,
    /// What the first step of a chain depends on, and its chain with it.
    pub root: Arc<Value>,
    pub parent: Option<usize>,
    /// The first variant that it is of: model, data and seed are the same for all that share it.
    pub variant: usize,
    /// The pipeline, of that variant, that it was first planned for.
    pub pipeline: Arc<str>,
    pub replicate: u32,
    /// Prunes applied, this step's included.
    pub level: u32,
    /// Which of a control's repeated draws this belongs to.
    pub draw: u32,
    /// Where in schedule and data order the step begins.
    pub position: u64,
    /// Iterations that it trains for; 0 for everything but a training.
    pub iterations: u64,
    /// The training, and the position in it, whose weights the step restores.
    pub rewinds: Option<(usize, u64)>,
    /// Positions of this training that later steps restore. Not part of the id.
    pub snapshots: BTreeSet<u64>,
    /// Stop rules ahead of this step: it does not run once one is broken. Not part of the id.
    pub gates: Vec<Gate>,
    /// Kept weights afterwards, as foreseen.
    pub layers: Vec<Foreseen>,
}

/// A stop rule at one level: broken where `ticket`'s validation accuracy at early stop is more than `drop` below that of
/// `dense`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gate {
    pub ticket: usize,
    pub dense: usize,
    /// In absolute points ÷ 100.
    pub drop: f64,
}

/// A row of the results to be.
#[derive(Clone, Debug)]
pub struct PlannedTicket {
    pub variant: usize,
    pub pipeline: String,
    pub replicate: u32,
    pub level: u32,
    pub draw: u32,
    /// The step that evaluates it.
    pub step: usize,
    pub kept: usize,
    pub prunable: usize,
    pub gates: Vec<Gate>,
    /// Its pipeline's stop rule at its own level: where it is broken, this ticket is the last.
    pub bound: Option<Gate>,
    /// What its training learns: "weights" or "mask"; "" for an evaluation without training.
    pub learns: &'static str,
}

/// Plans an experiment for a device kind, or says everything that keeps it from running.
pub fn plan(spec: &Spec, registry: &Registry, device: &str) -> Result<Plan, Diagnostics> {
    let mut planner = Planner::new(spec, registry, device);
    let mut found = Vec::new();
    for variant in &spec.variants {
        let problems = match model(variant, registry) {
            Ok(model) => planner.variant(variant, model).err().unwrap_or_default(),
            Err(mut problems) => {
                let more = planner.variant(variant, any(variant)).err().unwrap_or_default();
                // What is absent may be so for want of the model only.
                problems.extend(more.errors().iter().filter(|error| error.missing.is_none()).cloned());
                problems
            }
        };
        found.push(((variant.name.as_str(), variant.settings.as_slice()), problems));
    }
    let problems = spec::blamed(found);
    if !problems.is_empty() {
        return Err(problems);
    }
    let plan = planner.plan();
    predictions::check(spec, &plan)?;
    Ok(plan)
}

/// Builds the model and infers its shapes; an error points at the layer that does not fit.
pub fn model(variant: &Variant, registry: &Registry) -> Result<Model, Diagnostics> {
    let mut problems = Diagnostics::default();
    let parts = parts(&variant.model.layers, registry, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    let data = &variant.dataset;
    let built = Model::infer(Shape::Image(data.shape), parts).map_err(|misfit| placed(misfit, &variant.model));
    let fits = built.and_then(|model| match (model.output(), variant.model.layers.last()) {
        (Shape::Flat(classes), _) if classes == data.classes => Ok(model),
        (output, Some(last)) => {
            let classes = data.classes;
            let message = format!("the last layer gives {output}, and {} has {classes} classes", data.name);
            Err(used(Error::new(&last.origin, message), &variant.model)
                .help("end the model with `linear = { units = \"{classes}\" }`"))
        }
        (_, None) => Ok(model),
    });
    fits.map_err(|error| {
        problems.push(error);
        problems
    })
}

/// Stands for a model that is wrong, so that what else is wrong is found at once.
fn any(variant: &Variant) -> Model {
    let role = Role::Weight { kind: WeightKind::Linear, fan_in: 1, fan_out: 1 };
    let weight = Param { name: String::new(), shape: vec![1 << 20], role, kind: Some(RateKind::Output) };
    Model { input: Shape::Image(variant.dataset.shape), nodes: Vec::new(), params: vec![weight] }
}

/// The layers built, in the tree that they were written in.
fn parts(layers: &[LayerSpec], registry: &Registry, problems: &mut Diagnostics) -> Vec<Part> {
    let mut part = |layer: &LayerSpec| {
        let name = layer.name.clone();
        match &layer.form {
            Form::One(used) => match registry.layers.build(used) {
                Ok(built) => Some(Part::Layer { name, plugin: used.name.clone(), layer: built }),
                Err(message) => {
                    problems.push(Error::new(&layer.origin, message));
                    None
                }
            },
            Form::Residual { layers, shortcut } => {
                let body = parts(layers, registry, problems);
                Some(Part::Residual { name, body, shortcut: parts(shortcut, registry, problems) })
            }
        }
    };
    layers.iter().filter_map(&mut part).collect()
}

/// The error at the layer's place. Where that is written once for several layers, only the name says which.
fn placed(misfit: Misfit, model: &ModelSpec) -> Error {
    let Misfit { layer: name, refusal } = misfit;
    let refusal = Refusal { message: format!("`{name}`: {}", refusal.message), ..refusal };
    match model.walk().find(|layer| layer.name == name) {
        Some(layer) => used(refused(refusal, &layer.origin, &layer.written), model),
        None => Error::nowhere(refusal.to_string()),
    }
}

/// A plugin's refusal as an error at the field that is to blame, or at `origin`, where the plugin was named.
fn refused(refusal: Refusal, origin: &Origin, config: &node::Node) -> Error {
    let error = Error::new(blamed(&refusal.field, config).unwrap_or(origin), refusal.message);
    match refusal.help {
        Some(help) => error.help(help),
        None => error,
    }
}

/// Where the field was written, or the last one on the way to it that was.
fn blamed<'a>(field: &[&str], config: &'a node::Node) -> Option<&'a Origin> {
    let (first, rest) = field.split_first()?;
    match config.table() {
        Some(entries) => entries.get(*first).map(|(_, value)| blamed(rest, value).unwrap_or(&value.origin)),
        // Written as its only field.
        None => Some(&config.origin),
    }
}

/// An error in a shipped or local model says who uses it.
fn used(error: Error, model: &ModelSpec) -> Error {
    match (&model.used, &error.origin) {
        (Some(used), Some(origin)) if used.source != origin.source => error.context(used, "the model is used here"),
        _ => error,
    }
}
