//! Training: of the weights, or of the mask.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Ahead, Failure, Outcome, Stage, Work};
use crate::learn::{Learn, LearnWeights};
use crate::optimizer::Optimizer;
use crate::registry::{Kind, Plugin, Registry, Use};
use crate::schedule::Course;
use crate::schedule::constant::Constant;
use crate::ticket::Ticket;
use crate::units::Length;

/// (θ, m) → (θ′, m), or (θ, m′) where the mask is learned. Keys that a pipeline leaves out come from `[training]`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Train {
    /// How weights, or scores, move; it holds the learning rate.
    pub optimizer: Use,
    /// How the learning rate changes over the training.
    #[serde(default = "constant")]
    pub schedule: Use,
    /// Examples in a batch.
    pub batch_size: usize,
    /// Total length.
    pub length: Length,
    /// How often validation data is evaluated.
    pub evaluate: Length,
    /// What is learned.
    #[serde(default = "weights")]
    pub learn: Use,
    /// The name of another stream of data order than the one that all pipelines share.
    #[serde(default)]
    pub order: String,
}

fn constant() -> Use {
    Use::with_defaults::<Constant>()
}

fn weights() -> Use {
    Use::with_defaults::<LearnWeights>()
}

impl Plugin for Train {
    const NAME: &'static str = "train";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Trains the weights, or the mask";
    const EXAMPLE: &'static str = r#"length = "2000it", schedule = "cosine""#;
    const REFERENCES: &'static [(&'static str, Kind)] =
        &[("optimizer", Kind::Optimizer), ("schedule", Kind::Schedule), ("learn", Kind::Learn)];
}

/// A training with its plugins built and its lengths in iterations.
#[derive(Clone)]
pub struct Training {
    pub optimizer: Arc<dyn Optimizer>,
    pub schedule: Course,
    pub learn: Arc<dyn Learn>,
    pub batch_size: usize,
    /// Iterations in an epoch.
    pub per_epoch: u64,
    /// Total length in iterations.
    pub total: u64,
    /// Iterations between evaluations.
    pub evaluate: u64,
    /// The data-order stream's name.
    pub order: String,
}

impl Train {
    /// Builds what the configuration names, for a training split of this many examples.
    pub fn resolve(&self, registry: &Registry, examples: u64) -> Result<Training, String> {
        if self.batch_size == 0 {
            return Err("a batch of 0 examples trains nothing: batch_size must be at least 1".into());
        }
        if self.batch_size as u64 > examples {
            return Err(format!(
                "batches of {} are larger than the training split, {examples} examples",
                self.batch_size
            ));
        }
        let per_epoch = examples.div_ceil(self.batch_size as u64).max(1);
        let training = Training {
            optimizer: registry.optimizers.build(&self.optimizer)?,
            schedule: Course::start(&self.schedule, registry)?,
            learn: registry.learns.build(&self.learn)?,
            batch_size: self.batch_size,
            per_epoch,
            total: self.length.iterations(per_epoch),
            evaluate: self.evaluate.iterations(per_epoch),
            order: self.order.clone(),
        };
        match (training.total, training.evaluate) {
            (0, _) => Err("a training of length 0 trains nothing: use `evaluate` to score a ticket as it is".into()),
            (_, 0) => Err("`evaluate` is 0: it must be at least \"1it\"".into()),
            (total, every) if every > total => Err(format!(
                "`evaluate` = {} is longer than the training, {}: early stop would see its end only",
                self.evaluate, self.length
            )),
            _ => Ok(training),
        }
    }
}

impl Stage for Train {
    fn foresee(&self, ahead: &mut Ahead<'_>) -> Result<(), String> {
        ahead.require_ticket(Self::NAME)?;
        let training = self.resolve(ahead.registry, ahead.examples)?;
        if ahead.position >= training.total {
            return Err(format!(
                "the training begins at {}it, where the last one ended, and ends at {}it: `length` counts from the start \
                 of the pipeline; write a longer one, or rewind before",
                ahead.position, training.total
            ));
        }
        ahead.iterations = training.total - ahead.position;
        ahead.position = training.total;
        if ahead.trained.is_none() {
            ahead.trained = Some(training.total);
            ahead.per_epoch = training.per_epoch;
        }
        for layer in &mut ahead.layers {
            layer.kept = training.learn.foresee(layer.kept, layer.prunable)?;
        }
        ahead.learns = Some(training.learn.learns());
        ahead.evaluated = true;
        Ok(())
    }

    fn apply(&self, work: &Work<'_>, ticket: Ticket) -> Result<Outcome, Failure> {
        let training = self.resolve(work.registry, work.lab.examples())?;
        work.lab.train(ticket, &training, work)
    }
}
