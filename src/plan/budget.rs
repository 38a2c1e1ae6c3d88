//! How much a plan may hold: one that needs more is a mistake, found before memory is.

use super::cursor::Cursor;
use crate::model::Model;
use crate::spec::node::{Error, Origin};

/// Layers' counts and stop rules that all steps of a plan may have together, a few gigabytes of them.
pub const KEPT: usize = 40_000_000;

/// What a tensor of the model counts where a chain begins, with its whole configuration.
const ROOT: usize = 40;

/// Far more steps than anyone runs.
pub const LIMIT: usize = 1_000_000;

/// What a plan has taken so far.
#[derive(Default)]
pub struct Budget {
    /// Stages walked, shared ones each time.
    walked: usize,
    /// What these have kept: layers' counts and stop rules.
    kept: usize,
}

impl Budget {
    /// Counts what a replicate begins with.
    pub fn replicate(&mut self, model: &Model, replicates: u32, origin: Option<Origin>) -> Result<(), Error> {
        self.kept += ROOT * model.params.len();
        if self.kept > KEPT {
            let message = format!("{replicates} replicates of a model of {} tensors are too many", model.params.len());
            return Err(Error { message, origin, ..Error::default() }.help("fewer variants, replicates or layers"));
        }
        Ok(())
    }

    /// Counts a step of this experiment, and what is kept for it.
    pub fn step(&mut self, experiment: &str, origin: &Origin, cursor: &Cursor<'_>) -> Result<(), Error> {
        const HELP: &str = "fewer variants, replicates, levels, branches or draws";
        self.walked += 1;
        self.kept += cursor.ahead.layers.len() + cursor.gates.len();
        if self.walked > LIMIT {
            let message = format!("{experiment:?} plans more than {LIMIT} steps, shared ones included");
            return Err(Error::new(origin, message).help(HELP));
        }
        if self.kept > KEPT {
            let message = format!("{experiment:?} plans more than {KEPT} layers and stop rules, steps taken together");
            return Err(Error::new(origin, message).help(HELP));
        }
        Ok(())
    }
}
