//! Ordinary training: weights move, masks stay.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Learn, Learner};
use crate::kernel::gradient::Gradient;
use crate::mask::Mask;
use crate::model::{Model, Param};
use crate::optimizer::{Kept, Stepper};
use crate::registry::{Plugin, Registry};
use crate::seed::Seeds;
use crate::ticket::Ticket;

/// Every parameter moves, but a masked weight, which is exactly 0 after every step. Buffers are the graph's own.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LearnWeights {}

impl Plugin for LearnWeights {
    const NAME: &'static str = "weights";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Weights move, masks stay";
}

impl Learn for LearnWeights {
    fn learns(&self) -> &'static str {
        "weights"
    }

    fn keeps_masks(&self) -> bool {
        true
    }

    fn foresee(&self, kept: usize, _: usize) -> Result<usize, String> {
        Ok(kept)
    }

    fn start(&self, ticket: &mut Ticket, model: &Model, _: Seeds, _: &Registry) -> Result<Box<dyn Learner>, String> {
        ticket.apply_masks();
        let length = |param: &Param| if param.role.is_trained() { param.len() } else { 0 };
        let select = |name: &String| ticket.masks.get(name).filter(|m| m.kept() < m.len()).map(Mask::select);
        Ok(Box::new(Moving {
            lengths: model.params.iter().map(length).collect(),
            select: ticket.arrays.keys().map(select).collect(),
            masks: ticket.masks.clone(),
        }))
    }
}

struct Moving {
    lengths: Vec<usize>,
    /// Of a tensor that is not kept whole, all ones where kept.
    select: Vec<Option<Vec<u32>>>,
    masks: IndexMap<String, Mask>,
}

impl Learner for Moving {
    fn lengths(&self) -> Vec<usize> {
        self.lengths.clone()
    }

    fn step(
        &mut self,
        tensor: usize,
        values: &mut [f32],
        gradient: &dyn Gradient,
        stepper: &mut dyn Stepper,
        rate: f64,
    ) {
        let kept = self.select[tensor].as_deref().map_or(Kept::All, Kept::Some);
        stepper.step(tensor, rate, values, gradient, kept);
    }

    fn masks(&self) -> IndexMap<String, Mask> {
        self.masks.clone()
    }

    fn violations(&self, tensor: usize, values: &[f32]) -> usize {
        let Some(select) = &self.select[tensor] else { return 0 };
        select.iter().zip(values).filter(|(kept, w)| **kept == 0 && w.to_bits() != 0).count()
    }
}
