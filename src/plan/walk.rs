//! A pipeline's stages, walked one after the other: branches multiply the ways, repeats go round.

use super::budget::Budget;
use super::built::Stages;
use super::cursor::{Cursor, Walked};
use super::shapes::refused;
use super::steps::Steps;
use super::{Gate, PlannedTicket};
use crate::record::EarlyStop;
use crate::refusal::Refusal;
use crate::registry::{Registry, Use};
use crate::spec::node::{Error, Node, Origin, Value};
use crate::spec::{StageSpec, Stop, Written};

fn without_validation() -> Refusal {
    let message = "`accuracy_drop` compares validation accuracies, and no examples validate";
    let refusal = Refusal::of("accuracy_drop", message).within("until");
    refusal.help("give [dataset] a `validation` above 0, or leave the rule out")
}

/// Whoever writes the usual rule means it; where nobody does, the end takes its place.
fn without_validation_loss() -> Refusal {
    let refusal = Refusal::of("early_stop", "no examples validate, so there is no validation loss");
    refusal.help("give [dataset] a `validation` above 0, or take the early stop \"final\"")
}

fn asks_for_validation_loss(config: &Node) -> bool {
    let written = config.table().and_then(|entries| entries.get("early_stop"));
    written.is_some_and(|(_, value)| value.value == Value::String("validation-loss".into()))
}

fn test_data_decide() -> Refusal {
    let message = "`accuracy_drop` would go by weights that test data chose, and so test data would decide what runs";
    let refusal = Refusal::of("accuracy_drop", message).within("until");
    refusal.help("leave the rule out, or take another `early_stop` than \"test-accuracy\"")
}

/// What all walks of a plan have in common.
pub struct Ground<'a> {
    pub experiment: &'a str,
    pub registry: &'a Registry,
    pub steps: Steps,
    pub stages: Stages<'a>,
    pub budget: Budget,
}

/// A walk through the stages of a pipeline, of the variant with this number.
pub struct Walk<'w, 'a> {
    pub ground: &'w mut Ground<'a>,
    pub variant: usize,
    pub pipeline: &'w str,
    pub walked: Walked<'a>,
    /// How many analyses there were where the walk began, of other tickets or pairs.
    pub since: usize,
}

