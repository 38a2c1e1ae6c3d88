//! The state of a gradual training: weights that move under masks that shrink.

use std::borrow::Borrow;
use std::sync::Arc;

use indexmap::IndexMap;

use super::cubic::Cubic;
use super::weights::Moving;
use super::{Learner, Look};
use crate::criterion::select::{Scored, remove_lowest};
use crate::criterion::{Criterion, Weights};
use crate::mask::Mask;
use crate::optimizer::Stepper;
use crate::seed::Seeds;
use crate::values::{Restored, Standing, Values};

/// A tensor that masks are on.
pub struct Tensor {
    /// Among the model's.
    pub number: usize,
    pub name: String,
}

/// Tensors whose weights are ranked together, and how many of them are kept first and last.
pub struct Ranked {
    pub tensors: Vec<Tensor>,
    pub first: usize,
    pub last: usize,
}

pub struct Shrinking<V: Values + ?Sized> {
    pub moving: Moving<V>,
    pub cubic: Cubic,
    pub criterion: Arc<dyn Criterion>,
    pub seeds: Seeds,
    pub place: V::Place,
    pub scopes: Vec<Ranked>,
    /// How often the mask has shrunk.
    pub prunes: u32,
}

impl<V: Values + ?Sized> Shrinking<V> {
    /// Removes what the schedule wants of one scope; gives what its tensors become.
    fn shrink(&mut self, scope: usize, at: u64, values: &Look<'_, V>) -> Result<Vec<(usize, V::Owned)>, String> {
        let Ranked { tensors, first, last } = &self.scopes[scope];
        let values: Vec<V::Owned> = tensors.iter().map(|tensor| values(tensor.number)).collect::<Result<_, _>>()?;
        let mut masks: Vec<Mask> = tensors.iter().map(|tensor| self.moving.masks[&tensor.name].clone()).collect();
        let scores = tensors.iter().zip(&values).zip(&masks).map(|((tensor, values), mask)| {
            let (values, level) = (values.borrow().to_host()?, self.prunes);
            let weights = Weights { name: &tensor.name, values: &values, mask, seeds: self.seeds, level };
            Ok(self.criterion.scores(&weights))
        });
        let scores: Vec<Vec<f32>> = scores.collect::<Result<_, String>>()?;
        let kept: usize = masks.iter().map(Mask::kept).sum();
        let removed = kept.saturating_sub(self.cubic.kept(*first, *last, at));
        let mut scored: Vec<Scored<'_>> =
            scores.iter().zip(&mut masks).map(|(scores, mask)| Scored { scores, mask }).collect();
        remove_lowest(&mut scored, removed);
        let mut changed = Vec::new();
        for ((tensor, mask), values) in tensors.iter().zip(masks).zip(values) {
            let select = V::select(&mask, &self.place);
            changed.push((tensor.number, values.borrow().selected(&select)));
            self.moving.select[tensor.number] = Some(select);
            self.moving.masks.insert(tensor.name.clone(), mask);
        }
        Ok(changed)
    }
}

impl<V: Values + ?Sized> Learner<V> for Shrinking<V> {
    fn lengths(&self) -> Vec<usize> {
        self.moving.lengths()
    }

    fn step(
        &mut self,
        tensor: usize,
        values: &mut V,
        gradient: V::Gradient<'_>,
        stepper: &mut dyn Stepper<V>,
        rate: f64,
    ) {
        self.moving.step(tensor, values, gradient, stepper, rate);
    }

    fn turn(&mut self, iteration: u64, values: &Look<'_, V>) -> Result<Vec<(usize, V::Owned)>, String> {
        let mut changed = Vec::new();
        if self.cubic.is_due(iteration) {
            for scope in 0..self.scopes.len() {
                changed.extend(self.shrink(scope, iteration, values)?);
            }
            self.prunes += 1;
        }
        Ok(changed)
    }

    fn settled(&self, iteration: u64) -> bool {
        self.cubic.is_over(iteration)
    }

    fn masks(&self) -> Result<IndexMap<String, Mask>, String> {
        self.moving.masks()
    }

    fn violations(&self, tensor: usize, values: &V) -> Result<usize, String> {
        self.moving.violations(tensor, values)
    }

    fn standing(&self) -> Option<Standing<'_, V>> {
        Some(Standing { arrays: Vec::new(), counts: vec![self.prunes.into()] })
    }

    fn resume(&mut self, restored: Restored<V>, masks: &IndexMap<String, Mask>) -> Result<(), String> {
        let prunes = restored.counts.first().and_then(|prunes| u32::try_from(*prunes).ok());
        self.prunes = prunes.ok_or("it does not say how often it was pruned")?;
        for Tensor { number, name } in self.scopes.iter().flat_map(|scope| &scope.tensors) {
            let Some(mask) = masks.get(name) else { continue };
            if self.moving.masks.get(name) != Some(mask) {
                self.moving.select[*number] = Some(V::select(mask, &self.place));
                self.moving.masks.insert(name.clone(), mask.clone());
            }
        }
        Ok(())
    }
}
