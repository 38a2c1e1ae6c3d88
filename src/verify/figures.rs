//! The figures of a ticket's scores: as they were locked, as they were found, and whether that is near enough.

use super::rerun::Examples;
use super::rule::{Interval, Rule};
use crate::record::{Compared, Scores};

/// A figure, where it may be if it may be elsewhere, and where the lock's may be by what was found.
pub struct Figure {
    pub compared: Compared,
    pub intervals: [Option<Interval>; 2],
    /// Whether an edit of it might have widened the interval that it is judged by.
    pub hidden: bool,
}

/// One ticket's scores in the lock and in a rerun, and those of all its replicates.
pub struct Both<'a> {
    pub rule: &'a Rule,
    pub examples: Examples,
    pub locked: &'a Scores,
    pub found: &'a Scores,
    pub locked_replicates: &'a [&'a Scores],
    pub found_replicates: &'a [&'a Scores],
}

type Value = fn(&Scores) -> Option<f64>;

impl Both<'_> {
    pub fn figures(&self) -> Vec<Figure> {
        let Examples { train, validation, test } = self.examples;
        vec![
            self.told("early stop", |s| Some(s.early_stop_iteration as f64)),
            self.loss("validation loss", |s| Some(s.validation_loss)),
            self.accuracy("validation accuracy", |s| s.validation_accuracy, validation),
            self.told("test loss", |s| Some(s.test_loss)),
            self.accuracy("test accuracy", |s| Some(s.test_accuracy), test),
            self.accuracy("final training accuracy", |s| Some(s.final_train_accuracy), train),
            self.accuracy("final validation accuracy", |s| s.final_validation_accuracy, validation),
            self.accuracy("final test accuracy", |s| Some(s.final_test_accuracy), test),
        ]
    }

    fn told(&self, name: &str, of: Value) -> Figure {
        self.figure(name, of, |_, _| None)
    }

    fn accuracy(&self, name: &str, of: Value, examples: usize) -> Figure {
        self.figure(name, of, |known, replicates| self.rule.accuracy(known, replicates, examples))
    }

    fn loss(&self, name: &str, of: Value) -> Figure {
        self.figure(name, of, |_, replicates| self.rule.loss(replicates))
    }

    fn figure(&self, name: &str, of: Value, interval: impl Fn(f64, &[f64]) -> Option<Interval>) -> Figure {
        let (locked, found) = (of(self.locked), of(self.found));
        let all = |replicates: &[&Scores]| -> Vec<f64> {
            replicates.iter().filter_map(|scores| of(scores)).filter(|value| value.is_finite()).collect()
        };
        let (before, again) = (all(self.locked_replicates), all(self.found_replicates));
        let there = locked.and_then(|locked| interval(locked, &before));
        let mirrored = self.rule.is_mirrored(again.len());
        let back = found.filter(|_| mirrored).and_then(|found| interval(found, &again));
        let within = |interval: Option<Interval>, value: Option<f64>| match (interval, value) {
            (Some(interval), Some(value)) => interval.holds(value),
            // Without an interval it is only told, where not all must be the same.
            _ => !self.rule.exact,
        };
        let holds = same(locked, found) || (alike(locked, found) && within(there, found) && within(back, locked));
        let ends = |interval: Option<Interval>| interval.map(|interval| (interval.low, interval.high));
        let compared =
            Compared { name: name.into(), locked, found, interval: ends(there), among_found: ends(back), holds };
        let hidden = there.is_some() && self.rule.tolerance.is_none() && before.len() > 1 && !mirrored;
        Figure { compared, intervals: [there, back], hidden }
    }
}

/// Equal, and no number like no number.
pub fn same(a: Option<f64>, b: Option<f64>) -> bool {
    a == b || matches!((a, b), (Some(a), Some(b)) if a.is_nan() && b.is_nan())
}

/// Whether both are numbers, or neither is.
fn alike(a: Option<f64>, b: Option<f64>) -> bool {
    a.is_some() == b.is_some() && a.is_some_and(f64::is_finite) == b.is_some_and(f64::is_finite)
}

/// A figure that differs, in words.
pub fn told(figure: &Compared) -> String {
    let number = |value: Option<f64>| value.map_or("none".into(), |value| value.to_string());
    let Compared { name, locked, found, interval, among_found, .. } = figure;
    let outside = |ends: &(f64, f64), value: &Option<f64>| value.is_none_or(|value| value < ends.0 || value > ends.1);
    let expected = interval.map_or(String::new(), |(low, high)| format!(", {low:.4} to {high:.4} expected"));
    let back = among_found.filter(|ends| outside(ends, locked));
    let back = back.map_or(String::new(), |(low, high)| {
        format!(", and by what was found of its replicates {low:.4} to {high:.4} in the lock")
    });
    format!("{name} {} instead of {}{expected}{back}", number(*found), number(*locked))
}
