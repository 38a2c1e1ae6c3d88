//! How long what is new will take: from trainings and analyses recorded on this device kind, or measured now.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::timings::{Kind, Root, Samples};
use crate::cli::open::Opened;
use crate::plan::{Plan, Step};
use crate::registry::Registry;
use crate::run::{Bound, Pace, pace, size};
use crate::spec::DatasetSpec;

/// All that a command with `--measure` takes but for printing. An iteration that has begun is not broken off, and may take
/// longer than was foreseen: so less than the 5 seconds that are promised.
const LIMIT: Duration = Duration::from_millis(4200);

/// New trainings, or analyses that take their time, as long as each other.
pub struct Group<'a> {
    pub first: &'a Step,
    steps: Vec<usize>,
    pub kind: Kind,
    evaluations: u64,
    /// Of each of its steps, the share that no checkpoint saves, and the iterations that all of them save.
    left: Vec<f64>,
    done: u64,
}

/// What is known of the time that a run will take.
#[derive(Debug, Default, PartialEq)]
pub struct Time {
    /// Seconds of each step, where they are known; 0 for what is no training.
    pub steps: Vec<Option<f64>>,
    /// Iterations of new trainings whose pace is known, and of the others.
    pub known: u64,
    pub unknown: u64,
    /// New analyses of which no record tells how long they take.
    pub untold: usize,
    /// Seconds of the known ones, one after the other.
    pub work: f64,
    /// The same with as many side by side as there are jobs: no less than the longest chain.
    pub elapsed: f64,
    /// Recorded trainings and analyses that it comes from.
    pub recorded: usize,
    /// Iterations that were measured for it, and those of them that were of a part of a batch.
    pub measured: u64,
    pub parts: u64,
    /// Whether some trainings were given the time of such as have more weights.
    pub at_most: bool,
    pub jobs: usize,
}

/// The new trainings of a plan, and its analyses that take their time; those alike together.
pub fn groups<'a>(opened: &'a Opened, new: &[bool], partial: &[u64], registry: &Registry) -> Vec<Group<'a>> {
    let (plan, spec) = (&opened.plan, &opened.spec);
    let mut roots: HashMap<usize, Root> = HashMap::new();
    let mut groups: HashMap<(usize, usize, usize, u64), Group<'a>> = HashMap::new();
    for (number, step) in plan.steps.iter().enumerate().filter(|(number, step)| new[*number] && step.iterations > 0) {
        let root = *roots.entry(step.variant).or_insert_with(|| Root::of(&step.root));
        let layers = step.parent.map_or(&step.layers, |parent| &plan.steps[parent].layers);
        let kept = layers.iter().map(|layer| layer.kept).sum::<usize>();
        let key = (step.variant, Arc::as_ptr(&step.stage) as usize, kept, step.iterations);
        let group = groups.entry(key).or_insert_with(|| Group {
            first: step,
            steps: Vec::new(),
            kind: Kind::planned(plan, step, root),
            evaluations: evaluations(step, &spec.variants[step.variant].dataset, registry),
            left: Vec::new(),
            done: 0,
        });
        group.steps.push(number);
        group.left.push(1.0 - partial[number] as f64 / step.iterations as f64);
        group.done += partial[number];
    }
    let mut groups: Vec<Group<'_>> = groups.into_values().collect();
    groups.sort_by_key(|group| (std::cmp::Reverse(group.iterations()), group.steps[0]));
    groups
}

/// How often a training evaluates, its beginning included.
fn evaluations(step: &Step, data: &DatasetSpec, registry: &Registry) -> u64 {
    let train = registry.stages.build(&step.stage).ok().and_then(|stage| stage.training());
    let resolved = train.and_then(|train| train.resolve(registry, data.training_examples() as u64, step.position).ok());
    resolved.map_or(2, |training| step.iterations.div_ceil(training.evaluate.max(1)) + 1)
}

impl Group<'_> {
    /// Iterations of training that are to be done.
    fn iterations(&self) -> u64 {
        if self.kind.is_whole() { 0 } else { self.first.iterations * self.steps.len() as u64 - self.done }
    }

    /// How long one takes at a pace that was recorded.
    fn recorded(&self, pace: f64) -> f64 {
        if self.kind.is_whole() { pace } else { pace * self.first.iterations as f64 }
    }

    /// Seconds of one of its trainings at a pace that was measured: curve, and the scores at the end.
    fn seconds(&self, pace: Pace, data: &DatasetSpec) -> f64 {
        let scored = data.used_train() + 2 * data.used_test();
        let examples = self.evaluations * data.validation as u64 + scored as u64;
        self.first.iterations as f64 * pace.iteration + examples as f64 * pace.example
    }
}

