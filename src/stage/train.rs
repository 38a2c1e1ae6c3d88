//! Training: of the weights, or of the mask.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Ahead, Failure, Outcome, Stage, Work};
use crate::augment::Augmentation;
use crate::learn::{Learn, LearnWeights};
use crate::optimizer::Optimizer;
use crate::range::{self, SOME_LENGTH};
use crate::record::EarlyStop;
use crate::refusal::Refusal;
use crate::registry::{Kind, Plugin, Registry, Use};
use crate::schedule::constant::Constant;
use crate::schedule::{Clock, Course};
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
    #[serde(deserialize_with = "range::at_least_one")]
    #[schemars(range(min = 1))]
    pub batch_size: usize,
    /// Total length: it counts from the start of the pipeline, unless the training goes `further`.
    #[serde(deserialize_with = "range::some_length")]
    #[schemars(regex(pattern = SOME_LENGTH))]
    pub length: Length,
    /// Whether `length` counts from where the last training ended, as in fine-tuning. Schedules see the iterations of both.
    #[serde(default)]
    pub further: Option<bool>,
    /// How often validation data is evaluated.
    #[serde(deserialize_with = "range::some_length")]
    #[schemars(regex(pattern = SOME_LENGTH))]
    pub evaluate: Length,
    /// What is learned.
    #[serde(default = "weights")]
    pub learn: Use,
    /// The name of another stream of data order than the one that all pipelines share.
    #[serde(default)]
    pub order: String,
    /// How training images are changed each time that they are seen, in this order.
    #[serde(default)]
    pub augment: Option<Vec<Use>>,
    /// How much of each label goes to all classes in equal parts (Szegedy et al. 2016, §7); where absent, nothing.
    #[serde(default, deserialize_with = "range::some_below_one")]
    #[schemars(range(min = 0, max = 1))]
    pub label_smoothing: Option<f64>,
    /// Which evaluation is reported as early stop's, chosen afterwards.
    #[serde(default, skip_serializing_if = "EarlyStop::is_usual")]
    pub early_stop: EarlyStop,
}

pub(super) fn constant() -> Use {
    Use::with_defaults::<Constant>()
}

pub(super) fn weights() -> Use {
    Use::with_defaults::<LearnWeights>()
}

impl Plugin for Train {
    const NAME: &'static str = "train";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Trains the weights, or the mask";
    const EXAMPLE: &'static str = r#"length = "2000it", schedule = "cosine""#;
    const REFERENCES: &'static [(&'static str, Kind)] = &[
        ("optimizer", Kind::Optimizer),
        ("schedule", Kind::Schedule),
        ("learn", Kind::Learn),
        ("augment", Kind::Augment),
    ];
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
    pub augmentation: Augmentation,
    /// From 0, below 1.
    pub label_smoothing: f64,
    pub early_stop: EarlyStop,
}

impl Training {
    /// Where it stands at an iteration.
    pub fn clock(&self, iteration: u64) -> Clock {
        Clock { iteration, total: self.total, per_epoch: self.per_epoch }
    }
}

impl Train {
    /// Builds what the configuration names, for a training split of this many examples and a training from `position` on.
    pub fn resolve(&self, registry: &Registry, examples: u64, position: u64) -> Result<Training, Refusal> {
        if self.batch_size as u64 > examples {
            let message = format!("batches of {} are larger than the training split", self.batch_size);
            return Err(Refusal::of("batch_size", message)
                .help(format!("it has {examples} examples, validation examples taken off")));
        }
        let per_epoch = examples.div_ceil(self.batch_size.max(1) as u64).max(1);
        let training = Training {
            optimizer: registry.optimizers.build(&self.optimizer)?,
            schedule: Course::start(&self.schedule, registry)?,
            learn: registry.learns.build(&self.learn)?,
            batch_size: self.batch_size,
            per_epoch,
            total: self.length.iterations(per_epoch).saturating_add(if self.further == Some(true) {
                position
            } else {
                0
            }),
            evaluate: self.evaluate.iterations(per_epoch),
            order: self.order.clone(),
            augmentation: Augmentation::build(self.augment.as_deref().unwrap_or_default(), registry)?,
            label_smoothing: self.label_smoothing.unwrap_or(0.0),
            early_stop: self.early_stop,
        };
        if training.evaluate > training.total {
            let message = format!("`evaluate` = {} is longer than the training, {}", self.evaluate, self.length);
            let refusal = Refusal::of("evaluate", message);
            return Err(refusal.help("early stop would see the training's end only: evaluate more often"));
        }
        if let Some(first) = training.schedule.first().filter(|of| of.iterations(per_epoch) > training.total) {
            let message =
                format!("the `{}` of {first} is longer than the training, {}", self.schedule.name, self.length);
            return Err(Refusal::of("schedule", message).help("make it shorter, or train longer"));
        }
        training.schedule.fits(training.clock(training.total)).map_err(|refusal| refusal.within("schedule"))?;
        Ok(training)
    }
}

impl Stage for Train {
    fn foresee(&self, ahead: &mut Ahead<'_>) -> Result<(), Refusal> {
        ahead.require_ticket(Self::NAME)?;
        let training = self.resolve(ahead.registry, ahead.examples, ahead.position)?;
        training.augmentation.fits(ahead.images).map_err(|refusal| refusal.within("augment"))?;
        if ahead.position >= training.total {
            let (from, to) = (ahead.position, training.total);
            let message = format!("the training begins at {from}it, where the last one ended, and ends at {to}it");
            let help =
                "`length` counts from the start of the pipeline: write a longer one, rewind before, or go `further`";
            return Err(Refusal::of("length", message).help(help));
        }
        if training.early_stop == EarlyStop::ValidationAccuracy && ahead.validation == 0 {
            let refusal = Refusal::of("early_stop", "no examples validate, so there is no validation accuracy");
            return Err(refusal.help("give [dataset] a `validation` above 0, or take the early stop \"final\""));
        }
        ahead.early_stop = training.early_stop.effective(ahead.validation);
        training.learn.foresee(ahead, training.clock(ahead.position)).map_err(|refusal| refusal.within("learn"))?;
        ahead.iterations = training.total - ahead.position;
        ahead.position = training.total;
        if ahead.trained.is_none() {
            ahead.trained = Some(training.total);
            ahead.per_epoch = training.per_epoch;
        }
        ahead.learns = Some(training.learn.learns());
        ahead.evaluated = true;
        Ok(())
    }

    fn apply(&self, work: &Work<'_>, ticket: Ticket) -> Result<Outcome, Failure> {
        let training = self.resolve(work.registry, work.lab.examples(), work.position)?;
        work.lab.train(ticket, &training, work)
    }

    fn training(&self) -> Option<Train> {
        Some(self.clone())
    }
}
