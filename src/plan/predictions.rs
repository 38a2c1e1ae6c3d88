//! Whether the tickets that predictions name are among those that the plan evaluates.

use super::{Plan, PlannedTicket};
use crate::prediction::{Fault, Ladder, Metric, Reference, Rung};
use crate::spec::{Diagnostics, Spec};

/// Everything that a prediction names and no ticket has.
pub fn check(spec: &Spec, plan: &Plan) -> Result<(), Diagnostics> {
    let ladder = Ladder::new(plan.tickets.iter().map(|ticket| rung(plan, ticket)));
    let mut problems = Diagnostics::default();
    for prediction in &spec.predictions {
        let fault = |reference: &Reference| match ladder.find(reference) {
            Ok(rung) => unvalidated(spec, reference, rung.variant),
            Err(fault) => Some(fault),
        };
        let faults = prediction.expect.references().into_iter().filter_map(fault);
        problems.extend(prediction.written.errors(faults.collect()));
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// The fault of a figure of validation examples where there are none.
fn unvalidated(spec: &Spec, reference: &Reference, variant: &str) -> Option<Fault> {
    let validates = spec.variants.iter().find(|own| own.name == variant)?.dataset.validation > 0;
    let figure = Metric::named(&reference.metric.text)?;
    let of_validation = matches!(figure, Metric::ValidationAccuracy | Metric::ValidationLoss);
    (of_validation && !validates).then(|| {
        let message = format!("no examples validate, so there is no `{}`", figure.name());
        let fault = Fault::new(reference.metric.span.clone(), message);
        fault.help("give [dataset] a `validation` above 0, or name another figure")
    })
}

fn rung<'a>(plan: &'a Plan, ticket: &'a PlannedTicket) -> Rung<'a> {
    let variant = &plan.variants[ticket.variant].name;
    Rung { variant, pipeline: &ticket.pipeline, level: ticket.level, kept: ticket.kept, prunable: ticket.prunable }
}
