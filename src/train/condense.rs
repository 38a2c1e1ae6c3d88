//! How a training holds a ticket: where few of a tensor's weights are kept, those only.
//!
//! The layers of such tensors are replaced by sparse ones, whose weight is the flat array of the values kept. Forward,
//! backward, gradients and the optimizer's state all shrink with it. Whether a layer is replaced depends on the
//! ticket's counts alone.

use crate::mask::Mask;
use crate::model::Model;
use crate::ticket::{Array, Ticket};

/// A model as a training computes it, and the way between its tickets and whole ones.
pub struct Condensed {
    /// With sparse layers where they are worth it.
    pub model: Model,
    /// Of each tensor that is held sparse, in graph order.
    held: Vec<Held>,
}

struct Held {
    name: String,
    shape: Vec<usize>,
    mask: Mask,
}

impl Condensed {
    /// `kernels` tells whether the device has the kernels of sparse layers.
    pub fn of(model: &Model, ticket: &Ticket, kernels: bool) -> Condensed {
        let mut condensed = Condensed { model: model.clone(), held: Vec::new() };
        if kernels {
            condensed.model.replace(&mut |layer, input, weight| {
                let mask = ticket.masks.get(&weight.name)?;
                let sparse = layer.sparse(input, mask)?;
                let (name, shape) = (weight.name.clone(), weight.shape.clone());
                weight.shape = vec![mask.kept()];
                condensed.held.push(Held { name, shape, mask: mask.clone() });
                Some(sparse)
            });
        }
        condensed
    }

    /// Leaves of each tensor that is held sparse the values kept, under a mask that keeps all of them.
    pub fn condense(&self, ticket: &mut Ticket) {
        for Held { name, mask, .. } in &self.held {
            let Some(array) = ticket.arrays.get_mut(name) else { continue };
            let values: Vec<f32> = mask.indices().map(|index| array.values[index]).collect();
            ticket.masks.insert(name.clone(), Mask::ones(values.len()));
            *array = Array { shape: vec![values.len()], values };
        }
    }

    /// Puts the values kept back in their places, and 0 in the others.
    pub fn expand(&self, ticket: &mut Ticket) {
        for Held { name, shape, mask } in &self.held {
            let Some(array) = ticket.arrays.get_mut(name) else { continue };
            let mut whole = Array::zeros(shape);
            mask.indices().zip(&array.values).for_each(|(index, value)| whole.values[index] = *value);
            *array = whole;
            ticket.masks.insert(name.clone(), mask.clone());
        }
    }
}
