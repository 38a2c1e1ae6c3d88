//! A control: the same mask, new weights.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Ahead, Failure, Outcome, Stage, Work, build_init};
use crate::refusal::Refusal;
use crate::registry::{Kind, Plugin, Use};
use crate::seed::Purpose;
use crate::ticket::Ticket;

/// (θ, m) → (new θ, m). Each level and each draw has weights of its own.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reinit {
    /// Another initialiser than the model's.
    #[serde(default)]
    pub init: Option<Use>,
}

impl Plugin for Reinit {
    const NAME: &'static str = "reinit";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "New initial weights under the same mask";
    const SOURCE: &'static str = "Frankle & Carbin 2019, §2";
    const EXAMPLE: &'static str = r#"init = "glorot-normal""#;
    const REFERENCES: &'static [(&'static str, Kind)] = &[("init", Kind::Init)];
}

impl Stage for Reinit {
    fn foresee(&self, ahead: &mut Ahead<'_>) -> Result<(), Refusal> {
        ahead.require_ticket(Self::NAME)?;
        build_init(ahead.registry, &self.init)?;
        ahead.position = 0;
        ahead.redrawn = true;
        Ok(())
    }

    fn apply(&self, work: &Work<'_>, mut ticket: Ticket) -> Result<Outcome, Failure> {
        let init = build_init(work.registry, &self.init)?;
        ticket.arrays = work.initialise(&*init, Purpose::Reinit, |name| work.drawn(name)).collect();
        ticket.apply_masks();
        Ok(ticket.into())
    }
}
