//! Edge-popup: the mask is learned, no weight ever moves.

use std::borrow::{Borrow, BorrowMut};

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Ground, Learn, Learner};
use crate::init::Fans;
use crate::init::kaiming_uniform::KaimingUniform;
use crate::layer::Role;
use crate::mask::Mask;
use crate::model::Param;
use crate::optimizer::{Kept, Stepper};
use crate::range;
use crate::refusal::Refusal;
use crate::registry::{Kind, Plugin, Use};
use crate::schedule::Clock;
use crate::seed::Purpose;
use crate::stage::Ahead;
use crate::ticket::Ticket;
use crate::units::Rate;
use crate::values::{Array, Place, Restored, Standing, Values};

/// Every weight has a score; each layer computes with the weights of the largest |score| and SGD moves the scores.
///
/// The gradient passes the selection straight through: with effective weight w · m, a score s has the gradient
/// ∂L/∂(w · m) · w · sign(s), kept or not, so that a weight dropped by mistake can come back. A layer of n weights
/// keeps n − ⌊(1 − k) · n⌋. Weight decay acts on scores; biases, scales and shifts are frozen where
/// they start. Running statistics follow the batches all the same: they belong to what the network computes.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EdgePopup {
    /// k, the fraction of weights that each layer keeps.
    #[serde(deserialize_with = "range::above_zero")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub weights_remaining: Rate,
    /// How scores start: an initialiser, of the weight's fans.
    #[serde(default = "kaiming_uniform")]
    pub scores: Use,
}

fn kaiming_uniform() -> Use {
    Use::with_defaults::<KaimingUniform>()
}

impl Plugin for EdgePopup {
    const NAME: &'static str = "edge-popup";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "The mask is learned by scores, no weight moves";
    const SOURCE: &'static str = "Ramanujan et al. 2020, §3";
    const EXAMPLE: &'static str = "weights_remaining = 0.5";
    const REFERENCES: &'static [(&'static str, Kind)] = &[("scores", Kind::Init)];
}

const PRUNED: &str = "edge-popup learns a mask from all weights, and this ticket is pruned already";

impl Learn for EdgePopup {
    fn learns(&self) -> &'static str {
        "mask"
    }

    fn foresee(&self, ahead: &mut Ahead<'_>, _: Clock) -> Result<(), Refusal> {
        if ahead.kept() < ahead.prunable() {
            return Err(Refusal::new(PRUNED).help("put it before any prune"));
        }
        ahead.layers.iter_mut().for_each(|layer| layer.kept = self.weights_remaining.kept_of(layer.prunable));
        ahead.require_weights("weights_remaining", "give a larger fraction: this one rounds to no weight")?;
        Ok(())
    }

    fn start(&self, ticket: &mut Ticket, ground: &Ground<'_>) -> Result<Box<dyn Learner>, String> {
        Ok(Box::new(self.popping::<[f32]>(ticket, ground, &())?))
    }

    fn start_elsewhere(
        &self,
        ticket: &mut Ticket,
        ground: &Ground<'_>,
        place: &Place,
    ) -> Result<Box<dyn Learner<Array>>, String> {
        Ok(Box::new(self.popping::<Array>(ticket, ground, place)?))
    }
}

impl EdgePopup {
    fn popping<V: Values + ?Sized>(
        &self,
        ticket: &mut Ticket,
        Ground { model, seeds, registry, .. }: &Ground<'_>,
        place: &V::Place,
    ) -> Result<Popping<V>, String> {
        if ticket.kept() < ticket.prunable() {
            return Err(PRUNED.into());
        }
        let init = registry.inits.build(&self.scores)?;
        let start = |(param, values): (&Param, &mut Vec<f32>)| match param.role {
            Role::Weight { fan_in, fan_out, .. } => {
                let fans = Fans { len: param.len(), fan_in, fan_out };
                let scores = init.values(fans, &mut seeds.stream(Purpose::Scores, &param.name));
                let dropped = fans.len - self.weights_remaining.kept_of(fans.len);
                let popped = Popped::<V>::of(param.name.clone(), values, scores, dropped, place);
                *values = popped.effective().borrow().to_host()?;
                Ok(Tensor::Scored(popped))
            }
            Role::Bias | Role::Scale | Role::Shift => Ok(Tensor::Frozen(V::at(values.clone(), place))),
            Role::Buffer { .. } => Ok(Tensor::Buffer),
        };
        let arrays = ticket.arrays.values_mut().map(|array| &mut array.values);
        let tensors = model.params.iter().zip(arrays).map(start).collect::<Result<_, String>>()?;
        Ok(Popping { tensors })
    }
}

struct Popping<V: Values + ?Sized> {
    tensors: Vec<Tensor<V>>,
}

enum Tensor<V: Values + ?Sized> {
    Scored(Popped<V>),
    /// A bias, scale or shift, which stays as it was.
    Frozen(V::Owned),
    /// Running statistics, which the training passes move.
    Buffer,
}

/// One tensor's frozen weights and moving scores.
struct Popped<V: Values + ?Sized> {
    name: String,
    weights: V::Owned,
    scores: V::Owned,
    /// The weights of the largest |score|, ties by index as in a prune.
    select: V::Select,
    scratch: V::Scratch,
    len: usize,
    dropped: usize,
}

