//! What the store has of a plan, as far as a run must know it.

use rayon::prelude::*;

use super::board::State;
use super::record_file::Brief;
use super::store::Store;
use crate::plan::{Plan, Step};
use crate::record::Record;

/// A step that is in the store.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    pub diverged: bool,
    /// Validation accuracy at early stop, where the step has one.
    pub accuracy: Option<f64>,
    /// The experiment that ran it, where its record says so.
    pub experiment: Option<String>,
}

impl Recorded {
    pub fn of(record: &Record) -> Recorded {
        Recorded {
            diverged: record.training.as_ref().is_some_and(|training| training.diverged.is_some()),
            accuracy: record.scores.as_ref().and_then(|scores| scores.validation_accuracy),
            experiment: record.provenance.experiment.clone(),
        }
    }

    pub fn state(&self) -> State {
        if self.diverged { State::Diverged } else { State::Done }
    }
}

impl From<Brief> for Recorded {
    fn from(Brief { training, scores, provenance, .. }: Brief) -> Recorded {
        Recorded {
            diverged: training.is_some_and(|training| training.diverged.is_some()),
            accuracy: scores.and_then(|scores| scores.validation_accuracy),
            experiment: provenance.experiment,
        }
    }
}

/// Of each step of the plan, what is recorded.
pub fn recorded(plan: &Plan, store: &Store) -> Vec<Option<Recorded>> {
    let of = |buffer: &mut Vec<u8>, step: &Step| store.brief(&step.id, buffer).map(Recorded::from);
    plan.steps.par_iter().map_init(Vec::new, of).collect()
}
