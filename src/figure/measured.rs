//! What analyses measured, for the figures that show it: a ticket's replicates side by side, and their means.

use indexmap::IndexMap;

use super::points::{Summary, summarise, variants_of};
use super::tally::Tally;
use super::{Panel, Series};
use crate::record::{Measured, Place, Row, Study};
use crate::units::percent;

/// The replicates of one ticket that an analysis measured.
pub(super) struct Ticket<'a> {
    pub variant: &'a str,
    pub pipeline: &'a str,
    pub rows: Vec<&'a Row>,
}

/// The tickets that an analysis measured, in plan order.
pub(super) fn tickets<'a>(study: &'a Study, analysis: &str) -> Vec<Ticket<'a>> {
    let mut groups: IndexMap<(&str, &str, u32, usize, u32), Vec<&Row>> = IndexMap::new();
    for row in study.analyses.iter().filter(|row| row.analysis == analysis) {
        let place = (row.variant.as_str(), row.pipeline.as_str(), row.level, row.kept_weights, row.branch);
        groups.entry(place).or_default().push(row);
    }
    groups.into_iter().map(|((variant, pipeline, ..), rows)| Ticket { variant, pipeline, rows }).collect()
}

/// A panel a variant with what `series` draws of each of its tickets, given how many came before it in the variant and
/// whether it is one of several there.
pub(super) fn panels(
    study: &Study,
    analysis: &str,
    mut series: impl FnMut(&Ticket, usize, bool) -> Vec<Series>,
) -> Vec<Panel> {
    let tickets = tickets(study, analysis);
    let mut panels = Vec::new();
    for variant in variants_of(&study.analyses) {
        let own: Vec<&Ticket> = tickets.iter().filter(|ticket| ticket.variant == variant).collect();
        let drawn: Vec<Series> =
            own.iter().enumerate().flat_map(|(number, ticket)| series(ticket, number, own.len() > 1)).collect();
        if !drawn.is_empty() {
            panels.push(Panel { title: variant.into(), series: drawn });
        }
    }
    panels
}

impl Ticket<'_> {
    /// "imp at 26.3%".
    pub fn label(&self) -> String {
        format!("{} at {}", self.pipeline, percent(self.rows[0].weights_remaining()))
    }

    /// A number over the replicates, counted; fractions in %.
    pub fn number(&self, name: &str, tally: &mut Tally) -> Option<Summary> {
        tally.summary(&self.rows, &|row| Some(100.0 * figure(row, name)?.value()?))
    }

    /// The same at each place of a series, in its order; fractions in %. Places are numbers, or names of numbers.
    pub fn series(&self, name: &str) -> Vec<(f64, Summary)> {
        let first = self.rows.iter().find_map(|row| figure(row, name));
        let places = first.iter().flat_map(|figure| figure.points.iter().filter_map(|point| place(point.at.as_ref()?)));
        let summary = |at: f64| {
            let value = |row: &Row| {
                let points = &figure(row, name)?.points;
                let point = points.iter().find(|point| point.at.as_ref().and_then(place) == Some(at))?;
                Some(100.0 * point.value)
            };
            Some((at, summarise(&self.rows, &value)?))
        };
        places.filter_map(summary).collect()
    }
}

fn place(place: &Place) -> Option<f64> {
    match place {
        Place::At(at) => Some(*at),
        Place::Of(name) => name.parse().ok(),
    }
}

fn figure<'a>(row: &'a Row, name: &str) -> Option<&'a Measured> {
    row.record.as_ref()?.measured.iter().find(|figure| figure.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::fixture::{analysis, study};

    #[test]
    fn numbers_and_series_are_means_over_the_replicates_of_a_ticket() {
        let mut study = study();
        study.analyses = (0..3).flat_map(|replicate| [0, 1].map(|level| analysis("line", replicate, level))).collect();
        let tickets = tickets(&study, "line");
        assert_eq!(tickets.iter().map(|ticket| ticket.rows.len()).collect::<Vec<_>>(), [3, 3]);
        assert!(super::tickets(&study, "other").is_empty());
        // 1.0, 1.1 and 1.2%.
        let barrier = tickets[0].number("barrier", &mut Tally::default()).unwrap();
        assert!(barrier.n == 3 && (barrier.mean - 1.1).abs() < 1e-9 && (barrier.high - 1.2).abs() < 1e-9);
        let places: Vec<f64> = tickets[1].series("error").iter().map(|(at, _)| *at).collect();
        assert_eq!(places, [0.0, 0.5, 1.0]);
        assert!(tickets[0].series("nothing").is_empty());
    }
}
