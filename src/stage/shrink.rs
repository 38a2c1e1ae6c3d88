//! The smaller network that a ticket leaves, built, measured and held to compute the same.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Ahead, Failure, Outcome, Stage, Work};
use crate::model::{Misfit, Model};
use crate::record::{Heading, Measured};
use crate::refusal::Refusal;
use crate::registry::Plugin;
use crate::ticket::Ticket;

/// Builds the network without the units that nothing reads, neurons and channels of which every outgoing weight is masked,
/// and measures it; the ticket stays as it is. It computes the logits of both networks, on validation data or, where there
/// is none, on training data, and fails where they differ by more than rounding.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shrink {}

impl Plugin for Shrink {
    const NAME: &'static str = "shrink";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Builds the smaller dense network that a ticket leaves, and measures it";
    const MEASURES: &'static [Heading] = &[
        Heading::number("parameters", "parameters"),
        Heading::number("parameters remaining", "fraction"),
        Heading::number("multiply-adds", "multiply-adds"),
        Heading::number("multiply-adds remaining", "fraction"),
        Heading::series("units", "units", "layer"),
        Heading::number("largest difference of logits", "of the largest logit"),
    ];
}

/// What sums in another order may make of the largest logit.
const ROUNDING: f64 = 1e-4;

impl Stage for Shrink {
    fn foresee(&self, ahead: &mut Ahead<'_>) -> Result<(), Refusal> {
        ahead.require_ticket(Self::NAME)?;
        ahead.measures = true;
        Ok(())
    }

    fn apply(&self, work: &Work<'_>, ticket: Ticket) -> Result<Outcome, Failure> {
        let misfit = |Misfit { layer, refusal }| {
            format!("the smaller `{layer}` does not fit: {refusal}: this is a bug in Tombola")
        };
        let (model, small) = work.model.shrunk(&ticket).map_err(misfit)?;
        let [whole, smaller] = [(work.model, &ticket), (&model, &small)].map(|(model, of)| work.lab.logits(model, of));
        let difference = difference(&whole?, &smaller?);
        if difference > ROUNDING {
            let message = format!(
                "the smaller network's logits differ by {difference:.1e} of the largest: this is a bug in Tombola"
            );
            return Err(Failure::Failed(message));
        }
        Ok(Outcome { measured: measured(work.model, &model, difference), ..ticket.into() })
    }
}

/// The largest difference between two networks' logits, as a part of the largest logit. Where one is no number, the other
/// had better be none.
fn difference(whole: &[f32], smaller: &[f32]) -> f64 {
    let largest = whole.iter().map(|logit| f64::from(logit.abs())).fold(0.0, f64::max);
    let apart = whole.iter().zip(smaller).map(|(a, b)| match (a.is_finite(), b.is_finite()) {
        (true, true) if a == b => 0.0,
        (true, true) => f64::from((a - b).abs()) / largest,
        (false, false) => 0.0,
        _ => f64::INFINITY,
    });
    apart.fold(if whole.len() == smaller.len() { 0.0 } else { f64::INFINITY }, f64::max)
}

fn measured(whole: &Model, smaller: &Model, difference: f64) -> Vec<Measured> {
    let adds = |model: &Model| model.multiply_adds(model.prunable().map(|(param, _)| param.len())) as f64;
    let part = |of: f64, whole: f64| if whole > 0.0 { of / whole } else { 1.0 };
    let parameters = [smaller, whole].map(|model| model.parameters() as f64);
    let multiply_adds = [smaller, whole].map(adds);
    let layer = |number: usize| {
        let name = &smaller.params[number].name;
        name.strip_suffix(".weight").unwrap_or(name).to_string()
    };
    let units = smaller.unit_groups().into_iter().map(|units| (layer(units.made), units.count as f64));
    vec![
        Measured::number("parameters", "parameters", parameters[0]),
        Measured::number("parameters remaining", "fraction", part(parameters[0], parameters[1])),
        Measured::number("multiply-adds", "multiply-adds", multiply_adds[0]),
        Measured::number("multiply-adds remaining", "fraction", part(multiply_adds[0], multiply_adds[1])),
        Measured::each("units", "units", "layer", units),
        Measured::number("largest difference of logits", "of the largest logit", difference),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_a_part_of_the_largest_logit() {
        assert_eq!(difference(&[1.0, -4.0], &[1.5, -4.0]), 0.125);
        assert_eq!(difference(&[0.0, 0.0], &[0.0, 0.0]), 0.0);
        assert_eq!(difference(&[f32::NAN, 2.0], &[f32::NAN, 2.0]), 0.0);
        assert_eq!(difference(&[f32::NAN, 2.0], &[1.0, 2.0]), f64::INFINITY);
        assert_eq!(difference(&[0.0], &[1e-30]), f64::INFINITY);
    }
}
