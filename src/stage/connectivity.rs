//! Linear mode connectivity: whether two trainings that differ in their data order alone end in one valley.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::train::{constant, weights};
use super::{Ahead, Failure, Lab, Outcome, Part, Split, Stage, Train, Work};
use crate::range::{self, SOME_LENGTH};
use crate::record::{Heading, Measured};
use crate::refusal::Refusal;
use crate::registry::{Kind, Plugin, Use};
use crate::ticket::{Array, Ticket};
use crate::units::Length;

/// Trains two copies of the ticket that differ in nothing but their streams of data order, and evaluates test error at
/// equally spaced points of the line between their final weights. The barrier is the largest error on the line less the
/// mean of the errors at its ends; below 0.02 the paper calls the ticket stable.
///
/// Masks stay as they are. Biases and buffers, as running statistics, lie on the line too, as in the paper. Test data
/// is looked at when both trainings have ended, and decides nothing. What the stage does not say of the trainings,
/// `[training]` does.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Connectivity {
    /// How weights move; it holds the learning rate.
    pub optimizer: Use,
    /// How the learning rate changes over the training.
    #[serde(default = "constant")]
    pub schedule: Use,
    /// Examples in a batch.
    #[serde(deserialize_with = "range::at_least_one")]
    #[schemars(range(min = 1))]
    pub batch_size: usize,
    /// Total length of each, counted from the start of the pipeline.
    #[serde(deserialize_with = "range::some_length")]
    #[schemars(regex(pattern = SOME_LENGTH))]
    pub length: Length,
    /// How often validation data is evaluated.
    #[serde(deserialize_with = "range::some_length")]
    #[schemars(regex(pattern = SOME_LENGTH))]
    pub evaluate: Length,
    /// How training images are changed each time that they are seen, in this order.
    #[serde(default)]
    pub augment: Option<Vec<Use>>,
    /// How much of each label goes to all classes in equal parts; where absent, nothing.
    #[serde(default, deserialize_with = "range::some_below_one")]
    #[schemars(range(min = 0, max = 1))]
    pub label_smoothing: Option<f64>,
    /// Points on the line, its ends included.
    #[serde(default = "thirty", deserialize_with = "range::at_least_two")]
    #[schemars(range(min = 2))]
    pub points: usize,
    /// The names of the two streams of data order.
    #[serde(default = "orders")]
    pub orders: [String; 2],
}

fn thirty() -> usize {
    30
}

fn orders() -> [String; 2] {
    ["one".into(), "other".into()]
}

/// Points at most.
const POINTS: usize = 10_000;

impl Plugin for Connectivity {
    const NAME: &'static str = "connectivity";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Measures the error barrier between two trainings that differ in data order";
    const SOURCE: &'static str = "Frankle et al. 2020, Linear mode connectivity, §2";
    const EXAMPLE: &'static str = "points = 30";
    const REFERENCES: &'static [(&'static str, Kind)] =
        &[("optimizer", Kind::Optimizer), ("schedule", Kind::Schedule), ("augment", Kind::Augment)];
    const MEASURES: &'static [Heading] = &[
        Heading::number("barrier", "fraction"),
        Heading::number("accuracy at one end", "fraction"),
        Heading::number("accuracy at the other end", "fraction"),
        Heading::series("test error", "fraction", "position on the line"),
        Heading::number("diverged", "iteration"),
    ];
}

impl Connectivity {
    fn ordered(&self, order: &str) -> Train {
        Train {
            optimizer: self.optimizer.clone(),
            schedule: self.schedule.clone(),
            batch_size: self.batch_size,
            length: self.length,
            evaluate: self.evaluate,
            augment: self.augment.clone(),
            label_smoothing: self.label_smoothing,
            further: None,
            learn: weights(),
            order: order.to_string(),
            early_stop: Default::default(),
        }
    }

    /// Error at each point of the line, its place before it. `done` iterations are behind.
    fn errors(&self, lab: &dyn Lab, ends: &[Ticket; 2], done: u64) -> Result<Vec<(f64, f64)>, Failure> {
        let at = |point: usize| {
            lab.progress(done)?;
            let share = point as f64 / (self.points - 1) as f64;
            let tally = lab.tally(&between(ends, share), Part::whole(Split::Test))?;
            Ok((share, 1.0 - tally.accuracy()))
        };
        (0..self.points).map(at).collect()
    }
}

