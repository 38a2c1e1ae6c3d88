//! Plans each variant's pipelines in each replicate: steps, and the tickets to compare.

use std::collections::HashMap;

use super::beside::Earlier;
use super::budget::Budget;
use super::built::Stages;
use super::cursor::{Cursor, Walked, forks, order};
use super::steps::Steps;
use super::walk::{Ground, Walk};
use super::{Plan, PlannedTicket, PlannedVariant};
use crate::model::Model;
use crate::registry::Registry;
use crate::spec::node::Error;
use crate::spec::{Diagnostics, PipelineSpec, Spec, Variant};

/// An error in a shipped pipeline's stage says whose it is.
fn used(mut error: Error, pipeline: &PipelineSpec) -> Error {
    if error.origin.as_ref().is_some_and(|origin| origin.source != pipeline.origin.source) {
        error.context.push((pipeline.origin.clone(), format!("`{}` uses it here", pipeline.name)));
    }
    error
}

pub struct Planner<'a> {
    spec: &'a Spec,
    device: &'a str,
    variants: Vec<PlannedVariant>,
    tickets: Vec<PlannedTicket>,
    analyses: Vec<PlannedTicket>,
    ground: Ground<'a>,
}

impl<'a> Planner<'a> {
    pub fn new(spec: &'a Spec, registry: &'a Registry, device: &'a str) -> Planner<'a> {
        let (steps, stages, budget) = (Steps::default(), Stages::default(), Budget::default());
        let ground = Ground { experiment: &spec.name, registry, steps, stages, budget };
        Planner { spec, device, variants: Vec::new(), tickets: Vec::new(), analyses: Vec::new(), ground }
    }

    /// Adds a variant's steps, but for those that it shares with variants before it, and its tickets.
    pub fn variant(&mut self, variant: &'a Variant, model: Model) -> Result<(), Diagnostics> {
        let order = order(variant)?;
        let mut tickets: HashMap<&str, Vec<PlannedTicket>> = HashMap::new();
        let mut analyses: HashMap<&str, Vec<PlannedTicket>> = HashMap::new();
        let mut problems = Diagnostics::default();
        self.variants.push(PlannedVariant { name: variant.name.clone(), model: model.clone(), seed: variant.seed });
        let mut earlier = Earlier::default();
        for replicate in 0..self.spec.replicates {
            let origin = order.first().map(|pipeline| pipeline.origin.clone());
            if let Err(error) = self.ground.budget.replicate(&model, self.spec.replicates, origin) {
                problems.push(error);
                return Err(problems);
            }
            let beginning = Cursor::beginning(variant, self.ground.registry, &model, replicate, self.device);
            let mut walked: HashMap<&str, Walked<'_>> = HashMap::new();
            for pipeline in &order {
                let starts = match &pipeline.fork {
                    None => Ok(vec![beginning.clone()]),
                    // Their own error was told.
                    Some(fork) if fork.needs().any(|(name, _)| !walked.contains_key(name.as_str())) => continue,
                    Some(fork) => {
                        let of = &walked[fork.each.as_str()];
                        forks(fork, of).and_then(|starts| earlier.beside(fork, starts))
                    }
                };
                // The first replicate has none before it to be compared with.
                if starts.as_ref().is_ok_and(Vec::is_empty) {
                    continue;
                }
                match starts.and_then(|starts| self.pipeline(pipeline, starts)) {
                    Ok(walk) if walk.problems.is_empty() => {
                        tickets.entry(&pipeline.name).or_default().extend(walk.tickets.iter().cloned());
                        analyses.entry(&pipeline.name).or_default().extend(walk.analyses.iter().cloned());
                        earlier.add(&pipeline.name, &walk);
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
        for (all, mut found) in [(&mut self.tickets, tickets), (&mut self.analyses, analyses)] {
            let named = |name: &String| found.remove(name.as_str()).unwrap_or_default();
            all.extend(variant.pipelines.keys().flat_map(named));
        }
        Ok(())
    }

    pub fn plan(self) -> Plan {
        let Planner { variants, tickets, analyses, ground, .. } = self;
        Plan { variants, steps: ground.steps.into_steps(), tickets, analyses }.with_branches()
    }

    fn pipeline(&mut self, pipeline: &'a PipelineSpec, starts: Vec<Cursor<'a>>) -> Result<Walked<'a>, Error> {
        // The variant that is being planned is the last.
        let variant = self.variants.len() - 1;
        let mut walk =
            Walk { ground: &mut self.ground, variant, pipeline: &pipeline.name, walked: Walked::default(), since: 0 };
        for start in starts {
            walk.since = walk.walked.analyses.len();
            walk.stages(&pipeline.stages, vec![start])?;
        }
        let walked = walk.walked;
        let nothing = walked.tickets.is_empty() && walked.analyses.is_empty() && walked.problems.is_empty();
        match nothing {
            false => Ok(walked),
            true => Err(Error::new(&pipeline.origin, format!("{:?} evaluates no ticket", pipeline.name))
                .help("end it with `train = {}`, with `evaluate = {}` for a ticket as it is, or with an analysis")),
        }
    }
}