impl<V: Values + ?Sized> Popped<V> {
    fn of(name: String, weights: &[f32], scores: Vec<f32>, dropped: usize, place: &V::Place) -> Popped<V> {
        let (scores, mut scratch) = (V::at(scores, place), V::Scratch::default());
        Popped {
            name,
            weights: V::at(weights.to_vec(), place),
            select: scores.borrow().largest(dropped, &mut scratch),
            scores,
            scratch,
            len: weights.len(),
            dropped,
        }
    }

    fn effective(&self) -> V::Owned {
        self.weights.borrow().selected(&self.select)
    }
}

impl<V: Values + ?Sized> Learner<V> for Popping<V> {
    fn lengths(&self) -> Vec<usize> {
        let length = |tensor: &Tensor<V>| match tensor {
            Tensor::Scored(popped) => popped.len,
            Tensor::Frozen(_) | Tensor::Buffer => 0,
        };
        self.tensors.iter().map(length).collect()
    }

    fn step(
        &mut self,
        tensor: usize,
        values: &mut V,
        gradient: V::Gradient<'_>,
        stepper: &mut dyn Stepper<V>,
        rate: f64,
    ) {
        let Tensor::Scored(popped) = &mut self.tensors[tensor] else { return };
        let scores: &mut V = popped.scores.borrow_mut();
        scores.straight_through(gradient, popped.weights.borrow(), &mut |scores, gradient| {
            stepper.step(tensor, rate, scores, gradient, Kept::All);
        });
        scores.largest_into(popped.dropped, &mut popped.scratch, &mut popped.select);
        popped.weights.borrow().select_into(&popped.select, values);
    }

    fn beneath(&self, tensor: usize) -> Option<&V> {
        match &self.tensors[tensor] {
            Tensor::Scored(popped) => Some(popped.weights.borrow()),
            Tensor::Frozen(_) | Tensor::Buffer => None,
        }
    }

    fn masks(&self) -> Result<IndexMap<String, Mask>, String> {
        let mask = |tensor: &Tensor<V>| match tensor {
            Tensor::Scored(popped) => Some(V::mask(&popped.select).map(|mask| (popped.name.clone(), mask))),
            Tensor::Frozen(_) | Tensor::Buffer => None,
        };
        self.tensors.iter().filter_map(mask).collect()
    }

    fn violations(&self, tensor: usize, values: &V) -> Result<usize, String> {
        match &self.tensors[tensor] {
            Tensor::Scored(popped) => values.differing(popped.effective().borrow()),
            Tensor::Frozen(frozen) => values.differing(frozen.borrow()),
            Tensor::Buffer => Ok(0),
        }
    }

    fn standing(&self) -> Option<Standing<'_, V>> {
        let scores = self.tensors.iter().filter_map(|tensor| match tensor {
            Tensor::Scored(popped) => Some(popped.scores.borrow()),
            Tensor::Frozen(_) | Tensor::Buffer => None,
        });
        Some(Standing { arrays: scores.collect(), counts: Vec::new() })
    }

    /// Which weights are selected follows from the scores.
    fn resume(&mut self, restored: Restored<V>, _: &IndexMap<String, Mask>) -> Result<(), String> {
        let scored = self.tensors.iter_mut().filter_map(|tensor| match tensor {
            Tensor::Scored(popped) => Some(popped),
            Tensor::Frozen(_) | Tensor::Buffer => None,
        });
        for (popped, scores) in scored.zip(restored.arrays) {
            popped.scores = scores;
            let scores: &V = popped.scores.borrow();
            popped.select = scores.largest(popped.dropped, &mut popped.scratch);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criterion::select::{Scored, remove_lowest};
    use crate::kernel::top_k;
    use proptest::prelude::*;

    fn selected(scores: &[f32], dropped: usize) -> Vec<bool> {
        let mut select = Vec::new();
        top_k::select_largest(scores, dropped, &mut top_k::Scratch::default(), &mut select);
        select.into_iter().map(|bits| bits != 0).collect()
    }

    #[test]
    fn the_smallest_magnitudes_go_and_of_equal_ones_the_first() {
        assert_eq!(selected(&[0.5, -0.1, 0.1, -0.7], 1), [true, false, true, true]);
        assert_eq!(selected(&[0.5, -0.1, 0.1, -0.7], 3), [false, false, false, true]);
        assert_eq!(selected(&[1.0, 1.0], 0), [true, true]);
        assert_eq!(selected(&[1.0, 1.0], 2), [false, false]);
    }

    proptest! {
        #[test]
        fn selection_agrees_with_a_prune_by_magnitude(
            scores in prop::collection::vec((-20i8..20).prop_map(|s| f32::from(s) / 8.0), 1..200),
            part in 0.0..=1.0f64,
        ) {
            let dropped = (scores.len() as f64 * part) as usize;
            let magnitudes: Vec<f32> = scores.iter().map(|s| s.abs()).collect();
            let mut mask = Mask::ones(scores.len());
            remove_lowest(&mut [Scored { scores: &magnitudes, mask: &mut mask }], dropped);
            let kept: Vec<bool> = (0..scores.len()).map(|i| mask.keeps(i)).collect();
            prop_assert_eq!(selected(&scores, dropped), kept);
        }
    }
}
