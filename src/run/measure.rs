//! How fast a planned training is here, from a few of its iterations on a ticket of the counts that it will have.

use std::cell::RefCell;
use std::time::Instant;

use super::share::Pool;
use crate::dataset::Prepared;
use crate::device::Compute;
use crate::mask::Mask;
use crate::plan::{Plan, Step};
use crate::registry::Registry;
use crate::seed::{Purpose, Seeds};
use crate::stage::{Failure, Foreseen, Outcome, Train, Work};
use crate::ticket::Ticket;
use crate::train::{Bench, Start};

/// What a training takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Seconds of an iteration.
    pub iteration: f64,
    /// Seconds of an evaluated example.
    pub example: f64,
    /// Iterations that were measured.
    pub n: u64,
}

/// What a measurement uses, and when it ends.
pub struct Bound<'a> {
    pub plan: &'a Plan,
    pub registry: &'a Registry,
    /// With few validation examples: all of them are evaluated once before the first iteration.
    pub data: &'a Prepared,
    pub compute: &'a Compute,
    pub threads: usize,
    pub until: Instant,
}

/// Measures a training; `None` where not one iteration after the first ended in time.
pub fn pace(bound: &Bound<'_>, step: &Step) -> Result<Option<Pace>, String> {
    Pool::default().of(bound.threads)?.install(|| measured(bound, step))
}

fn measured(bound: &Bound<'_>, step: &Step) -> Result<Option<Pace>, String> {
    let ends = RefCell::new(Vec::new());
    let progress = |done: u64| {
        ends.borrow_mut().push(Instant::now());
        done + 1 < step.iterations && Instant::now() < bound.until
    };
    let (model, data, registry) = (bound.plan.model(step), bound.data, bound.registry);
    let bench = Bench { model, data, compute: bound.compute, registry, progress: &progress };
    let train: Train = serde_json::from_value(step.stage.config.clone()).map_err(|e| e.to_string())?;
    let mut training =
        train.resolve(registry, data.split.train.len() as u64, step.position).map_err(|e| e.to_string())?;
    training.evaluate = u64::MAX;
    let seeds = Seeds { seed: bound.plan.variants[step.variant].seed, replicate: Some(step.replicate) };
    let ticket = ticket(bound, step, seeds, &bench)?;
    let begun = Instant::now();
    match bench.train(ticket, &training, &Start { position: step.position, seeds, snapshots: &[] }) {
        Err(Failure::Failed(message)) => Err(message),
        _ => Ok(told(begun, &ends.borrow(), data.split.validation.len())),
    }
}

/// What comes before the first iteration's end is an evaluation and that iteration.
fn told(begun: Instant, ends: &[Instant], evaluated: usize) -> Option<Pace> {
    let ([first, .., last], n) = (ends, ends.len() as u64 - 1) else { return None };
    let iteration = (*last - *first).as_secs_f64() / n as f64;
    let evaluation = ((*first - begun).as_secs_f64() - iteration).max(0.0);
    Some(Pace { iteration, example: evaluation / evaluated.max(1) as f64, n })
}

/// A ticket as the training will get it, its masks drawn.
fn ticket(bound: &Bound<'_>, step: &Step, seeds: Seeds, bench: &Bench<'_>) -> Result<Ticket, String> {
    let plan = bound.plan;
    let chain = std::iter::successors(Some(step), |step| Some(&plan.steps[step.parent?]));
    let first = chain.last().unwrap_or(step);
    let (model, registry) = (plan.model(step), bound.registry);
    let stage = registry.stages.build(&first.stage)?;
    let work =
        Work { model, registry, seeds, level: 0, draw: 0, position: 0, snapshots: &[], rewound: None, lab: bench };
    let Outcome { mut ticket, .. } =
        stage.apply(&work, Ticket::default()).map_err(|failure: Failure| failure.to_string())?;
    let before = step.parent.map_or(&step.layers, |parent| &plan.steps[parent].layers);
    for ((name, mask), Foreseen { kept, prunable, .. }) in ticket.masks.iter_mut().zip(before) {
        let mut indices: Vec<usize> = (0..*prunable).collect();
        seeds.stream(Purpose::Shuffle, name).shuffle(&mut indices);
        let mut keeps = vec![false; *prunable];
        indices.iter().take(*kept).for_each(|index| keeps[*index] = true);
        *mask = Mask::from_fn(*prunable, |index| keeps[index]);
    }
    ticket.apply_masks();
    Ok(ticket)
}
