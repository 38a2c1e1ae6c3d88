//! Training and evaluation on a device.

mod checkpoint;
mod condense;
mod feed;
mod moves;
mod resting;
mod run;
#[cfg(test)]
mod tests;

use std::rc::Rc;

use burn::tensor::{Device, Tensor, TensorData};

pub use self::checkpoint::{Checkpoint, Found, Keeper, Lazy, Stand};
use self::condense::Condensed;
use self::feed::{Feed, Split, feed};
use self::run::Run;
use crate::dataset::Prepared;
use crate::device::{self, Compute};
use crate::graph;
use crate::loss::Tally;
use crate::model::Model;
use crate::record::Scores;
use crate::registry::Registry;
use crate::seed::Seeds;
use crate::stage::{self, Failure, Outcome, Part, Training};
use crate::ticket::Ticket;

/// Examples in a batch of evaluation: enough for the matrix kernels, and so few that the widest layer's values take at
/// most 16 MB. Kernels compute each example by itself, whatever the batch.
pub fn evaluation_batch(model: &Model) -> usize {
    let widest = model.walk().map(|node| node.output().len()).max().unwrap_or(1);
    ((4 << 20) / widest.max(1)).clamp(16, 500)
}

/// Where trainings happen.
#[derive(Clone)]
pub struct Bench<'a> {
    pub model: &'a Model,
    pub data: &'a Prepared,
    pub compute: &'a Compute,
    pub registry: &'a Registry,
    /// Called after every iteration with the number done so far; `false` asks the training to stop.
    pub progress: &'a dyn Fn(u64) -> bool,
    /// Who keeps checkpoints of what is trained, if anyone does.
    keeper: Option<&'a dyn Keeper>,
    /// Shared by all that is done here: elsewhere, images are sent once.
    feed: Rc<dyn Feed + 'a>,
}

/// Where a training begins, whose draws it makes, and which positions it keeps for later rewinds.
pub struct Start<'a> {
    pub position: u64,
    pub seeds: Seeds,
    pub snapshots: &'a [u64],
}