/// What the disk will hold of new steps, in bytes.
pub fn disk(plan: &Plan, new: &[bool], groups: &[Group<'_>]) -> u64 {
    let mut evaluations = vec![0; plan.steps.len()];
    groups.iter().for_each(|group| group.steps.iter().for_each(|step| evaluations[*step] = group.evaluations));
    // Steps are many and configurations few: the inputs of one are as long as each other, but for a few digits.
    let mut inputs: HashMap<(usize, Option<usize>), u64> = HashMap::new();
    let of = |(number, step): (usize, &Step)| {
        let alike = (Arc::as_ptr(&step.stage) as usize, step.parent.is_none().then_some(step.variant));
        let inputs = *inputs.entry(alike).or_insert_with(|| size::of_inputs(plan, step));
        size::of_step(plan, step, inputs, evaluations[number])
    };
    plan.steps.iter().enumerate().filter(|(number, _)| new[*number]).map(of).sum()
}

/// What the checkpoints of so many trainings side by side take of the disk, at most, in bytes: each is written anew before
/// the old one goes.
pub fn checkpoints(plan: &Plan, new: &[bool], jobs: usize) -> u64 {
    let trainings = || plan.steps.iter().zip(new).filter(|(step, new)| **new && step.iterations > 0);
    // Steps are many and configurations few.
    let alike = |step: &Step| (step.variant, Arc::as_ptr(&step.stage), step.snapshots.len());
    let distinct: HashMap<_, &Step> = trainings().map(|(step, _)| (alike(step), step)).collect();
    let largest = distinct.into_values().map(|step| size::of_checkpoint(plan, step)).max().unwrap_or(0);
    2 * largest * jobs.min(trainings().count()) as u64
}

/// Joins what is known of each group; `measured` is by the group's number.
pub fn estimate(
    opened: &Opened,
    groups: &[Group<'_>],
    samples: &Samples,
    measured: &HashMap<usize, Pace>,
    (jobs, threads): (usize, usize),
) -> Time {
    let mut time = Time { steps: vec![Some(0.0); opened.plan.steps.len()], jobs, ..Time::default() };
    for (number, group) in groups.iter().enumerate() {
        let data = &opened.spec.variants[group.first.variant].dataset;
        let recorded = samples.pace(&group.kind, threads);
        time.recorded += recorded.map_or(0, |(_, n)| n);
        let own = measured.get(&number).filter(|_| recorded.is_none());
        time.measured += own.map_or(0, |pace| pace.n);
        time.parts += own.filter(|pace| !pace.whole).map_or(0, |pace| pace.n);
        let denser = || denser(group, groups, measured).filter(|_| recorded.is_none());
        let pace = own.or_else(denser);
        time.at_most |= own.is_none() && pace.is_some();
        let seconds = recorded.map(|(pace, _)| group.recorded(pace));
        let seconds = seconds.or_else(|| pace.map(|pace| group.seconds(*pace, data)));
        for (step, left) in group.steps.iter().zip(&group.left) {
            time.steps[*step] = seconds.map(|seconds| seconds * left);
        }
        match seconds {
            Some(seconds) => {
                time.known += group.iterations();
                time.work += group.left.iter().map(|left| seconds * left).sum::<f64>();
            }
            None if group.kind.is_whole() => time.untold += group.steps.len(),
            None => time.unknown += group.iterations(),
        }
    }
    time.elapsed = (time.work / jobs.max(1) as f64).max(longest(&opened.plan, &time.steps));
    time
}

/// Of a training that nothing tells of, the pace that was measured of one with no fewer weights: it takes no longer.
fn denser<'m>(group: &Group<'_>, groups: &[Group<'_>], measured: &'m HashMap<usize, Pace>) -> Option<&'m Pace> {
    let denser =
        |(_, other): &(usize, &Group<'_>)| other.kind.alike == group.kind.alike && other.kind.kept >= group.kind.kept;
    let known = groups.iter().enumerate().filter(denser).filter_map(|(at, other)| Some((other, measured.get(&at)?)));
    known.min_by_key(|(other, _)| other.kind.kept).map(|(_, pace)| pace)
}

/// Seconds of the chain that takes longest.
fn longest(plan: &Plan, seconds: &[Option<f64>]) -> f64 {
    let mut ends = vec![0.0; plan.steps.len()];
    for (number, step) in plan.steps.iter().enumerate() {
        ends[number] = step.parent.map_or(0.0, |parent| ends[parent]) + seconds[number].unwrap_or(0.0);
    }
    ends.into_iter().fold(0.0, f64::max)
}

/// Measures groups of which no record tells, those of the most iterations first, as long as there is time: a command that
/// began at `begun` has a few seconds in all.
pub fn measure(
    opened: &Opened,
    groups: &[Group<'_>],
    samples: &Samples,
    threads: usize,
    registry: &Registry,
    begun: Instant,
) -> Result<HashMap<usize, Pace>, String> {
    let end = begun + LIMIT;
    let unknown =
        |(_, group): &(usize, &Group<'_>)| !group.kind.is_whole() && samples.pace(&group.kind, threads).is_none();
    let to_measure: Vec<(usize, &Group<'_>)> = groups.iter().enumerate().filter(unknown).collect();
    let mut measured = HashMap::new();
    for (at, (number, group)) in to_measure.iter().enumerate() {
        let left = end.saturating_duration_since(Instant::now());
        let until = Instant::now() + left / (to_measure.len() - at) as u32;
        let data = &opened.spec.variants[group.first.variant].dataset;
        let bound = Bound { plan: &opened.plan, registry, data, compute: &opened.compute, threads, until, end };
        if let Some(pace) = pace(&bound, group.first)? {
            measured.insert(*number, pace);
        }
    }
    Ok(measured)
}
