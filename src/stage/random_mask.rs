//! A random mask of a given size, without a ticket to imitate.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Ahead, Failure, Outcome, Stage, Work};
use crate::range;
use crate::refusal::Refusal;
use crate::registry::Plugin;
use crate::seed::Purpose;
use crate::ticket::Ticket;
use crate::units::Rate;

/// (θ, m) → (θ, random m): each tensor keeps `weights_remaining` of its weights, drawn without replacement among
/// those that it keeps now. Counts as one prune.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RandomMask {
    /// Fraction of each tensor's kept weights that stay, rounded half up.
    #[serde(deserialize_with = "range::above_zero")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub weights_remaining: Rate,
}

impl Plugin for RandomMask {
    const NAME: &'static str = "random-mask";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "A random mask of a given size";
    const EXAMPLE: &'static str = "weights_remaining = 0.2";
}

impl Stage for RandomMask {
    fn foresee(&self, ahead: &mut Ahead<'_>) -> Result<(), Refusal> {
        ahead.require_ticket(Self::NAME)?;
        ahead.layers.iter_mut().for_each(|layer| layer.kept = self.weights_remaining.of(layer.kept));
        ahead.require_weights("weights_remaining", "give a larger fraction: this one rounds to no weight")?;
        ahead.level += 1;
        Ok(())
    }

    fn apply(&self, work: &Work<'_>, mut ticket: Ticket) -> Result<Outcome, Failure> {
        for (name, mask) in &mut ticket.masks {
            let mut kept: Vec<usize> = mask.indices().collect();
            work.seeds.stream(Purpose::Shuffle, &work.drawn(name)).shuffle(&mut kept);
            let stays = self.weights_remaining.of(kept.len());
            kept[stays..].iter().for_each(|i| mask.remove(*i));
        }
        ticket.apply_masks();
        Ok(ticket.into())
    }
}
