//! One step at work: its inputs from the store, its stage, its result back into the store.

use std::sync::Arc;
use std::time::Duration;

use super::checkpoint::{Checkpoints, Hear};
use super::claim::Claim;
use super::partial::Partial;
use super::provenance::now;
use super::store::Store;
use super::{memory, mend, room, size};
use crate::dataset::Prepared;
use crate::device::Compute;
use crate::loss::Tally;
use crate::model::Model;
use crate::plan::{Plan, Step};
use crate::record::{Provenance, Record, Scores};
use crate::registry::Registry;
use crate::seed::Seeds;
use crate::stage::{Failure, Lab, Outcome, Part, Train, Training, Work};
use crate::ticket::Ticket;
use crate::train::{Bench, Start};

/// What every step of a run shares.
pub struct Shared<'a> {
    pub plan: &'a Plan,
    pub registry: &'a Registry,
    /// Of each variant of the plan.
    pub data: &'a [Arc<Prepared>],
    pub compute: &'a Compute,
    pub store: &'a Store,
    pub provenance: &'a Provenance,
    /// Of each step of the plan, the pipelines that have it.
    pub pipelines: &'a [Vec<&'a str>],
    /// Bytes that a step may take of the memory, where that is known.
    pub memory: Option<u64>,
    /// How far checkpoints within a training are apart; `None` where none are written.
    pub checkpoint: Option<Duration>,
}

impl Shared<'_> {
    /// Runs a step that is claimed, from its last checkpoint where it has one, and stores what it leaves.
    pub fn step(&self, number: usize, hear: &dyn Hear) -> Result<Record, Failure> {
        let step = &self.plan.steps[number];
        let (started, leaves) = (now(), size::of_step(self.plan, step, size::of_inputs(self.plan, step), 0));
        let checkpoints = Checkpoints::of(Partial::of(self.store, &step.id), &step.id, self.checkpoint, leaves, hear);
        mend::step(self.store, &step.id)?.iter().for_each(|line| hear.warned(line));
        self.room(step, leaves)?;
        let parent = step.parent.map(|parent| &self.plan.steps[parent].id);
        let ticket = parent.map_or_else(|| Ok(Ticket::default()), |id| self.store.ticket(id))?;
        let stage = self.registry.stages.build(&step.stage)?;
        let snapshots: Vec<u64> = step.snapshots.iter().copied().collect();
        let progress = |iterations| hear.advanced(iterations);
        let bench = self.bench(step, &progress);
        let bench = bench.keeping(Some(&checkpoints));
        let rewound = step.rewinds.map(|(training, k)| self.rewound(training, k, &bench, hear)).transpose()?;
        let other = step.other.map(|other| self.store.ticket(&self.plan.steps[other].id)).transpose()?;
        let work = Work { other, ..self.work(step, &snapshots, rewound, &bench) };
        let outcome = stage.apply(&work, ticket)?;
        let record = Record {
            step: step.id.clone(),
            stage: step.stage.name.clone(),
            parent: parent.cloned(),
            layers: self.plan.model(step).counts(&outcome.ticket),
            fingerprint: Some(outcome.ticket.fingerprint()),
            training: outcome.training,
            scores: outcome.scores,
            measured: outcome.measured,
            seconds: checkpoints.seconds(),
            provenance: self.provenance(number, started),
        };
        let said = self.store.put(&self.plan.inputs(step), &record, &outcome.ticket, &outcome.snapshots)?;
        said.iter().for_each(|line| hear.warned(line));
        Partial::of(self.store, &step.id).remove();
        Ok(record)
    }

    /// An error where this step, which leaves so many bytes, cannot end for want of disk or memory.
    fn room(&self, step: &Step, leaves: u64) -> Result<(), String> {
        room::on_disk(self.store.root(), leaves)?;
        room::in_memory(memory::of_step(self.plan, step), self.memory)
    }

    fn provenance(&self, step: usize, started: String) -> Provenance {
        let pipelines = self.pipelines[step].iter().map(|name| name.to_string()).collect();
        Provenance {
            started,
            ended: now(),
            threads: rayon::current_num_threads(),
            pipelines,
            ..self.provenance.clone()
        }
    }

    fn bench<'a>(&'a self, step: &Step, progress: &'a dyn Fn(u64) -> bool) -> Bench<'a> {
        let (model, data) = (self.plan.model(step), &*self.data[step.variant]);
        Bench::new(model, data, self.compute, self.registry, progress)
    }

    fn seeds(&self, step: &Step) -> Seeds {
        Seeds { seed: self.plan.variants[step.variant].seed, replicate: Some(step.replicate) }
    }

    fn work<'a>(&'a self, step: &Step, snapshots: &'a [u64], rewound: Option<Ticket>, lab: &'a dyn Lab) -> Work<'a> {
        Work {
            model: self.plan.model(step),
            registry: self.registry,
            seeds: self.seeds(step),
            level: step.level,
            draw: step.draw,
            position: step.position,
            done: 0,
            snapshots,
            rewound,
            other: None,
            lab,
        }
    }

    /// The ticket at position k of a training: its snapshot, or, where none was kept, a replay up to there.
    fn rewound(&self, training: usize, k: u64, bench: &Bench<'_>, hear: &dyn Hear) -> Result<Ticket, Failure> {
        let step = &self.plan.steps[training];
        if let Some(ticket) = self.store.snapshot(&step.id, k) {
            return Ok(ticket);
        }
        mend::snapshot(self.store, &step.id, k)?.iter().for_each(|line| hear.warned(line));
        let parent = step.parent.map(|parent| self.store.ticket(&self.plan.steps[parent].id)).transpose()?;
        let resolved = self.training(step)?;
        let start = Start { position: step.position, seeds: self.seeds(step), snapshots: &[] };
        let ticket = bench.replay(parent.unwrap_or_default(), &resolved, &start, k)?;
        // Whoever has the claim keeps the same.
        if let Some(_claim) = Claim::of(self.store, &step.id) {
            self.store.put_snapshot(&step.id, k, &ticket)?;
        }
        Ok(ticket)
    }

    fn training(&self, step: &Step) -> Result<Training, String> {
        let train: Train = serde_json::from_value(step.stage.config.clone()).map_err(|e| e.to_string())?;
        let examples = self.data[step.variant].split.train.len() as u64;
        train.resolve(self.registry, examples, step.position).map_err(|refusal| refusal.to_string())
    }
}

impl Lab for Bench<'_> {
    fn examples(&self) -> u64 {
        self.data.split.train.len() as u64
    }

    fn train(&self, ticket: Ticket, training: &Training, work: &Work<'_>) -> Result<Outcome, Failure> {
        let start = Start { position: work.position, seeds: work.seeds, snapshots: work.snapshots };
        let progress = |iterations| (self.progress)(work.done + iterations);
        self.keeper().iter().for_each(|keeper| keeper.begins(work.done));
        self.telling(&progress).train(ticket, training, &start)
    }

    fn evaluate(&self, ticket: &Ticket, position: u64) -> Result<Scores, Failure> {
        Bench::evaluate(self, ticket, position)
    }

    fn logits(&self, model: &Model, ticket: &Ticket) -> Result<Vec<f32>, Failure> {
        Bench::logits(self, model, ticket)
    }

    fn tally(&self, ticket: &Ticket, part: Part) -> Result<Tally, Failure> {
        Bench::tally(self, ticket, part)
    }

    fn progress(&self, iterations: u64) -> Result<(), Failure> {
        if (self.progress)(iterations) { Ok(()) } else { Err(Failure::Interrupted) }
    }
}
