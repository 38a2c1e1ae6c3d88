//! How fast a planned training is here, from a few of its iterations on a ticket of the counts that it will have.
//!
//! An iteration cannot be broken off, and one of a large model may take longer than there is time: so parts of a batch are
//! tried first, and a larger one only where it will end in time, by the last. A whole batch that is never tried is scaled
//! up from the parts. Images are made up: how long an iteration takes does not depend on what they show.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use super::share::Pool;
use crate::dataset::{Dataset, Examples, Prepared};
use crate::device::Compute;
use crate::mask::Mask;
use crate::plan::{Plan, Step};
use crate::registry::Registry;
use crate::seed::{Purpose, Seeds};
use crate::spec::DatasetSpec;
use crate::stage::{Failure, Foreseen, Outcome, Training, Work};
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
    /// Whether they were of whole batches: else it is scaled up from parts.
    pub whole: bool,
}

/// What a measurement uses, and when it ends.
#[derive(Clone, Copy)]
pub struct Bound<'a> {
    pub plan: &'a Plan,
    pub registry: &'a Registry,
    pub data: &'a DatasetSpec,
    pub compute: &'a Compute,
    pub threads: usize,
    pub until: Instant,
    /// When the last of several measurements ends: one that its share is too short for may take of the others'.
    pub end: Instant,
}

/// Measures a training; `None` where not even a part of a batch would end in time.
pub fn pace(bound: &Bound<'_>, step: &Step) -> Result<Option<Pace>, String> {
    Pool::default().of(bound.threads)?.install(|| measured(bound, step))
}

fn measured(bound: &Bound<'_>, step: &Step) -> Result<Option<Pace>, String> {
    // What is none takes its time for something else, which only a run tells.
    let Some(train) = bound.registry.stages.build(&step.stage)?.training() else { return Ok(None) };
    let examples = bound.data.training_examples() as u64;
    let mut training = train.resolve(bound.registry, examples, step.position).map_err(|e| e.to_string())?;
    training.evaluate = u64::MAX;
    let whole = train.batch_size;
    let Some((first, until)) = first(bound, step, whole) else { return Ok(None) };
    let bound = &Bound { until, ..*bound };
    let seeds = Seeds { seed: bound.plan.variants[step.variant].seed, replicate: Some(step.replicate) };
    let data = made_up(bound.data, 1)?;
    let ticket = ticket(bound, step, seeds, &bench(bound, step, &data, &|_| false))?;
    let mut trials: Vec<Trial> = Vec::new();
    let mut next = Some(first);
    while let Some(batch) = next {
        training.batch_size = batch;
        let Some(last) = trial(bound, step, &training, ticket.clone(), batch == whole)? else { break };
        trials.push(last);
        let mut larger = [whole, whole.div_ceil(SECOND)].into_iter().filter(|larger| *larger > batch);
        next = larger.find(|larger| last.seconds_of(*larger) < left(bound));
    }
    Ok(told(&trials, whole))
}

/// Parts of a batch that are tried first and then.
const FIRST: usize = 16;
const SECOND: usize = 4;

/// How many examples are tried first, a part of a batch or one, and until when. Nothing was measured yet, so that it goes by
/// less than any machine does in a second: a billion multiply-adds, and what comes with a parameter 20 million times.
fn first(bound: &Bound<'_>, step: &Step, whole: usize) -> Option<(usize, Instant)> {
    let model = bound.plan.model(step);
    let adds = model.multiply_adds(model.prunable().map(|(param, _)| param.len())) as f64;
    // Two iterations, which go forward and back, and an evaluation.
    let seconds = |batch: usize| model.parameters() as f64 / 20e6 + 7.0 * adds * batch as f64 / 1e9;
    let ends = |batch: usize| Instant::now().checked_add(Duration::try_from_secs_f64(seconds(batch)).ok()?);
    let in_time = |batch: &usize| ends(*batch).is_some_and(|end| end < bound.until);
    match [whole.div_ceil(FIRST), 1].into_iter().find(in_time) {
        Some(batch) => Some((batch, bound.until)),
        None => Some((1, ends(1).filter(|end| *end < bound.end)?)),
    }
}

fn left(bound: &Bound<'_>) -> f64 {
    bound.until.saturating_duration_since(Instant::now()).as_secs_f64()
}

/// A few iterations on so many examples.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Trial {
    batch: usize,
    /// Seconds of what comes before the first iteration: a beginning, and an evaluation of as many examples.
    beginning: f64,
    iteration: f64,
    n: u64,
}

impl Trial {
    /// What a trial with more examples will take, rather too much: two iterations, and an evaluation, which takes less than
    /// one.
    fn seconds_of(&self, batch: usize) -> f64 {
        self.beginning + 3.0 * self.iteration * batch as f64 / self.batch as f64
    }
}

