//! A training under way as a checkpoint, and back.

use indexmap::IndexMap;

use super::super::checkpoint::{Checkpoint, Chosen, Found, Lazy, Stand};
use super::super::moves::Held;
use super::super::tensor;
use super::{Best, Run, State};
use crate::device;
use crate::mask::Mask;
use crate::stage::Failure;

/// What names of arrays begin with: as the graph computes with them, of the best evaluation, of learner and optimizer.
const NOW: &str = "now";
const BEST: &str = "best";
const LEARNER: &str = "learner";
const OPTIMIZER: &str = "optimizer";

fn at(position: u64) -> String {
    format!("at-{position}it")
}

impl Run<'_> {
    /// Writes a checkpoint where one is due, or, `now`, where any are written.
    pub(super) fn keep(&self, now: bool) -> Result<(), Failure> {
        let wanted = |keeper: &&dyn crate::train::Keeper| if now { keeper.keeps() } else { keeper.is_due() };
        if let Some(keeper) = self.bench.keeper.filter(wanted)
            && let Some(checkpoint) = self.checkpoint()?
        {
            keeper.keep(checkpoint);
        }
        Ok(())
    }

    /// `None` where learner or optimizer cannot be taken up again.
    fn checkpoint(&self) -> Result<Option<Checkpoint<'_>>, Failure> {
        let Some([learner, optimizer]) = self.learning.standing() else { return Ok(None) };
        let stand = Stand {
            begun: self.begun.clone(),
            from: self.start.position,
            to: self.training.total,
            iteration: self.iteration,
            curve: self.curve.clone(),
            recent: self.recent.clone(),
            best: self.best.as_ref().map(|best| Chosen {
                iteration: best.iteration,
                cost: best.cost,
                validation: best.validation.clone(),
            }),
            snapshots: self.snapshots.keys().copied().collect(),
            learner: learner.counts,
            optimizer: optimizer.counts,
        };
        let mut checkpoint = Checkpoint { stand, arrays: Vec::new(), masks: Vec::new() };
        for ((name, _), param) in self.names.iter().zip(&self.params) {
            let fetch = Box::new(|| device::fetched(param.clone()));
            checkpoint.arrays.push((format!("{NOW}/{name}"), Lazy { len: param.dims()[0], fetch }));
        }
        for (group, arrays) in [(LEARNER, learner.arrays), (OPTIMIZER, optimizer.arrays)] {
            let named = arrays.into_iter().enumerate().map(|(number, lazy)| (format!("{group}/{number}"), lazy));
            checkpoint.arrays.extend(named);
        }
        let masks = self.learning.masks()?.into_iter().map(|(name, mask)| (format!("{NOW}/{name}"), mask));
        checkpoint.masks.extend(masks);
        let best = self.best.iter().map(|best| (BEST.to_string(), &best.state));
        for (group, state) in best.chain(self.snapshots.iter().map(|(k, state)| (at(*k), state))) {
            for ((name, _), values) in self.names.iter().zip(&state.values) {
                let fetch = Box::new(|| Ok(values.clone()));
                checkpoint.arrays.push((format!("{group}/{name}"), Lazy { len: values.len(), fetch }));
            }
            let masks = state.masks.iter().map(|(name, mask)| (format!("{group}/{name}"), mask.clone()));
            checkpoint.masks.extend(masks);
        }
        Ok(Some(checkpoint))
    }

    /// Goes on from a checkpoint, having just begun. After an error, nothing may be done with the training.
    pub fn resume(&mut self, mut found: Found) -> Result<(), Failure> {
        let stand = found.stand.clone();
        let own = (self.begun.as_str(), self.start.position, self.training.total);
        if (stand.begun.as_str(), stand.from, stand.to) != own || !(stand.from..=stand.to).contains(&stand.iteration) {
            return Err("it is of another training".to_string().into());
        }
        let now = self.state_of(NOW, &mut found)?;
        let [learner, optimizer] = [(LEARNER, stand.learner), (OPTIMIZER, stand.optimizer)].map(|(group, counts)| {
            let arrays = (0..).map_while(|number| found.arrays.remove(&format!("{group}/{number}"))).collect();
            Held { arrays, counts }
        });
        self.best = match stand.best {
            Some(Chosen { iteration, cost, validation }) => {
                Some(Best { iteration, cost, validation, state: self.state_of(BEST, &mut found)? })
            }
            None => None,
        };
        for k in stand.snapshots.iter().filter(|k| self.start.snapshots.contains(k)) {
            let state = self.state_of(&at(*k), &mut found)?;
            self.snapshots.insert(*k, state);
        }
        self.learning.resume(learner, optimizer, &now.masks)?;
        if self.learning.masks()? != now.masks {
            return Err("its masks are not those that its scores give".to_string().into());
        }
        let device = &self.bench.compute.plain;
        self.params = now.values.into_iter().map(|values| tensor(values, device)).collect();
        (self.curve, self.recent, self.iteration) = (stand.curve, stand.recent, stand.iteration);
        Ok(())
    }

    /// A state of this training's tensors and masks.
    fn state_of(&self, group: &str, found: &mut Found) -> Result<State, Failure> {
        let mut values = Vec::new();
        for ((name, _), param) in self.names.iter().zip(&self.params) {
            let array = found.arrays.remove(&format!("{group}/{name}"));
            let array = array.filter(|array| array.len() == param.dims()[0]);
            values.push(array.ok_or_else(|| format!("{group}/{name} is not in it, or of another length"))?);
        }
        let mut masks: IndexMap<String, Mask> = IndexMap::new();
        for (name, own) in self.learning.masks()? {
            let mask = found.masks.remove(&format!("{group}/{name}")).filter(|mask| mask.len() == own.len());
            let mask = mask.ok_or_else(|| format!("the mask of {group}/{name} is not in it, or of another length"))?;
            masks.insert(name, mask);
        }
        Ok(State { values, masks })
    }
}