impl<'a> Bench<'a> {
    pub fn new(
        model: &'a Model,
        data: &'a Prepared,
        compute: &'a Compute,
        registry: &'a Registry,
        progress: &'a dyn Fn(u64) -> bool,
    ) -> Bench<'a> {
        Bench { model, data, compute, registry, progress, keeper: None, feed: feed(data, compute) }
    }

    /// The same, with another to hear of progress.
    pub fn telling<'b>(&'b self, progress: &'b dyn Fn(u64) -> bool) -> Bench<'b> {
        Bench { progress, ..self.clone() }
    }

    /// The same, with checkpoints.
    pub fn keeping<'b>(&'b self, keeper: Option<&'b dyn Keeper>) -> Bench<'b> {
        Bench { keeper, ..self.clone() }
    }

    pub fn keeper(&self) -> Option<&'a dyn Keeper> {
        self.keeper
    }

    /// Trains to the end, from the last checkpoint where there is one, then scores the early-stop and the final weights. A
    /// loss that is no longer finite ends the training as a recorded outcome, without scores.
    pub fn train(&self, ticket: Ticket, training: &Training, start: &Start<'_>) -> Result<Outcome, Failure> {
        let mut run = self.begun(ticket, training, start)?;
        let diverged = run.to(training.total)?;
        run.finish(diverged)
    }

    /// A training at its beginning, or where its checkpoint has it.
    fn begun<'b>(&'b self, ticket: Ticket, training: &'b Training, start: &'b Start<'b>) -> Result<Run<'b>, Failure> {
        let found = self.keeper.and_then(|keeper| Some((keeper, keeper.found()?)));
        let Some((keeper, found)) = found else { return Run::begin(self, ticket, training, start) };
        let mut run = Run::begin(self, ticket.clone(), training, start)?;
        let done = found.stand.iteration.saturating_sub(found.stand.from);
        match run.resume(found) {
            Ok(()) => {
                keeper.resumed(done);
                Ok(run)
            }
            Err(why) => {
                keeper.passed_over(&why.to_string());
                Run::begin(self, ticket, training, start)
            }
        }
    }

    /// Replays a training up to position `k` and gives the ticket there: for a rewind whose snapshot is not there.
    pub fn replay(&self, ticket: Ticket, training: &Training, start: &Start<'_>, k: u64) -> Result<Ticket, Failure> {
        let bench = self.keeping(None);
        let mut run = Run::begin(&bench, ticket, training, start)?;
        match run.to(k)? {
            Some(iteration) => {
                Err(Failure::Failed(format!("the training diverged at iteration {iteration}, before {k}")))
            }
            None => Ok(run.ticket(&run.snapshot()?)),
        }
    }

    /// Scores a ticket as it is.
    pub fn evaluate(&self, ticket: &Ticket, position: u64) -> Result<Scores, Failure> {
        let (model, params) = self.held(ticket);
        let tally = |split| self.sweep(&model, &params, (split, usize::MAX));
        let (validation, test, train) = (tally(Split::Validation)?, tally(Split::Test)?, tally(Split::Train)?);
        Ok(Scores {
            early_stop_iteration: position,
            validation_loss: validation.mean_loss(),
            validation_accuracy: share(&validation),
            test_loss: test.mean_loss(),
            test_accuracy: test.accuracy(),
            final_train_accuracy: train.accuracy(),
            final_validation_accuracy: share(&validation),
            final_test_accuracy: test.accuracy(),
        })
    }

    /// The logits of another model, or of this one, as dense layers compute them: of the validation split, or, where that
    /// is empty, of the training split, but of no more than some examples.
    pub fn logits(&self, model: &Model, ticket: &Ticket) -> Result<Vec<f32>, Failure> {
        const EXAMPLES: usize = 5_000;
        let values: Vec<Vec<f32>> = ticket.arrays.values().map(|array| array.values.clone()).collect();
        let params = tensors(&values, &self.compute.plain);
        let split = if self.data.split.validation.is_empty() { Split::Train } else { Split::Validation };
        let (_, indices) = split.of(self.data);
        let mut logits = Vec::new();
        for batch in indices[..indices.len().min(EXAMPLES)].chunks(evaluation_batch(self.model)) {
            let passed = graph::forward(model, &params, self.feed.pixels(split, batch), self.compute.hosted, None);
            logits.extend(device::fetched(passed.logits)?);
        }
        device::clear_buffers();
        Ok(logits)
    }

    /// What a ticket, as it is, says of a part of the data.
    pub fn tally(&self, ticket: &Ticket, part: Part) -> Result<Tally, Failure> {
        let (model, params) = self.held(ticket);
        let split = match part.split {
            stage::Split::Validation => Split::Validation,
            stage::Split::Test => Split::Test,
        };
        self.sweep(&model, &params, (split, part.most))
    }

    /// A ticket on the device, as evaluation holds it.
    fn held(&self, ticket: &Ticket) -> (Model, Vec<Tensor<1>>) {
        let condensed = Condensed::of(self.model, ticket, self.compute.hosted);
        let mut ticket = ticket.clone();
        condensed.condense(&mut ticket);
        let values: Vec<Vec<f32>> = ticket.arrays.into_values().map(|array| array.values).collect();
        (condensed.model, tensors(&values, &self.compute.plain))
    }

    /// Loss and accuracy over a split, or some examples of it, in its order.
    fn sweep(&self, model: &Model, params: &[Tensor<1>], (split, most): (Split, usize)) -> Result<Tally, Failure> {
        // Batches of evaluation are longer than those of training.
        device::clear_buffers();
        let tally = self.feed.tally((split, most), evaluation_batch(model), &|pixels| {
            graph::forward(model, params, pixels, self.compute.hosted, None).logits
        });
        device::clear_buffers();
        tally
    }
}

/// The accuracy over a split; `None` where it is empty.
fn share(tally: &Tally) -> Option<f64> {
    (tally.examples > 0).then(|| tally.accuracy())
}

fn tensors(values: &[Vec<f32>], device: &Device) -> Vec<Tensor<1>> {
    values.iter().map(|values| tensor(values.clone(), device)).collect()
}

fn tensor(values: Vec<f32>, device: &Device) -> Tensor<1> {
    let len = values.len();
    Tensor::from_data(TensorData::new(values, [len]), device)
}