impl Stage for Connectivity {
    fn foresee(&self, ahead: &mut Ahead<'_>) -> Result<(), Refusal> {
        ahead.require_ticket(Self::NAME)?;
        if self.points > POINTS {
            let message = format!("{} points of a line are more than a figure shows", self.points);
            return Err(Refusal::of("points", message).help(format!("at most {POINTS}; the paper has 30")));
        }
        if self.orders[0] == self.orders[1] {
            let message = format!("both trainings have the data order {:?}, and so would be one", self.orders[0]);
            return Err(Refusal::of("orders", message).help("name two streams, as [\"one\", \"other\"]"));
        }
        // Foreseen as a training on a copy: the ticket that goes on is the one that came.
        let mut copy = ahead.clone();
        self.ordered("").foresee(&mut copy)?;
        ahead.iterations = 2 * copy.iterations;
        ahead.measures = true;
        Ok(())
    }

    fn apply(&self, work: &Work<'_>, ticket: Ticket) -> Result<Outcome, Failure> {
        let mut done = 0;
        let mut ends = Vec::new();
        for order in &self.orders {
            let training = self.ordered(order).resolve(work.registry, work.lab.examples(), work.position)?;
            let outcome = work.lab.train(ticket.clone(), &training, &Work { done, snapshots: &[], ..work.clone() })?;
            done += training.total - work.position;
            if let Some(at) = outcome.training.and_then(|training| training.diverged) {
                let measured = vec![Measured::number("diverged", "iteration", at as f64)];
                return Ok(Outcome { measured, ..ticket.into() });
            }
            ends.push(outcome.ticket);
        }
        let [one, other] = ends.try_into().map_err(|_| "two trainings end in two tickets".to_string())?;
        let errors = self.errors(work.lab, &[one, other], done)?;
        let number = |name, value| Measured::number(name, "fraction", value);
        let measured = vec![
            number("barrier", barrier(&errors)),
            number("accuracy at one end", 1.0 - errors[0].1),
            number("accuracy at the other end", 1.0 - errors[errors.len() - 1].1),
            Measured::curve("test error", "fraction", "position on the line", errors),
        ];
        Ok(Outcome { measured, ..ticket.into() })
    }

    fn training(&self) -> Option<Train> {
        Some(self.ordered(""))
    }
}

/// The largest error on a line less the mean of those at its ends.
fn barrier(errors: &[(f64, f64)]) -> f64 {
    let largest = errors.iter().map(|(_, error)| *error).fold(f64::NEG_INFINITY, f64::max);
    match errors {
        [(_, one), .., (_, other)] => largest - (one + other) / 2.0,
        _ => 0.0,
    }
}

/// (1 − share) · one + share · other, of every parameter and buffer; at 0 and 1 these very tickets. Their masks are the
/// same, so that a masked weight stays exactly 0.
fn between([one, other]: &[Ticket; 2], share: f64) -> Ticket {
    let mix = |((name, a), b): ((&String, &Array), &Array)| {
        let value = |(a, b): (&f32, &f32)| ((1.0 - share) * f64::from(*a) + share * f64::from(*b)) as f32;
        (name.clone(), Array { shape: a.shape.clone(), values: a.values.iter().zip(&b.values).map(value).collect() })
    };
    let arrays = one.arrays.iter().zip(other.arrays.values()).map(mix).collect();
    Ticket { arrays, masks: one.masks.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::Mask;

    #[test]
    fn a_barrier_worked_by_hand() {
        // Ends 0.10 and 0.20, the largest error between them 0.40.
        let errors = [(0.0, 0.1), (0.25, 0.3), (0.5, 0.4), (1.0, 0.2)];
        assert!((barrier(&errors) - 0.25).abs() < 1e-12);
        // A line that only falls: its largest error is an end's, half a point above the mean.
        assert!((barrier(&[(0.0, 0.02), (0.5, 0.015), (1.0, 0.01)]) - 0.005).abs() < 1e-12);
    }

    #[test]
    fn the_line_begins_and_ends_at_its_tickets_and_keeps_what_is_masked_at_0() {
        let of = |values: [f32; 3]| {
            let mut ticket = Ticket::default();
            ticket.arrays.insert("w".into(), Array { shape: vec![3], values: values.to_vec() });
            ticket.masks.insert("w".into(), Mask::from_fn(3, |weight| weight != 1));
            ticket
        };
        let ends = [of([0.1, 0.0, -3.0]), of([0.7, 0.0, 5.0])];
        assert_eq!((between(&ends, 0.0), between(&ends, 1.0)), (ends[0].clone(), ends[1].clone()));
        let middle = between(&ends, 0.25);
        assert_eq!((middle.violations(), middle.arrays["w"].values[2]), (0, -1.0));
    }
}
