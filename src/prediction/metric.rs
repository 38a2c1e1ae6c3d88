//! The columns of `results.csv` that an expression may name, what is made of replicates, and in which unit.

use serde::Serialize;

use crate::record::{Row, Scores};

macro_rules! metrics {
    ($($variant:ident $name:literal $unit:ident $value:expr,)*) => {
        /// A column of `results.csv`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Metric { $($variant,)* }

        impl Metric {
            pub const ALL: &'static [Metric] = &[$(Metric::$variant,)*];

            pub fn name(self) -> &'static str {
                match self { $(Metric::$variant => $name,)* }
            }

            pub fn unit(self) -> Unit {
                match self { $(Metric::$variant => Unit::$unit,)* }
            }

            /// Of a ticket that has been evaluated.
            pub fn of(self, row: &Row, scores: &Scores) -> f64 {
                let value: fn(&Row, &Scores) -> f64 = match self { $(Metric::$variant => $value,)* };
                value(row, scores)
            }
        }
    };
}

metrics! {
    TestAccuracy "test_accuracy" Share |_, scores| scores.test_accuracy,
    ValidationAccuracy "validation_accuracy" Share |_, scores| scores.validation_accuracy.unwrap_or(f64::NAN),
    ValidationLoss "validation_loss" Loss |_, scores| scores.validation_loss,
    EarlyStopIteration "early_stop_iteration" Iterations |_, scores| scores.early_stop_iteration as f64,
    FinalTrainAccuracy "final_train_accuracy" Share |_, scores| scores.final_train_accuracy,
    FinalTestAccuracy "final_test_accuracy" Share |_, scores| scores.final_test_accuracy,
    WeightsRemaining "weights_remaining" Share |row, _| row.weights_remaining(),
    KeptWeights "kept_weights" Weights |row, _| row.kept() as f64,
    PrunableWeights "prunable_weights" Weights |row, _| row.prunable_weights as f64,
    Level "level" Levels |row, _| f64::from(row.level),
    Seconds "seconds" Seconds |row, _| row.seconds(),
}

impl Metric {
    pub fn named(name: &str) -> Option<Metric> {
        Metric::ALL.iter().copied().find(|metric| metric.name() == name)
    }
}

/// What stands for a result's replicates instead of their mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregate {
    Min,
    Max,
    /// The sample standard deviation.
    Std,
    /// How many there are.
    N,
}

impl Aggregate {
    pub const ALL: [Aggregate; 4] = [Aggregate::Min, Aggregate::Max, Aggregate::Std, Aggregate::N];

    pub fn name(self) -> &'static str {
        match self {
            Aggregate::Min => "min",
            Aggregate::Max => "max",
            Aggregate::Std => "std",
            Aggregate::N => "n",
        }
    }

    pub fn named(name: &str) -> Option<Aggregate> {
        Aggregate::ALL.into_iter().find(|aggregate| aggregate.name() == name)
    }

    pub fn unit(self, of: Unit) -> Unit {
        match self {
            Aggregate::Min | Aggregate::Max => of,
            Aggregate::Std => of.difference(),
            Aggregate::N => Unit::Number,
        }
    }
}

/// What a figure is of: figures of different kinds are neither added nor compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// A number as written, or a ratio: it goes with everything.
    Number,
    /// A fraction from 0 to 1: an accuracy, or weights remaining.
    Share,
    /// A difference of two shares, as a fraction.
    Points,
    Loss,
    Iterations,
    Weights,
    Levels,
    Seconds,
}

impl Unit {
    pub fn words(self) -> &'static str {
        match self {
            Unit::Number => "a number",
            Unit::Share => "a fraction from 0 to 1",
            Unit::Points => "a difference of fractions",
            Unit::Loss => "a loss",
            Unit::Iterations => "iterations",
            Unit::Weights => "a number of weights",
            Unit::Levels => "a level",
            Unit::Seconds => "seconds",
        }
    }

    /// The unit of a difference of two.
    pub fn difference(self) -> Unit {
        if self == Unit::Share { Unit::Points } else { self }
    }

    /// The unit of two figures that are added or compared; `None` where they do not go together.
    pub fn joined(self, other: Unit) -> Option<Unit> {
        match (self, other) {
            (one, other) if one == other => Some(one),
            (Unit::Number, unit) | (unit, Unit::Number) => Some(unit),
            (Unit::Share, Unit::Points) | (Unit::Points, Unit::Share) => Some(Unit::Share),
            _ => None,
        }
    }
}
