//! How much of two tickets' masks is the same, over weights remaining.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::measured::tickets;
use super::points::{Summary, variants_of};
use super::tally::Tally;
use super::{Drawing, Figure, Panel, Series, Shape, Table, axis, panels};
use crate::record::Study;
use crate::registry::Plugin;
use crate::units::percent;

/// The weights that two tickets both keep, over those that either keeps, beside what masks drawn at random would share.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Overlap {}

impl Plugin for Overlap {
    const NAME: &'static str = "overlap";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Overlap of two tickets' masks over weights remaining, beside that of random masks";
}

/// What the analysis calls its figures.
const FOUND: &str = "overlap";
const BY_CHANCE: &str = "overlap by chance";

/// Weights remaining in %, the overlap that was found, and that of chance.
type Compared = (f64, Summary, Option<Summary>);

impl Figure for Overlap {
    fn draw(&self, study: &Study) -> Option<Drawing> {
        let mut drawn = Drawn::default();
        let tickets = tickets(study, Self::NAME);
        let mut lines: IndexMap<(&str, &str), Vec<Compared>> = IndexMap::new();
        for ticket in &tickets {
            let Some(found) = ticket.number(FOUND, &mut drawn.tally) else { continue };
            let chance = ticket.number(BY_CHANCE, &mut Tally::default());
            let remaining = 100.0 * ticket.rows[0].weights_remaining();
            lines.entry((ticket.variant, ticket.pipeline)).or_default().push((remaining, found, chance));
        }
        let variants = variants_of(&study.analyses);
        let of = |variant: &str| lines.iter().filter(move |((own, _), _)| *own == variant).collect::<Vec<_>>();
        let panel = |variant: &&str| {
            let lines = of(variant).into_iter().flat_map(|((_, name), line)| drawn.line(study, variant, name, line));
            Panel { title: variant.to_string(), series: one_chance(lines.collect(), study.header.pipelines.len()) }
        };
        let panels: Vec<Panel> = variants.iter().map(panel).filter(|panel| !panel.series.is_empty()).collect();
        if panels.is_empty() {
            return None;
        }
        let several = panels.iter().any(|panel| !panel.title.is_empty());
        let columns = ["variant", "pipeline", "weights remaining", "n", "mean", "min", "max", "by chance"];
        let skip = usize::from(!several);
        let rows = drawn.rows.into_iter().map(|row| row.into_iter().skip(skip).collect()).collect();
        Some(Drawing {
            name: Self::NAME.into(),
            title: "Overlap of masks over weights remaining".into(),
            caption: format!(
                "Weights that two tickets both keep, over those that either keeps, over weights remaining (logarithmic, \
                 falling). {} By chance: what masks drawn at random would share that keep as many of each layer.{}",
                drawn.tally.bars(),
                drawn.tally.absent()
            ),
            alternative: format!("Overlap of two tickets' masks over weights remaining. {}", drawn.words.join(" ")),
            columns: panels::columns(study, panels.len()),
            panels,
            x: axis::falling("weights remaining (%)", &drawn.x, &drawn.levels),
            y: axis::accuracy("overlap (%)", &drawn.y),
            table: Table { columns: columns.into_iter().skip(skip).map(String::from).collect(), rows },
        })
    }
}

/// Tickets of the same sizes have the same chance: one line is enough, of a style that no pipeline has.
fn one_chance(mut series: Vec<Series>, style: usize) -> Vec<Series> {
    let close = |a: &(f64, f64), b: &(f64, f64)| (a.0 - b.0).abs() < 0.01 && (a.1 - b.1).abs() < 0.01;
    let same = |a: &[(f64, f64)], b: &[(f64, f64)]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| close(a, b));
    let chances: Vec<&Series> = series.iter().filter(|series| matches!(series.shape, Shape::Curve(_))).collect();
    let all_same = chances.windows(2).all(|pair| same(pair[0].curve(), pair[1].curve()));
    if let Some(chance) = chances.first().filter(|_| all_same).map(|chance| (*chance).clone()) {
        series.retain(|series| !matches!(series.shape, Shape::Curve(_)));
        series.push(Series { label: "by chance".into(), style, ..chance });
    }
    series
}

