//! Walks each pipeline's stages for each variant and replicate, sharing the steps that they have in common.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::cursor::{Cursor, Walked, forks, order};
use super::{Gate, Plan, PlannedTicket, PlannedVariant, Step, identity, refused};
use crate::model::Model;
use crate::registry::{Registry, Use};
use crate::spec::node::{Error, Origin};
use crate::spec::{Diagnostics, PipelineSpec, Spec, StageSpec, Stop, Variant, Written};
use crate::stage::Stage;

/// An error in a shipped pipeline's stage says whose it is.
fn used(mut error: Error, pipeline: &PipelineSpec) -> Error {
    if error.origin.as_ref().is_some_and(|origin| origin.source != pipeline.origin.source) {
        error.context.push((pipeline.origin.clone(), format!("`{}` uses it here", pipeline.name)));
    }
    error
}

pub struct Planner<'a> {
    spec: &'a Spec,
    registry: &'a Registry,
    device: &'a str,
    variants: Vec<PlannedVariant>,
    steps: Vec<Step>,
    tickets: Vec<PlannedTicket>,
    /// Steps by id.
    known: HashMap<String, usize>,
    /// Stages built, by their configuration.
    built: HashMap<String, (Arc<Use>, Arc<dyn Stage>)>,
    names: HashSet<Arc<str>>,
    /// Stages walked so far, shared ones each time.
    walked: usize,
    /// What these have kept: layers' counts and stop rules.
    kept: usize,
}

/// Layers' counts and stop rules that all steps of a plan may have together, a few gigabytes of them.
pub const KEPT: usize = 40_000_000;

/// What a tensor of the model counts where a chain begins, with its whole configuration.
const ROOT: usize = 40;

/// Far more than anyone runs: a plan that needs more is a mistake, found before memory is.
pub const LIMIT: usize = 1_000_000;

