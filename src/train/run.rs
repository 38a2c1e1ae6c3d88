//! One training under way: its iterations, evaluations and snapshots.

mod checkpoint;

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use indexmap::IndexMap;

use super::checkpoint::print;
use super::condense::Condensed;
use super::feed::{Split, changed};
use super::moves::{Found, Moves, moves};
use super::{Bench, Start, share, tensors};
use crate::dataset::order::Order;
use crate::device;
use crate::graph::{self, Noise, Passed};
use crate::learn::Ground;
use crate::loss::Tally;
use crate::mask::Mask;
use crate::record::{Curve, EarlyStop, Scores, TrainingRecord};
use crate::stage::{Failure, Outcome, Training};
use crate::ticket::{Array, Ticket};

/// Parameters and masks at one position.
#[derive(Clone)]
pub(super) struct State {
    values: Vec<Vec<f32>>,
    masks: IndexMap<String, Mask>,
}

/// What one training pass says.
pub(super) struct Slope {
    pub tally: Tally,
    /// The loss's gradient with respect to each tensor's values; `None` for a tensor that does not move.
    pub gradients: Vec<Option<Found>>,
    /// What the buffers become, each by its tensor's number.
    buffers: Vec<(usize, Tensor<1>)>,
}

/// The best evaluation so far.
struct Best {
    iteration: u64,
    /// What the early stop's rule goes by: less is better.
    cost: f64,
    validation: Tally,
    state: State,
}

/// One training under way.
pub(super) struct Run<'a> {
    bench: &'a Bench<'a>,
    training: &'a Training,
    start: &'a Start<'a>,
    condensed: Condensed,
    names: Vec<(String, Vec<usize>)>,
    /// A hash of the ticket that it began from, where checkpoints are kept.
    begun: String,
    learning: Box<dyn Moves>,
    /// Whether each tensor moves and so needs a gradient.
    moves: Vec<bool>,
    params: Vec<Tensor<1>>,
    order: Order,
    curve: Curve,
    /// Training batches since the last evaluation.
    recent: Tally,
    best: Option<Best>,
    snapshots: BTreeMap<u64, State>,
    iteration: u64,
}

