//! Ordinary training: weights move, masks stay.

use std::borrow::Borrow;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Ground, Learn, Learner};
use crate::mask::Mask;
use crate::model::{Model, Param};
use crate::optimizer::{Kept, Stepper};
use crate::registry::Plugin;
use crate::ticket::Ticket;
use crate::values::{Array, Place, Restored, Standing, Values};

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

    fn start(&self, ticket: &mut Ticket, ground: &Ground<'_>) -> Result<Box<dyn Learner>, String> {
        Ok(Box::new(Moving::<[f32]>::of(ticket, ground.model, &())))
    }

    fn start_elsewhere(
        &self,
        ticket: &mut Ticket,
        ground: &Ground<'_>,
        place: &Place,
    ) -> Result<Box<dyn Learner<Array>>, String> {
        Ok(Box::new(Moving::<Array>::of(ticket, ground.model, place)))
    }
}

/// Weights that move under masks.
pub(super) struct Moving<V: Values + ?Sized> {
    lengths: Vec<usize>,
    /// Of each tensor that is not kept whole.
    pub select: Vec<Option<V::Select>>,
    pub masks: IndexMap<String, Mask>,
}

impl<V: Values + ?Sized> Moving<V> {
    pub fn of(ticket: &mut Ticket, model: &Model, place: &V::Place) -> Moving<V> {
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

    fn standing(&self) -> Option<Standing<'_, V>> {
        Some(Standing::nothing())
    }

    fn resume(&mut self, _: Restored<V>, _: &IndexMap<String, Mask>) -> Result<(), String> {
        Ok(())
    }
}
