//! Figures of analyses, as an expression names them.

use std::collections::BTreeSet;

use super::{Metric, Reference, Unit};
use crate::record::{Heading, Measured};

/// A pipeline of an experiment, and what its analyses measure: `None` of one that is wrong.
#[derive(Clone, Debug)]
pub struct Named<'a> {
    pub pipeline: &'a str,
    pub headings: Option<Vec<Heading>>,
}

impl Named<'_> {
    pub(super) fn heading(&self, metric: &str) -> Option<Heading> {
        named(self.headings.as_deref()?, metric)
    }
}

/// A figure's name in an expression: "best of s, new networks" is `best_of_s_new_networks`.
pub fn spelled(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_").to_lowercase()
}

/// The figure that has this name in an expression.
pub fn named(headings: &[Heading], metric: &str) -> Option<Heading> {
    headings.iter().find(|heading| spelled(heading.name) == metric).copied()
}

/// The names that figures have in an expression, each once.
pub fn spellings(headings: &[Heading]) -> Vec<String> {
    let names: BTreeSet<String> = headings.iter().map(|heading| spelled(heading.name)).collect();
    names.into_iter().collect()
}

impl Unit {
    /// That of a figure of an analysis.
    pub fn of_figure(unit: &str) -> Unit {
        match unit {
            "fraction" => Unit::Share,
            "weights" => Unit::Weights,
            "iteration" => Unit::Iterations,
            _ => Unit::Number,
        }
    }
}

impl Reference {
    /// Whether its figure is an analysis's, where its pipeline has tickets of the comparison or has none: a column of
    /// `results.csv` goes before a figure of that name.
    pub fn is_of_analysis(&self, has_tickets: bool) -> bool {
        !has_tickets || Metric::named(&self.metric.text).is_none()
    }

    /// Its figure among those that an analysis measured.
    pub fn figure<'m>(&self, measured: &'m [Measured]) -> Option<&'m Measured> {
        measured.iter().find(|figure| spelled(&figure.name) == self.metric.text)
    }

    /// The value that it means of its figure.
    pub fn value(&self, figure: &Measured) -> Option<f64> {
        match &self.point {
            None => figure.value(),
            Some(point) => {
                let is_meant = |at: &crate::record::Place| at.is_written(&point.text);
                figure.points.iter().find(|own| own.at.as_ref().is_some_and(is_meant)).map(|own| own.value)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_spelled_in_small_letters_and_digits() {
        let names = ["barrier", "q over new networks", "multiply-adds, dense", "best of s, new networks"];
        let spellings = ["barrier", "q_over_new_networks", "multiply_adds_dense", "best_of_s_new_networks"];
        assert_eq!(names.map(spelled), spellings);
    }
}
