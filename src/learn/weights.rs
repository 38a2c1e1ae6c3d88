//! Ordinary training: weights move, masks stay.

use std::borrow::Borrow;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Learn, Learner};
use crate::mask::Mask;
use crate::model::{Model, Param};
use crate::optimizer::{Kept, Stepper};
use crate::registry::{Plugin, Registry};
use crate::seed::Seeds;
use crate::ticket::Ticket;
use crate::values::{Array, Place, Values};

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
        Ok(Box::new(Moving::<[f32]>::of(ticket, model, &())))
    }

    fn start_elsewhere(
        &self,
        ticket: &mut Ticket,
        model: &Model,
        _: Seeds,
        _: &Registry,
        place: &Place,
    ) -> Result<Box<dyn Learner<Array>>, String> {
        Ok(Box::new(Moving::<Array>::of(ticket, model, place)))
    }
}

struct Moving<V: Values + ?Sized> {
    lengths: Vec<usize>,
    /// Of each tensor that is not kept whole.
    select: Vec<Option<V::Select>>,
    masks: IndexMap<String, Mask>,
}

impl<V: Values + ?Sized> Moving<V> {
    fn of(ticket: &mut Ticket, model: &Model, place: &V::Place) -> Moving<V> {
        ticket.apply_masks();
        let length = |param: &Param| if param.role.is_trained() { param.len() } else { 0 };
        let masked = |name: &String| ticket.masks.get(name).filter(|mask| mask.kept() < mask.len());
        Moving {
            lengths: model.params.iter().map(length).collect(),
            select: ticket.arrays.keys().map(|name| masked(name).map(|mask| V::select(mask, place))).collect(),
            masks: ticket.masks.clone(),
        }
    }
}

impl<V: Values + ?Sized> Learner<V> for Moving<V> {
    fn lengths(&self) -> Vec<usize> {
        self.lengths.clone()
    }

    fn step(
        &mut self,
        tensor: usize,
        values: &mut V,
        gradient: V::Gradient<'_>,
        stepper: &mut dyn Stepper<V>,
        rate: f64,
    ) {
        let kept = self.select[tensor].as_ref().map_or(Kept::All, Kept::Some);
        stepper.step(tensor, rate, values, gradient, kept);
    }

    fn masks(&self) -> Result<IndexMap<String, Mask>, String> {
        Ok(self.masks.clone())
    }

    fn violations(&self, tensor: usize, values: &V) -> Result<usize, String> {
        self.select[tensor].as_ref().map_or(Ok(0), |select| values.differing(values.selected(select).borrow()))
    }
}
