//! A control: each layer keeps as many weights as before, but others.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Ahead, Failure, Outcome, Stage, Work};
use crate::mask::Mask;
use crate::refusal::Refusal;
use crate::registry::Plugin;
use crate::seed::Purpose;
use crate::ticket::Ticket;

/// (θk, m) → (θk, m permuted within each tensor), where k is the position that the ticket was rewound to, 0 as a
/// rule. The weights of position k are restored first, for those that the old mask dropped and the new one keeps.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shuffle {}

impl Plugin for Shuffle {
    const NAME: &'static str = "shuffle";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "The mask permuted within each layer, initial weights";
    const SOURCE: &'static str = "Frankle et al. 2021, Pruning neural networks at initialization, §5";
}

impl Stage for Shuffle {
    fn foresee(&self, ahead: &mut Ahead<'_>) -> Result<(), Refusal> {
        ahead.require_ticket(Self::NAME)?;
        if ahead.trained.is_none() {
            let refusal = Refusal::new("`shuffle` imitates a ticket, and none was trained yet");
            return Err(
                refusal.help("put a `train` and a `prune` before it, or let the pipeline fork: `each = \"imp\"`")
            );
        }
        // Where the ticket was never rewound, that is initialisation, and the control is trained from there.
        ahead.position = ahead.origin;
        ahead.rewinds_to = Some(ahead.origin);
        // What is masked is of any unit now.
        ahead.units.iter_mut().flatten().for_each(|units| units.left = units.count);
        Ok(())
    }

    fn apply(&self, work: &Work<'_>, ticket: Ticket) -> Result<Outcome, Failure> {
        let earlier = work.rewound.clone().ok_or_else(|| "the weights to restore are not there".to_string())?;
        let permuted = |(name, mask): (&String, &Mask)| {
            let mut places: Vec<usize> = (0..mask.len()).collect();
            work.seeds.stream(Purpose::Shuffle, &work.drawn(name)).shuffle(&mut places);
            (name.clone(), Mask::from_fn(mask.len(), |i| mask.keeps(places[i])))
        };
        let mut shuffled = Ticket { arrays: earlier.arrays, masks: ticket.masks.iter().map(permuted).collect() };
        shuffled.apply_masks();
        Ok(shuffled.into())
    }
}
