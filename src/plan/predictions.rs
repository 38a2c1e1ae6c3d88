//! Whether the tickets that predictions name are among those that the plan evaluates.

use super::{Plan, PlannedTicket};
use crate::prediction::{Ladder, Rung};
use crate::spec::{Diagnostics, Spec};

/// Everything that a prediction names and no ticket has.
pub fn check(spec: &Spec, plan: &Plan) -> Result<(), Diagnostics> {
    let ladder = Ladder::new(plan.tickets.iter().map(|ticket| rung(plan, ticket)));
    let mut problems = Diagnostics::default();
    for prediction in &spec.predictions {
        let faults = prediction.expect.references().into_iter().filter_map(|reference| ladder.find(reference).err());
        problems.extend(prediction.written.errors(faults.collect()));
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn rung<'a>(plan: &'a Plan, ticket: &'a PlannedTicket) -> Rung<'a> {
    let variant = &plan.variants[ticket.variant].name;
    Rung { variant, pipeline: &ticket.pipeline, level: ticket.level, kept: ticket.kept, prunable: ticket.prunable }
}