impl<'a> Planner<'a> {
    pub fn new(spec: &'a Spec, registry: &'a Registry, device: &'a str) -> Planner<'a> {
        Planner {
            spec,
            registry,
            device,
            variants: Vec::new(),
            steps: Vec::new(),
            tickets: Vec::new(),
            known: HashMap::new(),
            built: HashMap::new(),
            names: HashSet::new(),
            walked: 0,
            kept: 0,
        }
    }

    /// Adds a variant's steps, but for those that it shares with variants before it, and its tickets.
    pub fn variant(&mut self, variant: &'a Variant, model: Model) -> Result<(), Diagnostics> {
        let order = order(variant)?;
        let mut tickets: HashMap<&str, Vec<PlannedTicket>> = HashMap::new();
        let mut problems = Diagnostics::default();
        self.variants.push(PlannedVariant { name: variant.name.clone(), model: model.clone(), seed: variant.seed });
        for replicate in 0..self.spec.replicates {
            self.kept += ROOT * model.params.len();
            if self.kept > KEPT {
                let message = format!(
                    "{} replicates of a model of {} tensors are too many",
                    self.spec.replicates,
                    model.params.len()
                );
                let origin = order.first().map(|pipeline| pipeline.origin.clone());
                problems
                    .push(Error { message, origin, ..Error::default() }.help("fewer variants, replicates or layers"));
                return Err(problems);
            }
            let beginning = Cursor::beginning(variant, self.registry, &model, replicate, self.device);
            let mut walked: HashMap<&str, Walked<'_>> = HashMap::new();
            for pipeline in &order {
                let starts = match &pipeline.fork {
                    None => Ok(vec![beginning.clone()]),
                    Some(fork) => match walked.get(fork.each.as_str()) {
                        Some(of) => forks(fork, of),
                        // Its own error was told.
                        None => continue,
                    },
                };
                match starts.and_then(|starts| self.pipeline(pipeline, starts)) {
                    Ok(walk) if walk.problems.is_empty() => {
                        tickets.entry(&pipeline.name).or_default().extend(walk.tickets.iter().cloned());
                        walked.insert(&pipeline.name, walk);
                    }
                    Ok(walk) => problems.extend(walk.problems.errors().iter().map(|e| used(e.clone(), pipeline))),
                    Err(error) => problems.push(used(error, pipeline)),
                }
            }
            // Replicates differ in their draws only: what fails in one fails in all.
            if !problems.is_empty() {
                return Err(problems);
            }
        }
        let named = |name: &String| tickets.remove(name.as_str()).unwrap_or_default();
        self.tickets.extend(variant.pipelines.keys().flat_map(named));
        Ok(())
    }

    pub fn plan(self) -> Plan {
        Plan { variants: self.variants, steps: self.steps, tickets: self.tickets }
    }

    fn pipeline(&mut self, pipeline: &PipelineSpec, starts: Vec<Cursor<'a>>) -> Result<Walked<'a>, Error> {
        let mut walked = Walked::default();
        for start in starts {
            self.stages(&pipeline.stages, vec![start], &pipeline.name, &mut walked)?;
        }
        match walked.tickets.is_empty() && walked.problems.is_empty() {
            false => Ok(walked),
            true => Err(Error::new(&pipeline.origin, format!("{:?} evaluates no ticket", pipeline.name))
                .help("end it with `train = {}`, or with `evaluate = {}` for a ticket as it is")),
        }
    }

    /// The variant that is being planned.
    fn current(&self) -> usize {
        self.variants.len() - 1
    }

    /// Takes every cursor through the stages; branches multiply them.
    fn stages(
        &mut self,
        stages: &[StageSpec],
        mut cursors: Vec<Cursor<'a>>,
        pipeline: &str,
        walked: &mut Walked<'a>,
    ) -> Result<Vec<Cursor<'a>>, Error> {
        for stage in stages {
            let mut next = Vec::new();
            for cursor in cursors {
                match stage {
                    StageSpec::One(used, written) => {
                        next.extend(self.one(used, written, cursor, pipeline, walked)?);
                    }
                    StageSpec::Branch(branches) => {
                        for branch in branches {
                            next.extend(self.stages(branch, vec![cursor.clone()], pipeline, walked)?);
                        }
                    }
                    StageSpec::Repeat { times, until, stages, written } => {
                        next.extend(self.repeat(&written.origin, *times, until, stages, cursor, pipeline, walked)?);
                    }
                }
            }
            cursors = next;
        }
        Ok(cursors)
    }

    #[allow(clippy::too_many_arguments)]
    fn repeat(
        &mut self,
        origin: &Origin,
        times: u32,
        until: &Stop,
        stages: &[StageSpec],
        cursor: Cursor<'a>,
        pipeline: &str,
        walked: &mut Walked<'a>,
    ) -> Result<Vec<Cursor<'a>>, Error> {
        let mut ended = Vec::new();
        let mut cursors = vec![cursor];
        for _ in 0..times {
            // Even one without a stage, as options that were left out leave it, takes its time.
            cursors.iter().try_for_each(|cursor| self.spend(origin, cursor))?;
            cursors = self.stages(stages, cursors, pipeline, walked)?;
            for cursor in &mut cursors {
                if let (Some(drop), Some(ticket), Some(dense)) = (until.accuracy_drop, cursor.evaluated, cursor.dense) {
                    let gate = Gate { ticket, dense, drop };
                    cursor.gates.push(gate);
                    let own = |planned: &&mut PlannedTicket| planned.step == ticket && planned.draw == cursor.draw;
                    walked.tickets.iter_mut().rev().find(own).into_iter().for_each(|own| own.bound = Some(gate));
                }
            }
            let small = |cursor: &Cursor<'a>| {
                let (kept, prunable) = (cursor.ahead.kept(), cursor.ahead.prunable());
                until.weights_remaining.is_some_and(|bound| bound.reaches(kept, prunable))
            };
            let (done, on) = cursors.into_iter().partition(small);
            ended.extend::<Vec<_>>(done);
            cursors = on;
        }
        ended.extend(cursors);
        Ok(ended)
    }

    /// Counts a step, and what is kept for it.
    fn spend(&mut self, origin: &Origin, cursor: &Cursor<'a>) -> Result<(), Error> {
        const HELP: &str = "fewer variants, replicates, levels, branches or draws";
        self.walked += 1;
        self.kept += cursor.ahead.layers.len() + cursor.gates.len();
        if self.walked > LIMIT {
            let message = format!("{:?} plans more than {LIMIT} steps, shared ones included", self.spec.name);
            return Err(Error::new(origin, message).help(HELP));
        }
        if self.kept > KEPT {
            let message =
                format!("{:?} plans more than {KEPT} layers and stop rules, steps taken together", self.spec.name);
            return Err(Error::new(origin, message).help(HELP));
        }
        Ok(())
    }

    /// `None` where the stage cannot follow.
    fn one(
        &mut self,
        used: &Use,
        Written { origin, config }: &Written,
        mut cursor: Cursor<'a>,
        pipeline: &str,
        walked: &mut Walked<'a>,
    ) -> Result<Option<Cursor<'a>>, Error> {
        self.spend(origin, &cursor)?;
        let before = cursor.clone();
        cursor.ahead.iterations = 0;
        cursor.ahead.evaluated = false;
        cursor.ahead.rewinds_to = None;
        let (used, stage) = self.build(used).map_err(|message| Error::new(origin, message))?;
        if let Err(refusal) = stage.foresee(&mut cursor.ahead) {
            walked.problems.push(refused(refusal, origin, config));
            return Ok(None);
        }
        let step = self.step(used, &before, &cursor, pipeline);
        cursor.at = Some(step);
        if cursor.ahead.iterations > 0 && cursor.first_training.is_none() {
            cursor.first_training = Some(step);
        }
        if cursor.ahead.evaluated {
            cursor.dense.get_or_insert(step);
            cursor.evaluated = Some(step);
            walked.tickets.push(PlannedTicket {
                variant: self.current(),
                pipeline: pipeline.to_string(),
                replicate: cursor.replicate,
                level: cursor.ahead.level,
                draw: cursor.draw,
                step,
                kept: cursor.ahead.kept(),
                prunable: cursor.ahead.prunable(),
                gates: cursor.gates.clone(),
                bound: None,
                learns: cursor.ahead.learns.unwrap_or(""),
            });
            if cursor.ahead.level > 0 && cursor.ahead.iterations > 0 {
                walked.points.push(before);
            }
        }
        Ok(Some(cursor))
    }

    /// The step of this content, a new one or one that another pipeline planned before.
    fn step(&mut self, used: Arc<Use>, before: &Cursor<'a>, after: &Cursor<'a>, pipeline: &str) -> usize {
        let parent = before.at.map_or_else(|| (*before.root).clone(), |at| self.steps[at].id.clone().into());
        let id = identity::id(&identity::inputs(&used, parent, before.draw));
        if let Some(&known) = self.known.get(&id) {
            // Wanted by two pipelines, the step is held back by the stop rules of both only.
            self.steps[known].gates.retain(|gate| before.gates.contains(gate));
            return known;
        }
        let rewinds = match (after.ahead.rewinds_to, before.first_training) {
            (Some(k), Some(training)) => {
                self.steps[training].snapshots.insert(k);
                Some((training, k))
            }
            _ => None,
        };
        let pipeline = self.name(pipeline);
        self.steps.push(Step {
            id: id.clone(),
            stage: used,
            root: before.root.clone(),
            parent: before.at,
            variant: self.current(),
            pipeline,
            replicate: before.replicate,
            level: after.ahead.level,
            draw: before.draw,
            position: before.ahead.position,
            iterations: after.ahead.iterations,
            rewinds,
            snapshots: BTreeSet::new(),
            gates: before.gates.clone(),
            layers: after.ahead.layers.clone(),
        });
        self.known.insert(id, self.steps.len() - 1);
        self.steps.len() - 1
    }

    /// A pipeline's name, held once for all its steps.
    fn name(&mut self, pipeline: &str) -> Arc<str> {
        match self.names.get(pipeline) {
            Some(name) => name.clone(),
            None => {
                let name: Arc<str> = pipeline.into();
                self.names.insert(name.clone());
                name
            }
        }
    }

    fn build(&mut self, used: &Use) -> Result<(Arc<Use>, Arc<dyn Stage>), String> {
        let key = format!("{} {}", used.name, used.config);
        if let Some(built) = self.built.get(&key) {
            return Ok(built.clone());
        }
        let built = (Arc::new(used.clone()), self.registry.stages.build(used)?);
        self.built.insert(key, built.clone());
        Ok(built)
    }
}
