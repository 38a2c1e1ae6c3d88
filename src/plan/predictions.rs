//! Whether the tickets that predictions name are among those that the plan evaluates or measures.

use super::{Plan, PlannedTicket};
use crate::prediction::{Fault, Ladder, Metric, Reference, Rung, named, spellings};
use crate::record::Heading;
use crate::registry::Registry;
use crate::spec::{Diagnostics, Spec};

/// Everything that a prediction names and no ticket has.
pub fn check(spec: &Spec, plan: &Plan, registry: &Registry) -> Result<(), Diagnostics> {
    let [tickets, analyses] =
        [&plan.tickets, &plan.analyses].map(|of| Ladder::new(of.iter().map(|ticket| rung(plan, ticket))));
    let has_tickets = |pipeline: &str| plan.tickets.iter().any(|ticket| ticket.pipeline == pipeline);
    let headings = |pipeline: &str| {
        let own = spec.variants.iter().find_map(|variant| variant.pipelines.get(pipeline));
        own.map_or(Vec::new(), |own| own.headings(registry))
    };
    let find = |reference: &Reference| {
        let pipeline = reference.pipeline.text.as_str();
        let (headings, has_tickets) = (headings(pipeline), has_tickets(pipeline));
        let measures = named(&headings, &reference.metric.text).is_some();
        let planned = || plan.analyses.iter().any(|ticket| ticket.pipeline == pipeline);
        match measures && reference.is_of_analysis(has_tickets) {
            // One replicate has no pair to compare: not judged, and no error.
            true if !planned() => Ok(None),
            true => analyses.find(reference).map(Some),
            false if !has_tickets && !headings.is_empty() => Err(not_evaluated(reference, &headings)),
            false => tickets.find(reference).map(Some),
        }
    };
    let mut problems = Diagnostics::default();
    for prediction in &spec.predictions {
        let fault = |reference: &Reference| match find(reference) {
            Ok(rung) => unvalidated(spec, reference, rung?.variant),
            Err(fault) => Some(fault),
        };
        let faults = prediction.expect.references().into_iter().filter_map(fault);
        problems.extend(prediction.written.errors(faults.collect()));
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// The fault of a column of the results where a pipeline only measures.
fn not_evaluated(reference: &Reference, headings: &[Heading]) -> Fault {
    let Reference { pipeline, metric, .. } = reference;
    let message = format!("`{}` evaluates nothing: it has no `{}`", pipeline.text, metric.text);
    Fault::new(metric.span.clone(), message).help(format!("it measures {}", spellings(headings).join(", ")))
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
    let PlannedTicket { level, kept, prunable, branch, .. } = *ticket;
    Rung { variant, pipeline: &ticket.pipeline, level, kept, prunable, branch }
}