impl<'a> Walk<'_, 'a> {
    /// Takes every cursor through the stages.
    pub fn stages(&mut self, stages: &'a [StageSpec], mut cursors: Vec<Cursor<'a>>) -> Result<Vec<Cursor<'a>>, Error> {
        for stage in stages {
            let mut next = Vec::new();
            for cursor in cursors {
                match stage {
                    StageSpec::One(used, written) => next.extend(self.one(used, written, cursor)?),
                    StageSpec::Branch(branches) => {
                        for branch in branches {
                            next.extend(self.stages(branch, vec![cursor.clone()])?);
                        }
                    }
                    StageSpec::Repeat { times, until, stages, written } => {
                        if until.accuracy_drop.is_some() && cursor.ahead.validation == 0 {
                            return Err(refused(without_validation(), &written.origin, written));
                        }
                        next.extend(self.repeat(written, (*times, until), stages, cursor)?);
                    }
                }
            }
            cursors = next;
        }
        Ok(cursors)
    }

    fn repeat(
        &mut self,
        written: &Node,
        (times, until): (u32, &Stop),
        stages: &'a [StageSpec],
        cursor: Cursor<'a>,
    ) -> Result<Vec<Cursor<'a>>, Error> {
        let mut ended = Vec::new();
        let mut cursors = vec![cursor];
        for _ in 0..times {
            // Even one without a stage, as options that were left out leave it, takes its time.
            cursors.iter().try_for_each(|cursor| self.spend(&written.origin, cursor))?;
            cursors = self.stages(stages, cursors)?;
            for cursor in &mut cursors {
                if let (Some(drop), Some(ticket), Some(dense)) = (until.accuracy_drop, cursor.evaluated, cursor.dense) {
                    let gate = Gate { ticket, dense, drop };
                    cursor.gates.push(gate);
                    let own = |planned: &&mut PlannedTicket| planned.step == ticket && planned.draw == cursor.draw;
                    if let Some(own) = self.walked.tickets.iter_mut().rev().find(own) {
                        own.bound = Some(gate);
                        if own.early_stop == EarlyStop::TestAccuracy {
                            return Err(refused(test_data_decide(), &written.origin, written));
                        }
                    }
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

    fn spend(&mut self, origin: &Origin, cursor: &Cursor<'a>) -> Result<(), Error> {
        self.ground.budget.step(self.ground.experiment, origin, cursor)
    }

    /// `None` where the stage cannot follow.
    fn one(
        &mut self,
        used: &'a Use,
        Written { origin, config }: &Written,
        mut cursor: Cursor<'a>,
    ) -> Result<Option<Cursor<'a>>, Error> {
        self.spend(origin, &cursor)?;
        let before = cursor.clone();
        cursor.ahead.iterations = 0;
        cursor.ahead.evaluated = false;
        cursor.ahead.measures = false;
        cursor.ahead.compares = false;
        cursor.ahead.rewinds_to = None;
        cursor.ahead.early_stop = EarlyStop::default();
        let built =
            self.ground.stages.build(used, self.ground.registry).map_err(|message| Error::new(origin, message))?;
        if let Err(refusal) = built.stage.foresee(&mut cursor.ahead) {
            self.walked.problems.push(refused(refusal, origin, config));
            return Ok(None);
        }
        if cursor.ahead.validation == 0 && asks_for_validation_loss(config) {
            self.walked.problems.push(refused(without_validation_loss(), origin, config));
            return Ok(None);
        }
        let step = self.ground.steps.of(built, &before, &cursor, (self.variant, self.pipeline));
        cursor.at = Some(step);
        if cursor.ahead.measures {
            let ticket = self.ticket(step, &cursor);
            if self.walked.analyses[self.since..].iter().any(|other| self.is_the_same(other, &ticket)) {
                let message = format!("`{}` measures this ticket already, in this pipeline", used.name);
                let error = Error::new(origin, message)
                    .help("give each a pipeline of its own: their figures have the same names");
                self.walked.problems.push(error);
                return Ok(None);
            }
            self.walked.analyses.push(ticket);
            return Ok(Some(cursor));
        }
        if cursor.ahead.iterations > 0 && cursor.first_training.is_none() {
            cursor.first_training = Some(step);
        }
        if cursor.ahead.evaluated {
            cursor.dense.get_or_insert(step);
            cursor.evaluated = Some(step);
            self.walked.tickets.push(self.ticket(step, &cursor));
            // A training that prunes on its way begins a level, and has none before it.
            if before.ahead.level > 0 && cursor.ahead.iterations > 0 {
                self.walked.points.push(before);
            }
            self.walked.trained.push(cursor.clone());
        }
        Ok(Some(cursor))
    }

    /// Whether two analyses would have figures of the same names, at the same place.
    fn is_the_same(&self, one: &PlannedTicket, other: &PlannedTicket) -> bool {
        let place = |ticket: &PlannedTicket| (ticket.replicate, ticket.level, ticket.draw, ticket.kept);
        let stage = |ticket: &PlannedTicket| &self.ground.steps.get(ticket.step).stage.name;
        place(one) == place(other) && stage(one) == stage(other)
    }

    fn ticket(&self, step: usize, cursor: &Cursor<'a>) -> PlannedTicket {
        PlannedTicket {
            variant: self.variant,
            pipeline: self.pipeline.to_string(),
            replicate: cursor.replicate,
            level: cursor.ahead.level,
            draw: cursor.draw,
            // Numbered when all are there.
            branch: 0,
            step,
            kept: cursor.ahead.kept(),
            prunable: cursor.ahead.prunable(),
            gates: cursor.gates.clone(),
            bound: None,
            early_stop: cursor.ahead.early_stop,
            learns: cursor.ahead.learns.unwrap_or(""),
        }
    }
}
