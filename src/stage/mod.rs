//! Stages: each maps a ticket to a ticket. A stage foresees its effect when planned and has it when run. An analysis
//! measures a ticket and leaves it as it is.

mod anatomy;
mod connectivity;
mod evaluate;
mod init;
mod lottery;
mod overlap;
mod prune;
mod prune_units;
mod random_mask;
mod reinit;
mod rewind;
mod shrink;
mod shuffle;
mod train;

pub use anatomy::Anatomy;
pub use connectivity::Connectivity;
pub use evaluate::Evaluate;
pub use init::InitStage;
pub use lottery::Lottery;
pub use overlap::Overlap;
pub use prune::{Prune, Rates, Scope};
pub use prune_units::PruneUnits;
pub use random_mask::RandomMask;
pub use reinit::Reinit;
pub use rewind::Rewind;
pub use shrink::Shrink;
pub use shuffle::Shuffle;
pub use train::{Train, Training};

use std::fmt;

use crate::init::{Fans, Init};
use crate::layer::Role;
use crate::loss::Tally;
use crate::model::{Model, Param, RateKind};
use crate::record::{EarlyStop, Measured, Scores, TrainingRecord};
use crate::refusal::Refusal;
use crate::registry::{Registry, Use};
use crate::seed::{Purpose, Seeds};
use crate::ticket::{Array, Ticket};

/// One thing that a pipeline does to a ticket.
pub trait Stage: Send + Sync {
    /// Changes what is known of the ticket before anything runs; an error says why the stage cannot follow.
    fn foresee(&self, ahead: &mut Ahead<'_>) -> Result<(), Refusal>;

    /// Does it.
    fn apply(&self, work: &Work<'_>, ticket: Ticket) -> Result<Outcome, Failure>;

    /// The training that its iterations are of, for estimates of time.
    fn training(&self) -> Option<Train> {
        None
    }
}

/// What is known of a chain of stages ahead of its run. Pure: the plan threads it from stage to stage.
#[derive(Clone)]
pub struct Ahead<'a> {
    pub registry: &'a Registry,
    /// Whether there is a ticket yet.
    pub begun: bool,
    /// Prunes so far.
    pub level: u32,
    /// Where in schedule and data order the next training begins, in iterations.
    pub position: u64,
    /// Iterations of training that the stage just foreseen takes: its cost.
    pub iterations: u64,
    /// Total length of the pipeline's first training, once there is one.
    pub trained: Option<u64>,
    /// Iterations in an epoch of that training.
    pub per_epoch: u64,
    /// Set by a stage whose ticket is evaluated, and so is a row of the results.
    pub evaluated: bool,
    /// Set by a stage that measures its ticket and leaves it as it is: an analysis, with rows of its own.
    pub measures: bool,
    /// Whether the pipeline's fork gives a ticket to compare with, and whether the stage does.
    pub beside: bool,
    pub compares: bool,
    /// The position whose weights the stage restores, from the pipeline's first training.
    pub rewinds_to: Option<u64>,
    /// Whether its weights were drawn anew since its first training, which has none of theirs.
    pub redrawn: bool,
    /// Where its weights come from: the last position that was restored, 0 before any.
    pub origin: u64,
    /// What its trainings learn, for the report: "weights" or "mask".
    pub learns: Option<&'static str>,
    /// Kept weights of each prunable tensor, in graph order.
    pub layers: Vec<Foreseen>,
    /// Whether only a run divides the kept weights among tensors: a prune of global scope keeps an exact total.
    pub divided: bool,
    /// Whether even the total is only about what it will be: where single weights went before, which of them go with a unit
    /// only a run tells; and where weights were divided, how many of each tensor a rate takes.
    pub about: bool,
    /// Units that can go, in graph order; `None` where the model is not known, for another error's sake.
    pub units: Option<Vec<UnitsAhead>>,
    /// Examples of the training split, validation examples taken off.
    pub examples: u64,
    /// Validation examples.
    pub validation: u64,
    /// What the early stop of the stage just foreseen is, where it is a training.
    pub early_stop: EarlyStop,
    /// Channels, height and width of the data set's images.
    pub images: [usize; 3],
}

/// Kept weights of one prunable tensor, as foreseen: exact, unless they are `divided`.
#[derive(Clone, Debug, PartialEq)]
pub struct Foreseen {
    pub kind: RateKind,
    pub prunable: usize,
    pub kept: usize,
}

/// The units that one prunable tensor makes and one reads, as foreseen.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitsAhead {
    /// Their tensors, among `Ahead::layers`.
    pub made: usize,
    pub read: usize,
    pub count: usize,
    /// How many of them have weights left.
    pub left: usize,
}