/// `None` where not one iteration after the first ended in time. Of a whole batch, as many as there is time for.
fn trial(
    bound: &Bound<'_>,
    step: &Step,
    training: &Training,
    ticket: Ticket,
    whole: bool,
) -> Result<Option<Trial>, String> {
    let ends: RefCell<Vec<Instant>> = RefCell::default();
    let progress = |done: u64| {
        let (now, mut ends) = (Instant::now(), ends.borrow_mut());
        let next = ends.last().map_or(now, |last| now + (now - *last));
        ends.push(now);
        done + 1 < step.iterations && next < bound.until && (whole || ends.len() < 2)
    };
    let data = made_up(bound.data, training.batch_size)?;
    let seeds = Seeds { seed: bound.plan.variants[step.variant].seed, replicate: Some(step.replicate) };
    let begun = Instant::now();
    let start = Start { position: step.position, seeds, snapshots: &[] };
    match bench(bound, step, &data, &progress).train(ticket, training, &start) {
        Err(Failure::Failed(message)) => Err(message),
        _ => Ok(timed(begun, &ends.borrow(), training.batch_size)),
    }
}

fn bench<'a>(bound: &'a Bound<'_>, step: &Step, data: &'a Prepared, progress: &'a dyn Fn(u64) -> bool) -> Bench<'a> {
    Bench::new(bound.plan.model(step), data, bound.compute, bound.registry, progress)
}

fn timed(begun: Instant, ends: &[Instant], batch: usize) -> Option<Trial> {
    let ([first, .., last], n) = (ends, ends.len() as u64 - 1) else { return None };
    let iteration = (*last - *first).as_secs_f64() / n as f64;
    let beginning = ((*first - begun).as_secs_f64() - iteration).max(0.0);
    Some(Trial { batch, beginning, iteration, n })
}

/// The pace of whole batches by the last trial, or, where that is of a part, by all of them.
fn told(trials: &[Trial], whole: usize) -> Option<Pace> {
    let last = trials.last()?;
    let before = trials.len().checked_sub(2).map(|before| &trials[before]);
    // What one more example takes. What does not grow with the batch, as the optimizer's part, two trials tell apart.
    let slope = |of: &dyn Fn(&Trial) -> f64| {
        let slope = |before: &Trial| (of(last) - of(before)) / (last.batch - before.batch) as f64;
        before.map_or(f64::INFINITY, slope).clamp(0.0, of(last) / last.batch as f64)
    };
    let example = slope(&|trial| trial.beginning);
    if last.batch == whole {
        return Some(Pace { iteration: last.iteration, example, n: last.n, whole: true });
    }
    let iteration = last.iteration + (whole - last.batch) as f64 * slope(&|trial| trial.iteration);
    Some(Pace { iteration, example, n: trials.iter().map(|trial| trial.n).sum(), whole: false })
}

/// Images of the data's shape, as many to evaluate as there are in a batch.
fn made_up(data: &DatasetSpec, batch: usize) -> Result<Prepared, String> {
    let data = data.plain();
    let examples = |n: usize| Examples {
        shape: data.shape,
        pixels: (0..n * data.shape.iter().product::<usize>())
            .map(|at| (at * 151 % 253) as u8)
            .collect::<Vec<_>>()
            .into(),
        labels: (0..n).map(|example| (example % data.classes.max(1)) as u16).collect(),
    };
    let (train, test) = (examples(3 * batch), examples(1));
    let few = DatasetSpec { validation: batch, ..data };
    Prepared::of(Dataset { train, test }, &few, 0)
}

/// A ticket as the training will get it, its masks drawn.
fn ticket(bound: &Bound<'_>, step: &Step, seeds: Seeds, bench: &Bench<'_>) -> Result<Ticket, String> {
    let plan = bound.plan;
    let chain = std::iter::successors(Some(step), |step| Some(&plan.steps[step.parent?]));
    let first = chain.last().unwrap_or(step);
    let (model, registry) = (plan.model(step), bound.registry);
    let stage = registry.stages.build(&first.stage)?;
    let work = Work {
        model,
        registry,
        seeds,
        level: 0,
        draw: 0,
        position: 0,
        done: 0,
        snapshots: &[],
        rewound: None,
        other: None,
        lab: bench,
    };
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

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(batch: usize, iteration: f64, n: u64) -> Trial {
        Trial { batch, beginning: 0.5, iteration, n }
    }

    fn iteration(trials: &[Trial]) -> (f64, u64, bool) {
        let pace = told(trials, 64).unwrap();
        ((pace.iteration * 1e6).round() / 1e6, pace.n, pace.whole)
    }

    #[test]
    fn a_whole_batch_tells_its_pace_and_parts_are_scaled_up() {
        assert_eq!(told(&[], 64), None);
        assert_eq!(iteration(&[trial(4, 0.1, 1), trial(64, 0.9, 7)]), (0.9, 7, true));
        // By one part in proportion; by two, what does not grow with the batch is told apart: 0.1 + 0.025 an example.
        assert_eq!(iteration(&[trial(4, 0.2, 1)]), (3.2, 1, false));
        assert_eq!(iteration(&[trial(4, 0.2, 1), trial(16, 0.5, 1)]), (1.7, 2, false));
        // What noise makes of two is no less than the larger, and no more than it in proportion.
        assert_eq!(iteration(&[trial(4, 0.6, 1), trial(16, 0.5, 1)]), (0.5, 2, false));
        assert_eq!(iteration(&[trial(4, 0.01, 1), trial(16, 0.5, 1)]), (2.0, 2, false));
    }

    #[test]
    fn a_larger_trial_is_foreseen_to_take_what_it_takes_at_most() {
        assert_eq!(trial(4, 0.25, 1).seconds_of(40), 8.0);
    }
}