impl<'a> Run<'a> {
    pub fn begin(
        bench: &'a Bench<'a>,
        mut ticket: Ticket,
        training: &'a Training,
        start: &'a Start<'a>,
    ) -> Result<Run<'a>, Failure> {
        let begun = bench.keeper.map_or_else(String::new, |_| print(&ticket));
        let kernels = training.learn.keeps_masks() && bench.compute.hosted;
        let condensed = Condensed::of(bench.model, &ticket, kernels);
        condensed.condense(&mut ticket);
        let clock = training.clock(start.position);
        let ground = Ground { model: &condensed.model, seeds: start.seeds, registry: bench.registry, clock };
        let learning = moves(bench, training, &mut ticket, &ground)?;
        let (names, values): (Vec<_>, Vec<_>) =
            ticket.arrays.into_iter().map(|(name, array)| ((name, array.shape), array.values)).unzip();
        Ok(Run {
            moves: learning.moves(),
            params: tensors(&values, &bench.compute.plain),
            order: Order::new(start.seeds, &training.order, bench.data.split.train.clone(), training.batch_size)?,
            curve: Curve::default(),
            recent: Tally::default(),
            best: None,
            snapshots: BTreeMap::new(),
            iteration: start.position,
            bench,
            training,
            start,
            condensed,
            names,
            begun,
            learning,
        })
    }

    /// Trains up to position `end`; gives the iteration at which the training diverged, if it did.
    pub fn to(&mut self, end: u64) -> Result<Option<u64>, Failure> {
        self.keep_snapshot()?;
        if self.curve.iteration.is_empty() {
            self.evaluate()?;
        }
        while self.iteration < end {
            if !self.step()? {
                return Ok(Some(self.iteration));
            }
            self.iteration += 1;
            self.learning.turn(self.iteration, &mut self.params)?;
            self.keep_snapshot()?;
            let last = self.iteration == self.training.total;
            if last || self.iteration.is_multiple_of(self.training.evaluate) {
                let loss = self.evaluate()?;
                // No step comes after the last to meet what it broke.
                if last && !loss.is_finite() {
                    return Ok(Some(self.iteration));
                }
            }
            if !(self.bench.progress)(self.iteration - self.start.position) {
                self.keep(true)?;
                return Err(Failure::Interrupted);
            }
            self.keep(false)?;
        }
        Ok(None)
    }

    /// One iteration; `false` where its loss is not finite, and then nothing moves.
    fn step(&mut self) -> Result<bool, Failure> {
        let Slope { tally, gradients, buffers } = self.slope()?;
        if !tally.loss.is_finite() {
            return Ok(false);
        }
        self.recent.add(&tally);
        let factor = self.training.schedule.factor(self.training.clock(self.iteration));
        let rate = self.training.optimizer.learning_rate() * factor;
        let device = &self.bench.compute.plain;
        for (tensor, gradient) in gradients.into_iter().enumerate() {
            let Some(gradient) = gradient else { continue };
            // Nobody else holds the values, so that they are changed where they are.
            let values = std::mem::replace(&mut self.params[tensor], device::nothing(device));
            self.params[tensor] = self.learning.step(tensor, values, gradient, rate);
        }
        for (tensor, value) in buffers {
            self.params[tensor] = value;
        }
        device::settle();
        Ok(true)
    }

    /// The batch's tally, the loss's gradient with respect to each tensor that moves, and the buffers to come.
    ///
    /// The gradient with respect to the logits is known in closed form, so the graph starts from them: the sum of
    /// logits × that gradient has the same gradient everywhere below as the loss itself.
    pub fn slope(&mut self) -> Result<Slope, Failure> {
        let batch = self.order.batch(self.iteration);
        let augmentation = &self.training.augmentation;
        let pixels = match augmentation.is_empty() {
            true => self.bench.feed.pixels(Split::Train, batch),
            // Changed on the host, wherever other images rest: all devices see the same.
            false => changed(self.bench.data, Split::Train, batch, &self.bench.compute.plain, |pixels, shape| {
                let black = self.bench.data.black();
                augmentation.apply(pixels, shape, &black, self.start.seeds, self.iteration);
            }),
        };
        let pixels = pixels.autodiff();
        let leaves: Vec<Tensor<1>> =
            self.params.iter().zip(&self.moves).map(|(param, moves)| leaf(param, *moves)).collect();
        let noise = Noise { seeds: self.start.seeds, iteration: self.iteration };
        let Passed { logits, buffers, late } =
            graph::forward(&self.condensed.model, &leaves, pixels, self.bench.compute.hosted, Some(noise));
        let (tally, slope) = self.bench.feed.slope(batch, logits.clone().inner(), self.training.label_smoothing)?;
        if !tally.loss.is_finite() || !self.moves.contains(&true) {
            return Ok(Slope { tally, gradients: leaves.iter().map(|_| None).collect(), buffers });
        }
        let mut found = (logits * slope.autodiff()).sum().backward();
        let mut gradients: Vec<Option<Found>> =
            leaves.iter().map(|leaf| leaf.grad_remove(&mut found).map(|whole| Found::Whole(Box::new(whole)))).collect();
        for (tensor, late) in late {
            gradients[tensor] = Some(Found::Late(late));
        }
        Ok(Slope { tally, gradients, buffers })
    }

    /// Evaluates validation data, extends the curve, keeps the state if it is the best so far, and gives the loss.
    fn evaluate(&mut self) -> Result<f64, Failure> {
        self.check_rule_2()?;
        let validation = self.tally(&self.params, Split::Validation)?;
        let trained = (self.recent.examples > 0).then(|| std::mem::take(&mut self.recent));
        let finite = |x: f64| x.is_finite().then_some(x as f32);
        self.curve.iteration.push(self.iteration);
        self.curve.train_loss.push(trained.as_ref().and_then(|t| finite(t.mean_loss())));
        self.curve.train_accuracy.push(trained.as_ref().and_then(|t| finite(t.accuracy())));
        self.curve.validation_loss.push(finite(validation.mean_loss()));
        self.curve.validation_accuracy.push(finite(validation.accuracy()));
        let ends = self.iteration == self.training.total;
        // Where no examples validate, those that were trained on say whether the end is still a number.
        let loss = match validation.examples {
            0 if ends => self.tally(&self.params, Split::Train)?.loss,
            _ => validation.loss,
        };
        let settled = self.learning.settled(self.iteration);
        if self.iteration > 0 && settled && loss.is_finite() {
            let cost = self.cost(&validation, ends)?;
            if cost.is_finite() && self.best.as_ref().is_none_or(|best| cost < best.cost) {
                self.best = Some(Best { iteration: self.iteration, cost, validation, state: self.state()? });
            }
        }
        Ok(loss)
    }

    /// What the early stop's rule goes by; infinite where it cannot be here.
    fn cost(&self, validation: &Tally, ends: bool) -> Result<f64, Failure> {
        Ok(match self.training.early_stop.effective(validation.examples as u64) {
            EarlyStop::ValidationLoss => validation.loss,
            EarlyStop::ValidationAccuracy => -(validation.correct as f64),
            EarlyStop::Final => {
                if ends {
                    0.0
                } else {
                    f64::INFINITY
                }
            }
            // The one place where test data is looked at within a training: the report says that it was.
            EarlyStop::TestAccuracy => -(self.tally(&self.params, Split::Test)?.correct as f64),
        })
    }

    /// Rule 2: a masked weight is exactly 0, a frozen one has not moved.
    fn check_rule_2(&self) -> Result<(), Failure> {
        for (tensor, param) in self.params.iter().enumerate() {
            let violations = self.learning.violations(tensor, param)?;
            if violations > 0 {
                let (name, _) = &self.names[tensor];
                let message =
                    format!("{violations} masked or frozen weights of {name} moved: this is a bug in Tombola");
                return Err(Failure::Failed(message));
            }
        }
        Ok(())
    }

    fn keep_snapshot(&mut self) -> Result<(), Failure> {
        if self.start.snapshots.contains(&self.iteration) {
            self.snapshots.insert(self.iteration, self.snapshot()?);
        }
        Ok(())
    }

    /// What a rewind to this moment restores.
    pub fn snapshot(&self) -> Result<State, Failure> {
        let mut state = self.state()?;
        for (tensor, values) in state.values.iter_mut().enumerate() {
            if let Some(beneath) = self.learning.beneath(tensor)? {
                *values = beneath;
            }
        }
        Ok(state)
    }

    pub fn state(&self) -> Result<State, Failure> {
        let values = self.params.iter().map(|param| device::fetched(param.clone())).collect::<Result<_, _>>()?;
        Ok(State { values, masks: self.learning.masks()? })
    }

    pub fn ticket(&self, state: &State) -> Ticket {
        let array = |((name, shape), values): (&(String, Vec<usize>), &Vec<f32>)| {
            (name.clone(), Array { shape: shape.clone(), values: values.clone() })
        };
        let arrays = self.names.iter().zip(&state.values).map(array).collect();
        let mut ticket = Ticket { arrays, masks: state.masks.clone() };
        self.condensed.expand(&mut ticket);
        ticket
    }

    pub fn finish(self, diverged: Option<u64>) -> Result<Outcome, Failure> {
        let scores = match (&self.best, diverged) {
            (Some(best), None) => Some(self.scores(best)?),
            _ => None,
        };
        let snapshots = self.snapshots.iter().map(|(k, state)| (*k, self.ticket(state))).collect();
        let record = TrainingRecord {
            learned: self.training.learn.learns().into(),
            from: self.start.position,
            to: self.training.total,
            curve: self.curve.clone(),
            diverged,
        };
        let ticket = self.ticket(&self.state()?);
        Ok(Outcome { training: Some(record), scores, snapshots, ..ticket.into() })
    }

    fn tally(&self, params: &[Tensor<1>], split: Split) -> Result<Tally, Failure> {
        self.bench.sweep(&self.condensed.model, params, (split, usize::MAX))
    }

    /// Test data is looked at here, after the training; within it only where the early stop's rule is `TestAccuracy`.
    fn scores(&self, best: &Best) -> Result<Scores, Failure> {
        let early = tensors(&best.state.values, &self.bench.compute.plain);
        let test = self.tally(&early, Split::Test)?;
        let (train, last) = (self.tally(&self.params, Split::Train)?, self.tally(&self.params, Split::Test)?);
        let validation = self.tally(&self.params, Split::Validation)?;
        Ok(Scores {
            early_stop_iteration: best.iteration,
            validation_loss: best.validation.mean_loss(),
            validation_accuracy: share(&best.validation),
            test_loss: test.mean_loss(),
            test_accuracy: test.accuracy(),
            final_train_accuracy: train.accuracy(),
            final_validation_accuracy: share(&validation),
            final_test_accuracy: last.accuracy(),
        })
    }
}

/// However a training ends: another one may go on on another thread, and never come to free this one's buffers.
impl Drop for Run<'_> {
    fn drop(&mut self) {
        device::clear_buffers();
    }
}

/// A parameter as a leaf of the graph.
fn leaf(param: &Tensor<1>, moves: bool) -> Tensor<1> {
    let tracked = param.clone().autodiff();
    if moves { tracked.require_grad() } else { tracked }
}