impl Ahead<'_> {
    pub fn kept(&self) -> usize {
        self.layers.iter().map(|layer| layer.kept).sum()
    }

    pub fn prunable(&self) -> usize {
        self.layers.iter().map(|layer| layer.prunable).sum()
    }

    /// Foresees what ranks all tensors together: the total is exact, its division among tensors is in proportion, for want
    /// of the scores.
    pub fn remove_globally(&mut self, mut count: usize) {
        self.divided = true;
        let mut rest = self.kept();
        for layer in &mut self.layers {
            let share = (count * layer.kept).checked_div(rest).unwrap_or(0);
            rest -= layer.kept;
            layer.kept -= share;
            count -= share;
        }
    }

    /// Foresees masks from which whole units go, down to those that `units` says are left: exact counts, where all that
    /// went before was whole units.
    pub fn keep_units(&mut self, units: Vec<UnitsAhead>) {
        let whole = |units: &[UnitsAhead], layer: usize, weights: usize| {
            let own = units.iter().filter(|units| units.made == layer || units.read == layer);
            own.fold(weights, |weights, units| weights / units.count * units.left)
        };
        let old = self.units.as_deref().unwrap_or_default();
        for (number, layer) in self.layers.iter_mut().enumerate() {
            let [before, after] = [old, &units].map(|units| whole(units, number, layer.prunable));
            self.about |= layer.kept != before && before != after;
            layer.kept = (layer.kept as u128 * after as u128 / before.max(1) as u128) as usize;
        }
        self.units = Some(units);
    }

    /// An error where no weight is left.
    pub fn require_weights(&self, field: &'static str, help: &str) -> Result<(), Refusal> {
        match self.kept() {
            0 if self.prunable() > 0 => {
                Err(Refusal::of(field, format!("no weight of {} would remain", self.prunable())).help(help))
            }
            _ => Ok(()),
        }
    }

    /// An error unless a ticket is there to work on.
    pub fn require_ticket(&self, stage: &str) -> Result<(), Refusal> {
        match self.begun {
            true => Ok(()),
            false => Err(Refusal::new(format!("`{stage}` needs a ticket to work on"))
                .help("begin the pipeline with `init = {}`, or let it fork: `each = \"imp\"`")),
        }
    }
}

/// What a stage may use while it runs.
#[derive(Clone)]
pub struct Work<'a> {
    pub model: &'a Model,
    pub registry: &'a Registry,
    pub seeds: Seeds,
    pub level: u32,
    /// Which of a control's repeated draws this is.
    pub draw: u32,
    /// Where in schedule and data order a training begins.
    pub position: u64,
    /// Iterations of this step that earlier trainings in it took: progress counts on from there.
    pub done: u64,
    /// Positions of a training whose weights a later stage restores.
    pub snapshots: &'a [u64],
    /// For a stage that rewinds: the ticket at the position it asked for.
    pub rewound: Option<Ticket>,
    /// For a stage that compares: the ticket that it compares with.
    pub other: Option<Ticket>,
    pub lab: &'a dyn Lab,
}

impl Work<'_> {
    /// The name of a stream for a control's draw at this level.
    pub fn drawn(&self, name: &str) -> String {
        format!("{name} level {} draw {}", self.level, self.draw)
    }

    /// Fresh values for every parameter and buffer: weights from the initialiser, the others where they start.
    pub fn initialise(
        &self,
        init: &dyn Init,
        purpose: Purpose,
        stream: impl Fn(&str) -> String,
    ) -> impl Iterator<Item = (String, Array)> {
        let values = move |param: &Param| match param.role {
            Role::Weight { fan_in, fan_out, .. } => {
                let fans = Fans { len: param.len(), fan_in, fan_out };
                init.values(fans, &mut self.seeds.stream(purpose, &stream(&param.name)))
            }
            other => vec![other.start().unwrap_or(0.0); param.len()],
        };
        self.model
            .params
            .iter()
            .map(move |param| (param.name.clone(), Array { shape: param.shape.clone(), values: values(param) }))
    }
}

/// Where trainings and evaluations happen: data, device and progress are behind it, so that stages know none of them.
pub trait Lab {
    /// Examples of the training split, validation examples taken off.
    fn examples(&self) -> u64;

    /// Trains a ticket as told.
    fn train(&self, ticket: Ticket, training: &Training, work: &Work<'_>) -> Result<Outcome, Failure>;

    /// Scores a ticket as it is.
    fn evaluate(&self, ticket: &Ticket, position: u64) -> Result<Scores, Failure>;

    /// The logits that a ticket of this model, which need not be the experiment's, gives of validation data, or of training
    /// data where there is none: of some thousands of examples at most, `[examples, classes]`.
    fn logits(&self, model: &Model, ticket: &Ticket) -> Result<Vec<f32>, Failure>;

    /// What a ticket, as it is, says of a part of the data. Test data is for what comes after all training.
    fn tally(&self, ticket: &Ticket, part: Part) -> Result<Tally, Failure>;

    /// Tells that so many iterations of the step are done; an error where it is to stop.
    fn progress(&self, iterations: u64) -> Result<(), Failure>;
}

/// At most so many examples of a split, evenly spaced in its order: data may lie class after class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub split: Split,
    pub most: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    Validation,
    Test,
}

impl Part {
    pub fn whole(split: Split) -> Part {
        Part { split, most: usize::MAX }
    }
}

/// What a stage leaves.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub ticket: Ticket,
    pub training: Option<TrainingRecord>,
    pub scores: Option<Scores>,
    /// What an analysis found.
    pub measured: Vec<Measured>,
    /// The tickets at the positions that were asked for.
    pub snapshots: Vec<(u64, Ticket)>,
}

impl From<Ticket> for Outcome {
    fn from(ticket: Ticket) -> Outcome {
        Outcome { ticket, ..Outcome::default() }
    }
}

/// Why a stage did not end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Asked to stop.
    Interrupted,
    /// It cannot be done, with the reason.
    Failed(String),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        Failure::Failed(refusal.to_string())
    }
}

impl From<String> for Failure {
    fn from(message: String) -> Failure {
        Failure::Failed(message)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Interrupted => f.write_str("interrupted"),
            Failure::Failed(message) => f.write_str(message),
        }
    }
}

/// Builds the initialiser that a stage names; the spec fills in the model's where the stage names none.
fn build_init(registry: &Registry, init: &Option<Use>) -> Result<std::sync::Arc<dyn Init>, String> {
    match init {
        Some(used) => registry.inits.build(used),
        None => Err("no initialiser is named, neither by the stage nor by the model".into()),
    }
}
