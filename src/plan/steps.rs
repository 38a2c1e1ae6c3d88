//! A plan's steps by their content: pipelines, and variants, that have the same content share the step.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::built::Built;
use super::cursor::Cursor;
use super::{Step, identity};

/// The steps so far.
#[derive(Default)]
pub struct Steps {
    steps: Vec<Step>,
    /// Steps by id.
    known: HashMap<String, usize>,
    /// Pipelines' names, held once for all their steps.
    names: HashSet<Arc<str>>,
}

impl Steps {
    /// The step of this content, a new one or one that another pipeline planned before.
    pub fn of(
        &mut self,
        Built { used, text, .. }: Built,
        before: &Cursor<'_>,
        after: &Cursor<'_>,
        (variant, pipeline): (usize, &str),
    ) -> usize {
        let other = before.other.filter(|_| after.ahead.compares);
        let with = other.map(|other| self.steps[other].id.as_str());
        let id = match before.at {
            Some(at) => identity::id(&text, &format!("\"{}\"", self.steps[at].id), before.draw, with),
            None => identity::id(&text, &before.root_text, before.draw, with),
        };
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
            other,
            variant,
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
            divided: after.ahead.divided,
            about: after.ahead.about,
        });
        self.known.insert(id, self.steps.len() - 1);
        self.steps.len() - 1
    }

    pub fn get(&self, step: usize) -> &Step {
        &self.steps[step]
    }

    pub fn into_steps(self) -> Vec<Step> {
        self.steps
    }

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
}
