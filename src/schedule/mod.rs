//! Learning-rate schedules.

pub mod constant;
pub mod cosine;
pub mod step;
pub mod warm_up;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::refusal::Refusal;
use crate::registry::{Registry, Use};
use crate::units::Length;

/// Where a training stands. Iterations are counted from the start of the schedule, which a training that was rewound
/// to k joins at k.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// The iteration about to run, from 0.
    pub iteration: u64,
    /// Total length in iterations.
    pub total: u64,
    /// Iterations in an epoch.
    pub per_epoch: u64,
}

/// Scales the optimizer's learning rate over a training.
pub trait Schedule: Send + Sync {
    /// The factor for one iteration, usually within 0 to 1.
    fn factor(&self, clock: Clock) -> f64;

    /// Whether it is one for a schedule that ends where the clock does.
    fn fits(&self, _end: Clock) -> Result<(), Refusal> {
        Ok(())
    }

    /// Of a schedule that hands over to another: after how long, and to which.
    fn then(&self) -> Option<(Length, &Use)> {
        None
    }
}

/// A schedule with all that follow it, as a training asks them.
#[derive(Clone)]
pub struct Course {
    own: Arc<dyn Schedule>,
    then: Option<(Length, Arc<Course>)>,
}

impl Course {
    pub fn start(used: &Use, registry: &Registry) -> Result<Course, String> {
        let own = registry.schedules.build(used)?;
        let then = own.then().map(|(length, used)| Ok::<_, String>((length, Arc::new(Course::start(used, registry)?))));
        Ok(Course { then: then.transpose()?, own })
    }

    /// How long the first schedule runs before another takes over.
    pub fn first(&self) -> Option<Length> {
        self.then.as_ref().map(|(length, _)| *length)
    }

    /// The factor for one iteration. A schedule that follows counts from where it took over, and has the rest.
    pub fn factor(&self, clock: Clock) -> f64 {
        match self.following(clock) {
            Some((then, clock)) => then.factor(clock),
            None => self.own.factor(clock),
        }
    }

    /// Whether each of them fits the part of a training that it has. `end` is where the training ends.
    pub fn fits(&self, end: Clock) -> Result<(), Refusal> {
        self.own.fits(end)?;
        match self.following(end) {
            Some((then, end)) => then.fits(end).map_err(|refusal| refusal.within("then")),
            None => Ok(()),
        }
    }

    /// The schedule that has taken over, and the clock that it sees.
    fn following(&self, clock: Clock) -> Option<(&Course, Clock)> {
        let (length, then) = self.then.as_ref()?;
        let length = length.iterations(clock.per_epoch);
        let iteration = clock.iteration.checked_sub(length)?;
        Some((then, Clock { iteration, total: clock.total.saturating_sub(length), ..clock }))
    }
}

/// What a schedule counts: it moves at every iteration, or once an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    #[default]
    Iteration,
    Epoch,
}

impl By {
    /// Where the clock stands; within an epoch, the epochs before it.
    fn position(self, clock: Clock) -> u64 {
        match self {
            By::Iteration => clock.iteration,
            By::Epoch => clock.iteration / clock.per_epoch.max(1),
        }
    }

    /// A length of iterations; an epoch that is cut short counts as one.
    fn length(self, iterations: u64, clock: Clock) -> u64 {
        match self {
            By::Iteration => iterations,
            By::Epoch => iterations.div_ceil(clock.per_epoch.max(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped(name: &str, config: &str) -> Course {
        let used = Use { name: name.to_string(), config: serde_json::from_str(config).unwrap(), version: 1 };
        Course::start(&used, &Registry::builtin()).unwrap()
    }

    /// Whether a shipped schedule fits a training of this many iterations, two an epoch.
    pub fn fits(name: &str, config: &str, total: u64) -> Result<(), Refusal> {
        shipped(name, config).fits(Clock { iteration: total, total, per_epoch: 2 })
    }

    /// A shipped schedule's factors over a whole training, with two iterations an epoch.
    pub fn factors(name: &str, config: &str, total: u64) -> Vec<f64> {
        let schedule = shipped(name, config);
        (0..total).map(|iteration| schedule.factor(Clock { iteration, total, per_epoch: 2 })).collect()
    }

    pub fn assert_near(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-7), "{found:?}, not {expected:?}");
    }
}
