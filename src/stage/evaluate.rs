//! Evaluation of a ticket as it is, without training.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Ahead, Failure, Outcome, Stage, Work};
use crate::refusal::Refusal;
use crate::registry::Plugin;
use crate::ticket::Ticket;

/// (θ, m) → (θ, m), scored on training, validation and test data.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evaluate {}

impl Plugin for Evaluate {
    const NAME: &'static str = "evaluate";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Scores the ticket as it is";
}

impl Stage for Evaluate {
    fn foresee(&self, ahead: &mut Ahead<'_>) -> Result<(), Refusal> {
        ahead.require_ticket(Self::NAME)?;
        ahead.evaluated = true;
        Ok(())
    }

    fn apply(&self, work: &Work<'_>, ticket: Ticket) -> Result<Outcome, Failure> {
        let scores = work.lab.evaluate(&ticket, work.position)?;
        Ok(Outcome { scores: Some(scores), ..ticket.into() })
    }
}
