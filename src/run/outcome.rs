//! A plan and its store become a study: what the report reads.

use std::sync::Arc;

use rayon::prelude::*;

use super::board::State;
use super::store::Store;
use crate::plan::{Plan, PlannedTicket};
use crate::record::{Header, Record, Row, Shelf, Status, Study};

/// The study as far as it has run; its curves stay in the store until they are asked for. `states` are the last run's,
/// for what the store does not keep: failures.
pub fn study(header: Header, plan: &Plan, store: &Store, states: Option<&[State]>) -> Study {
    let records: Vec<Option<Record>> = plan.steps.par_iter().map(|step| store.complete(&step.id)).collect();
    let view = View { plan, records: &records, states };
    let rows = plan.tickets.iter().map(|ticket| view.row(ticket)).collect();
    let analysis = |ticket: &PlannedTicket| {
        let analysis = plan.steps[ticket.step].stage.name.clone();
        Row { analysis, other_replicate: plan.other_replicate(ticket), ..view.row(ticket) }
    };
    let analyses = plan.analyses.iter().map(analysis).collect();
    let shelf: Option<Arc<dyn Shelf>> = Some(Arc::new(Store::open(store.root())));
    Study { header, rows, analyses, shelf, verification: None }
}

struct View<'a> {
    plan: &'a Plan,
    records: &'a [Option<Record>],
    states: Option<&'a [State]>,
}

impl View<'_> {
    fn accuracy(&self, step: usize) -> Option<f64> {
        self.records[step].as_ref()?.scores.as_ref()?.validation_accuracy
    }

    fn row(&self, ticket: &PlannedTicket) -> Row {
        let record = self.records[ticket.step].clone();
        let status = self.status(ticket, record.as_ref());
        Row {
            variant: self.plan.variants[ticket.variant].name.clone(),
            pipeline: ticket.pipeline.clone(),
            analysis: String::new(),
            replicate: ticket.replicate,
            other_replicate: None,
            level: ticket.level,
            draw: ticket.draw,
            branch: ticket.branch,
            kept_weights: ticket.kept,
            prunable_weights: ticket.prunable,
            early_stop: ticket.early_stop,
            broke_bound: status == Status::Done && self.broke_bound(ticket),
            step: self.plan.steps[ticket.step].id.clone(),
            record: if status == Status::Stopped { None } else { record },
            status,
        }
    }

    fn status(&self, ticket: &PlannedTicket, record: Option<&Record>) -> Status {
        if ticket.gates.iter().any(|gate| gate.broken(|step| self.accuracy(step)) == Some(true)) {
            return Status::Stopped;
        }
        if let Some(record) = record {
            return if diverged(record) { Status::Diverged } else { Status::Done };
        }
        if self.follows_diverged(ticket.step) {
            return Status::FollowsDiverged;
        }
        match self.states.map(|states| &states[ticket.step]) {
            Some(State::Failed(message)) => Status::Failed(message.clone()),
            _ => Status::Missing,
        }
    }

    /// Whether this ticket broke its pipeline's stop rule, and so is the last.
    fn broke_bound(&self, ticket: &PlannedTicket) -> bool {
        ticket.bound.is_some_and(|gate| gate.broken(|step| self.accuracy(step)) == Some(true))
    }

    fn follows_diverged(&self, step: usize) -> bool {
        let mut before = vec![step];
        while let Some(step) = before.pop() {
            let step = &self.plan.steps[step];
            for need in step.parent.iter().chain(&step.other) {
                if self.records[*need].as_ref().is_some_and(diverged) {
                    return true;
                }
                before.push(*need);
            }
        }
        false
    }
}

fn diverged(record: &Record) -> bool {
    record.training.as_ref().is_some_and(|training| training.diverged.is_some())
}
