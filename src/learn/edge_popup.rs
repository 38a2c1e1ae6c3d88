//! Edge-popup: the mask is learned, no weight ever moves.

use std::ops::Range;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Learn, Learner};
use crate::init::kaiming_uniform::KaimingUniform;
use crate::init::{Fans, Init};
use crate::kernel::buffer::Buffer;
use crate::kernel::gradient::Gradient;
use crate::kernel::top_k;
use crate::layer::Role;
use crate::mask::Mask;
use crate::model::{Model, Param};
use crate::optimizer::{Kept, Stepper};
use crate::registry::{Kind, Plugin, Registry, Use};
use crate::seed::{Purpose, Seeds};
use crate::ticket::Ticket;
use crate::units::Rate;

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
    const REFERENCES: &'static [(&'static str, Kind)] = &[("scores", Kind::Init)];
}

const PRUNED: &str = "edge-popup learns a mask from all weights, and this ticket is pruned already";

impl Learn for EdgePopup {
    fn learns(&self) -> &'static str {
        "mask"
    }

    fn foresee(&self, kept: usize, prunable: usize) -> Result<usize, String> {
        match kept < prunable {
            true => Err(PRUNED.into()),
            false => Ok(self.weights_remaining.kept_of(prunable)),
        }
    }

    fn start(
        &self,
        ticket: &mut Ticket,
        model: &Model,
        seeds: Seeds,
        registry: &Registry,
    ) -> Result<Box<dyn Learner>, String> {
        if ticket.kept() < ticket.prunable() {
            return Err(PRUNED.into());
        }
        let init = registry.inits.build(&self.scores)?;
        let start = |(param, array): (&Param, &mut crate::ticket::Array)| match param.role {
            Role::Weight { fan_in, fan_out, .. } => {
                let fans = Fans { len: param.len(), fan_in, fan_out };
                Tensor::Scored(self.scored(param, fans, &mut array.values, &*init, seeds))
            }
            Role::Bias | Role::Scale | Role::Shift => Tensor::Frozen(array.values.clone()),
            Role::Buffer { .. } => Tensor::Buffer,
        };
        let tensors = model.params.iter().zip(ticket.arrays.values_mut()).map(start).collect();
        Ok(Box::new(Popping { tensors }))
    }
}

impl EdgePopup {
    fn scored(&self, param: &Param, fans: Fans, values: &mut [f32], init: &dyn Init, seeds: Seeds) -> Popped {
        let scores = init.values(fans, &mut seeds.stream(Purpose::Scores, &param.name));
        let dropped = fans.len - self.weights_remaining.kept_of(fans.len);
        let mut popped = Popped {
            name: param.name.clone(),
            weights: values.to_vec(),
            select: Vec::new(),
            scratch: top_k::Scratch::default(),
            scores,
            dropped,
        };
        popped.choose(values);
        popped
    }
}

struct Popping {
    tensors: Vec<Tensor>,
}

enum Tensor {
    Scored(Popped),
    /// A bias, scale or shift, which stays as it was.
    Frozen(Vec<f32>),
    /// Running statistics, which the training passes move.
    Buffer,
}

/// One tensor's frozen weights and moving scores.
struct Popped {
    name: String,
    weights: Vec<f32>,
    scores: Vec<f32>,
    /// All ones where kept.
    select: Vec<u32>,
    scratch: top_k::Scratch,
    dropped: usize,
}

impl Popped {
    /// Selects the weights of the largest |score|, ties by index as in a prune, and writes the effective weights.
    fn choose(&mut self, effective: &mut [f32]) {
        top_k::select_largest(&self.scores, self.dropped, &mut self.scratch, &mut self.select);
        top_k::effective(&self.weights, &self.select, effective);
    }
}

/// The gradient with respect to scores, from the one with respect to effective weights.
struct StraightThrough<'a> {
    effective: &'a dyn Gradient,
    weights: &'a [f32],
}

impl Gradient for StraightThrough<'_> {
    fn piece(&self) -> usize {
        self.effective.piece()
    }

    fn of<'a>(&'a self, piece: Range<usize>, scores: &[f32], room: &'a mut [f32]) -> &'a [f32] {
        let weights = &self.weights[piece.clone()];
        let mut effective_room = Buffer::new(piece.len());
        let effective = self.effective.of(piece, weights, &mut effective_room);
        top_k::score_gradient(effective, weights, scores, room);
        room
    }
}

impl Learner for Popping {
    fn lengths(&self) -> Vec<usize> {
        let length = |tensor: &Tensor| match tensor {
            Tensor::Scored(popped) => popped.scores.len(),
            Tensor::Frozen(_) | Tensor::Buffer => 0,
        };
        self.tensors.iter().map(length).collect()
    }

    fn step(
        &mut self,
        tensor: usize,
        values: &mut [f32],
        gradient: &dyn Gradient,
        stepper: &mut dyn Stepper,
        rate: f64,
    ) {
        let Tensor::Scored(popped) = &mut self.tensors[tensor] else { return };
        let gradient = StraightThrough { effective: gradient, weights: &popped.weights };
        stepper.step(tensor, rate, &mut popped.scores, &gradient, Kept::All);
        popped.choose(values);
    }

    fn beneath(&self, tensor: usize) -> Option<&[f32]> {
        match &self.tensors[tensor] {
            Tensor::Scored(popped) => Some(&popped.weights),
            Tensor::Frozen(_) | Tensor::Buffer => None,
        }
    }

    fn masks(&self) -> IndexMap<String, Mask> {
        let mask = |tensor: &Tensor| match tensor {
            Tensor::Scored(t) => Some((t.name.clone(), Mask::from_fn(t.select.len(), |i| t.select[i] != 0))),
            Tensor::Frozen(_) | Tensor::Buffer => None,
        };
        self.tensors.iter().filter_map(mask).collect()
    }

    fn violations(&self, tensor: usize, values: &[f32]) -> usize {
        let moved = |expected: &mut dyn Iterator<Item = u32>| {
            expected.zip(values).filter(|(bits, value)| *bits != value.to_bits()).count()
        };
        match &self.tensors[tensor] {
            Tensor::Scored(t) => moved(&mut t.weights.iter().zip(&t.select).map(|(w, select)| w.to_bits() & select)),
            Tensor::Frozen(values) => moved(&mut values.iter().map(|v| v.to_bits())),
            Tensor::Buffer => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criterion::select::{Scored, remove_lowest};
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
