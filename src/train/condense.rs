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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::layer::{Linear, Shape};
    use crate::model::Part;

    /// Two linear layers, of 4 × 3 and 3 × 2 weights.
    fn model() -> Model {
        let part = |name: &str, units| {
            let layer = Linear { units, width: 1.0, bias: true };
            Part::Layer { name: name.into(), plugin: "linear".into(), layer: Arc::new(layer) }
        };
        Model::infer(Shape::Flat(4), vec![part("a", 3), part("b", 2)]).ok().unwrap()
    }

    /// Values 1, 2, 3 … of which `a` keeps those at 1, 4 and 11, and `b` all but the first.
    fn ticket(model: &Model) -> Ticket {
        let mut ticket = Ticket::default();
        for param in &model.params {
            let values = (1..=param.len()).map(|i| i as f32).collect();
            ticket.arrays.insert(param.name.clone(), Array { shape: param.shape.clone(), values });
        }
        ticket.masks.insert("a.weight".into(), Mask::from_fn(12, |i| [1, 4, 11].contains(&i)));
        ticket.masks.insert("b.weight".into(), Mask::from_fn(6, |i| i > 0));
        ticket.apply_masks();
        ticket
    }

    #[test]
    fn a_tensor_with_few_weights_is_held_by_those_and_comes_back_whole() {
        let model = model();
        let whole = ticket(&model);
        let condensed = Condensed::of(&model, &whole, true);
        let mut held = whole.clone();
        condensed.condense(&mut held);
        assert_eq!(held.arrays["a.weight"].values, [2.0, 5.0, 12.0]);
        assert_eq!((held.masks["a.weight"].kept(), condensed.model.params[0].len()), (3, 3));
        assert_eq!(held.arrays["b.weight"], whole.arrays["b.weight"], "five of six are too many");
        condensed.expand(&mut held);
        assert_eq!(held, whole);
    }

    #[test]
    fn without_the_kernels_nothing_is_condensed() {
        let model = model();
        let (whole, mut held) = (ticket(&model), ticket(&model));
        Condensed::of(&model, &whole, false).condense(&mut held);
        assert_eq!(held, whole);
    }
}
