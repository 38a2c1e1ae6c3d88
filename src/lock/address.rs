//! By what a ticket is the same in a plan, a lock and a report.

use serde::{Deserialize, Serialize};

use crate::plan::{Plan, PlannedTicket};
use crate::record::{Row, is_zero};

/// By which a ticket is the same in two runs, whatever its step's id: devices have their own.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
pub struct Address {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub variant: String,
    pub pipeline: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub analysis: String,
    pub replicate: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_replicate: Option<u32>,
    pub level: u32,
    /// Kept weights as planned, by which tickets of one level are told apart where a pipeline has several.
    pub planned: usize,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub draw: u32,
    /// Which of the tickets that nothing else tells apart: the first is 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub branch: u32,
}

impl Address {
    pub fn of(row: &Row) -> Address {
        Address {
            variant: row.variant.clone(),
            pipeline: row.pipeline.clone(),
            analysis: row.analysis.clone(),
            replicate: row.replicate,
            other_replicate: row.other_replicate,
            level: row.level,
            planned: row.kept_weights,
            draw: row.draw,
            branch: row.branch,
        }
    }

    /// The same ticket in another replicate.
    pub fn of_replicate(&self, replicate: u32) -> Address {
        Address { replicate, other_replicate: None, ..self.clone() }
    }
}

/// A plan's tickets and analyses, each with what addresses it.
pub fn addresses(plan: &Plan) -> impl Iterator<Item = (Address, &PlannedTicket)> {
    let tickets = plan.tickets.iter().map(|ticket| (address(plan, ticket), ticket));
    let analyses = plan.analyses.iter().map(|ticket| {
        let (analysis, other_replicate) = (plan.steps[ticket.step].stage.name.clone(), plan.other_replicate(ticket));
        (Address { analysis, other_replicate, ..address(plan, ticket) }, ticket)
    });
    tickets.chain(analyses)
}

fn address(plan: &Plan, ticket: &PlannedTicket) -> Address {
    Address {
        variant: plan.variants[ticket.variant].name.clone(),
        pipeline: ticket.pipeline.clone(),
        analysis: String::new(),
        replicate: ticket.replicate,
        other_replicate: None,
        level: ticket.level,
        planned: ticket.kept,
        draw: ticket.draw,
        branch: ticket.branch,
    }
}