#[derive(Default)]
struct Drawn {
    tally: Tally,
    x: Vec<f64>,
    /// Where the first line has its points: the axis has its ticks there.
    levels: Vec<f64>,
    y: Vec<f64>,
    words: Vec<String>,
    /// Table rows, the variant first.
    rows: Vec<Vec<String>>,
}

impl Drawn {
    /// What a pipeline found, and what chance would give.
    fn line(&mut self, study: &Study, variant: &str, name: &str, line: &[Compared]) -> Vec<Series> {
        let style = study.header.pipelines.iter().position(|pipeline| pipeline.name == name).unwrap_or(0);
        for (remaining, found, chance) in line {
            let mut row = vec![variant.to_string(), name.to_string(), percent(remaining / 100.0), found.n.to_string()];
            row.extend([found.mean, found.low, found.high].map(|value| format!("{value:.2}%")));
            row.push(chance.map_or(String::new(), |chance| format!("{:.2}%", chance.mean)));
            self.rows.push(row);
        }
        // A logarithmic axis has no place for networks without weights.
        let shown: Vec<_> = line.iter().filter(|(remaining, ..)| *remaining > 0.0).collect();
        let Some((fewest, found, by_chance)) = shown.last() else { return Vec::new() };
        let beside = by_chance.map_or(String::new(), |chance| format!(" ({:.1}% by chance)", chance.mean));
        let place = if variant.is_empty() { String::new() } else { format!("{variant}, ") };
        let at = percent(fewest / 100.0);
        self.words.push(format!("{place}{name}: {:.1}%{beside} at {at} of weights.", found.mean));
        let points: Vec<_> = shown.iter().map(|(remaining, found, _)| found.at(*remaining)).collect();
        let chance: Vec<_> =
            shown.iter().filter_map(|(remaining, _, chance)| Some((*remaining, chance.as_ref()?.mean))).collect();
        self.x.extend(points.iter().map(|point| point.x));
        if self.levels.is_empty() {
            self.levels = self.x.clone();
        }
        self.y.extend(points.iter().flat_map(|point| [point.low, point.high]));
        self.y.extend(chance.iter().map(|(_, y)| *y));
        let beyond = style + study.header.pipelines.len();
        vec![
            Series { label: name.into(), style, shape: Shape::Points(points) },
            Series { label: format!("{name}, by chance"), style: beyond, shape: Shape::Curve(chance) },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Point;
    use crate::figure::fixture::{overlap, study};
    use crate::record::Row;

    #[test]
    fn a_point_is_the_mean_overlap_of_replicates_with_that_of_chance_beside_it() {
        let mut study = study();
        assert_eq!(Overlap {}.draw(&study), None);
        study.analyses = vec![overlap(0, 1, 0.5, 0.25), overlap(1, 1, 0.75, 0.25), overlap(0, 2, 0.25, 0.125)];
        let drawing = Overlap {}.draw(&study).unwrap();
        let series = &drawing.panels[0].series;
        let points = [(50.0, 62.5, 50.0, 75.0), (25.0, 25.0, 25.0, 25.0)];
        let points = points.map(|(x, y, low, high)| Point { x, y, low, high }).to_vec();
        assert_eq!(series[0].shape, Shape::Points(points));
        assert_eq!(series[1].shape, Shape::Curve(vec![(50.0, 25.0), (25.0, 12.5)]));
        assert_eq!(series[1].label, "by chance");
        assert_eq!(drawing.table.rows[0], ["overlap", "50%", "2", "62.50%", "50.00%", "75.00%", "25.00%"]);
        assert!(drawing.alternative.contains("overlap: 25.0% (12.5% by chance) at 25% of weights."));
    }

    #[test]
    fn pipelines_of_other_sizes_have_chances_of_their_own() {
        let of = |pipeline: &str, row: Row| Row { pipeline: pipeline.into(), ..row };
        let study = |chance: f64| Study {
            analyses: vec![of("one", overlap(0, 1, 0.5, 0.25)), of("other", overlap(0, 1, 0.6, chance))],
            ..study()
        };
        let labels = |study: &Study| {
            let series = Overlap {}.draw(study).unwrap().panels.remove(0).series;
            series.into_iter().map(|series| series.label).collect::<Vec<_>>()
        };
        assert_eq!(labels(&study(0.25)), ["one", "other", "by chance"]);
        assert_eq!(labels(&study(0.2)), ["one", "one, by chance", "other", "other, by chance"]);
    }
}
