//! What a training learns: the weights, or the mask.

mod cubic;
mod edge_popup;
mod gradual;
mod shrinking;
mod weights;

pub use edge_popup::EdgePopup;
pub use gradual::Gradual;
pub use weights::LearnWeights;

use indexmap::IndexMap;

use crate::mask::Mask;
use crate::model::Model;
use crate::optimizer::Stepper;
use crate::refusal::Refusal;
use crate::registry::Registry;
use crate::schedule::Clock;
use crate::seed::Seeds;
use crate::stage::Ahead;
use crate::ticket::Ticket;
use crate::values::{Array, Place, Restored, Standing, Values};

/// What a training begins with beside its ticket.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    pub model: &'a Model,
    pub seeds: Seeds,
    pub registry: &'a Registry,
    /// Where it begins, and in which schedule.
    pub clock: Clock,
}

/// A way to learn, as a spec configures it.
pub trait Learn: Send + Sync {
    /// What moves: "weights" or "mask".
    fn learns(&self) -> &'static str;

    /// Whether masks stay as they are, so that a training needs the values of kept weights alone.
    fn keeps_masks(&self) -> bool {
        false
    }

    /// Changes what is known of the ticket by what a training that begins at this clock does to its masks; an error
    /// where it cannot begin so.
    fn foresee(&self, _ahead: &mut Ahead<'_>, _begins: Clock) -> Result<(), Refusal> {
        Ok(())
    }

    /// Prepares a training from a ticket, whose arrays become what the graph computes with.
    fn start(&self, ticket: &mut Ticket, ground: &Ground<'_>) -> Result<Box<dyn Learner>, String>;

    /// As `start`, for a training whose values rest on a device whose memory is not the host's.
    fn start_elsewhere(
        &self,
        _ticket: &mut Ticket,
        _ground: &Ground<'_>,
        _place: &Place,
    ) -> Result<Box<dyn Learner<Array>>, String> {
        Err(format!("what learns {} here does so in the host's memory only: use `--device cpu`", self.learns()))
    }
}

/// Gives a tensor's values by its number. Errors where the device does not answer.
pub type Look<'a, V> = dyn Fn(usize) -> Result<<V as Values>::Owned, String> + 'a;

/// The state of one training, beside the values that the graph computes with. Tensors are numbered as in the model.
pub trait Learner<V: Values + ?Sized = [f32]>: Send {
    /// Lengths of what the optimizer moves, tensor by tensor; 0 where a tensor is frozen or a buffer, and needs no
    /// gradient.
    fn lengths(&self) -> Vec<usize>;

    /// Changes tensor number `tensor`'s values by one step, given the loss's gradient with respect to them.
    fn step(
        &mut self,
        tensor: usize,
        values: &mut V,
        gradient: V::Gradient<'_>,
        stepper: &mut dyn Stepper<V>,
        learning_rate: f64,
    );

    /// Called once so many iterations of the schedule are done, after every tensor's step: what some tensors' values
    /// become, each by its number, where more than steps changes them. `values` gives a tensor's, and copies them.
    fn turn(&mut self, _iteration: u64, _values: &Look<'_, V>) -> Result<Vec<(usize, V::Owned)>, String> {
        Ok(Vec::new())
    }

    /// Whether masks are those of the training's end once so many iterations are done: early stop passes over what comes
    /// before, so that the ticket that is reported has the weights remaining that it says.
    fn settled(&self, _iteration: u64) -> bool {
        true
    }

    /// What a rewind to this moment restores, where it is not what the graph computes with: a learned mask hides weights
    /// that are still there.
    fn beneath(&self, _tensor: usize) -> Option<&V> {
        None
    }

    /// The masks as they stand. Errors where the device does not answer.
    fn masks(&self) -> Result<IndexMap<String, Mask>, String>;

    /// How many values of a tensor break rule 2: a masked weight that is not 0, or a frozen one that moved. A buffer is
    /// neither. Errors where the device does not answer.
    fn violations(&self, tensor: usize, values: &V) -> Result<usize, String>;

    /// What a checkpoint keeps of it beside values and masks. `None` where it cannot be taken up again: then a training that
    /// was interrupted begins anew.
    fn standing(&self) -> Option<Standing<'_, V>> {
        None
    }

    /// Goes on, from its very beginning, from what `standing` and `masks` gave once: as many counts, arrays of the lengths
    /// that this one's have, masks of the same tensors.
    fn resume(&mut self, _: Restored<V>, _: &IndexMap<String, Mask>) -> Result<(), String> {
        Err("what learns here cannot go on from a checkpoint".into())
    }
}
