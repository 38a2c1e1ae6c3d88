//! From what was typed to the steps that will run: content ids, shapes and counts, all before anything runs. Pure: no
//! device, no clock, no disk.

mod alternatives;
mod beside;
mod branches;
mod budget;
mod built;
mod cursor;
mod header;
mod identity;
mod part;
mod pipelines;
mod planner;
mod predictions;
mod recipe;
mod shapes;
mod steps;
mod variants;
mod walk;

pub use header::header;
use planner::Planner;
use shapes::any;
pub use shapes::{inferred, model};

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use crate::model::Model;
use crate::record::EarlyStop;
use crate::registry::{Registry, Use};
use crate::spec::{self, Diagnostics, Spec};
use crate::stage::Foreseen;

/// An experiment's steps, each before those that follow it, and the tickets to compare.
#[derive(Clone)]
pub struct Plan {
    /// As in the spec; one without a name where there is no sweep.
    pub variants: Vec<PlannedVariant>,
    pub steps: Vec<Step>,
    /// In the order of the results: by variant, pipeline as in the spec, replicate, level, draw.
    pub tickets: Vec<PlannedTicket>,
    /// Where tickets are measured, in the same order.
    pub analyses: Vec<PlannedTicket>,
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
        let other = step.other.map(|other| self.steps[other].id.as_str());
        identity::inputs(&step.stage, parent, step.draw, other)
    }

    /// The replicate whose ticket one is compared with, where that is another.
    pub fn other_replicate(&self, ticket: &PlannedTicket) -> Option<u32> {
        let other = self.steps[self.steps[ticket.step].other?].replicate;
        (other != ticket.replicate).then_some(other)
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
    /// The step whose ticket it compares with its parent's.
    pub other: Option<usize>,
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
    /// Whether only a run divides them among tensors.
    pub divided: bool,
    /// Whether even their total is only about what it will be.
    pub about: bool,
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

impl Gate {
    /// Whether it is broken, as far as its two tickets' validation accuracies are known.
    pub fn broken(&self, accuracy: impl Fn(usize) -> Option<f64>) -> Option<bool> {
        // A hair of tolerance: both are ratios of whole numbers, and 0.98 − 0.96 is not quite 0.02.
        Some(accuracy(self.dense)? - accuracy(self.ticket)? > self.drop + 1e-9)
    }
}

/// A row of the results, or of the analyses, to be.
#[derive(Clone, Debug)]
pub struct PlannedTicket {
    pub variant: usize,
    pub pipeline: String,
    pub replicate: u32,
    pub level: u32,
    pub draw: u32,
    /// Which of the tickets that nothing else tells apart, as branches give: the first is 0.
    pub branch: u32,
    /// The step that evaluates or measures it.
    pub step: usize,
    pub kept: usize,
    pub prunable: usize,
    pub gates: Vec<Gate>,
    /// Its pipeline's stop rule at its own level: where it is broken, this ticket is the last.
    pub bound: Option<Gate>,
    /// What its early stop is.
    pub early_stop: EarlyStop,
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
    predictions::check(spec, &plan, registry)?;
    Ok(plan)
}
