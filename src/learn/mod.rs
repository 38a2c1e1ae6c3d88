//! What a training learns: the weights, or the mask.

mod edge_popup;
mod weights;

pub use edge_popup::EdgePopup;
pub use weights::LearnWeights;

use indexmap::IndexMap;

use crate::mask::Mask;
use crate::model::Model;
use crate::optimizer::Stepper;
use crate::registry::Registry;
use crate::seed::Seeds;
use crate::ticket::Ticket;
use crate::values::{Array, Place, Values};

/// A way to learn, as a spec configures it.
pub trait Learn: Send + Sync {
    /// What moves: "weights" or "mask".
    fn learns(&self) -> &'static str;

    /// Whether masks stay as they are, so that a training needs the values of kept weights alone.
    fn keeps_masks(&self) -> bool {
        false
    }

    /// How many of a tensor's weights are kept after a training that began with `kept` of `prunable`; an error where
    /// it cannot begin so.
    fn foresee(&self, kept: usize, prunable: usize) -> Result<usize, String>;

    /// Prepares a training from a ticket, whose arrays become what the graph computes with.
    fn start(
        &self,
        ticket: &mut Ticket,
        model: &Model,
        seeds: Seeds,
        registry: &Registry,
    ) -> Result<Box<dyn Learner>, String>;

    /// As `start`, for a training whose values rest on a device whose memory is not the host's.
    fn start_elsewhere(
        &self,
        _ticket: &mut Ticket,
        _model: &Model,
        _seeds: Seeds,
        _registry: &Registry,
        _place: &Place,
    ) -> Result<Box<dyn Learner<Array>>, String> {
        Err(format!("what learns {} here does so in the host's memory only: use `--device cpu`", self.learns()))
    }
}

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
}
