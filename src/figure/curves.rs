use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::points::{Dense, Group, dense, groups, ladders, mask_learners, share, variants};
use super::tally::Tally;
use super::{Drawing, Figure, Panel, Series, Shape, Table, axis, panels};
use crate::record::{Row, Study};
use crate::registry::Plugin;

/// Levels of a ladder that are drawn, besides dense.
const LEVELS: usize = 3;

/// Validation accuracy while training: dense, a few tickets, one random-weight subnetwork.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Curves {}

impl Plugin for Curves {
    const NAME: &'static str = "curves";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Validation accuracy by iteration: dense, a few tickets, a random-weight subnetwork";
    const SOURCE: &'static str = "Frankle & Carbin 2019, figure 3";
}

impl Figure for Curves {
    fn draw(&self, study: &Study) -> Option<Drawing> {
        let mut tally = Tally::default();
        let variants = variants(study);
        let lines = lines(study, &variants);
        let panel = |(place, variant): (usize, &&str)| {
            let series = lines.iter().filter_map(|line| line.series(study, place, &mut tally)).collect();
            Panel { title: variant.to_string(), series }
        };
        let mut panels: Vec<Panel> = variants.iter().enumerate().map(panel).collect();
        // Table and words have what each variant's own ticket keeps; one legend is of all.
        let table = table(&panels);
        let curves = || panels.iter().flat_map(|panel| &panel.series).map(Series::curve);
        let end = curves().flatten().map(|(x, _)| *x).reduce(f64::max)?;
        let settled: Vec<f64> = curves().flat_map(settled).collect();
        let y = axis::accuracy("validation accuracy (%)", &settled);
        let words: Vec<String> = panels.iter().flat_map(in_words).collect();
        panels.iter_mut().flat_map(|panel| &mut panel.series).for_each(|series| in_legend(series, &lines));
        let below = panels.iter_mut().flat_map(|panel| &mut panel.series).map(|s| drop_below(s, y.range.0)).sum();
        Some(Drawing {
            name: Self::NAME.into(),
            title: "Validation accuracy while training".into(),
            caption: format!(
                "Validation accuracy by iteration. {}, no bars.{}{}",
                tally.mean(),
                outside(below, y.range.0),
                tally.absent()
            ),
            alternative: format!("Validation accuracy (%) by iteration. {}", words.join(" ")),
            columns: panels::columns(study, panels.len()),
            panels,
            x: axis::linear("iteration", &[0.0, end], (0.0, end)),
            y,
            table,
        })
    }
}

/// What one line of the legend stands for: a ticket of each variant.
struct Line<'a> {
    label: String,
    /// No other line's.
    style: usize,
    /// As the variants: the ticket's own label and its replicates, none where one has no such ticket.
    tickets: Vec<(String, Vec<&'a Row>)>,
}

/// Dense, levels of the first ladder at even distances, and the middle one of the first edge-popup's tickets.
fn lines<'a>(study: &'a Study, variants: &[&str]) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    let all: Option<Vec<Dense>> = variants.iter().map(|variant| dense(study, variant)).collect();
    if let Some(Dense { label, style, .. }) = all.as_ref().and_then(|all| all.first()) {
        let (label, style) = (label.clone(), *style);
        let tickets = all.into_iter().flatten().map(|dense| (dense.label, dense.rows)).collect();
        lines.push(Line { label, style, tickets });
    }
    let tickets = |pipeline: &str| variants.iter().map(|variant| groups(study, variant, pipeline)).collect::<Vec<_>>();
    if let Some((_, ladder)) = ladders(study).first() {
        let mut all = tickets(&ladder.name);
        all.iter_mut().for_each(|tickets| tickets.retain(|ticket| ticket.level > 0));
        let drawn: Vec<Vec<&Group>> = all.iter().map(|tickets| evenly(tickets)).collect();
        // Styles of their own, beyond those of the pipelines: they are all of one pipeline.
        let styles = study.header.pipelines.len()..;
        lines.extend((0..LEVELS).zip(styles).filter_map(|(i, style)| {
            let of_level = drawn.iter().map(|tickets| tickets.get(i).copied()).collect();
            Line::of(&ladder.name, style, of_level)
        }));
    }
    if let Some((style, pipeline)) = mask_learners(study).first() {
        let all = tickets(&pipeline.name);
        let middle = all.iter().map(|tickets| tickets.get(tickets.len() / 2)).collect();
        lines.extend(Line::of(&pipeline.name, *style, middle));
    }
    lines
}

impl<'a> Line<'a> {
    /// A pipeline's ticket of each variant, as far as there is one; `None` where no variant has it.
    fn of(pipeline: &str, style: usize, tickets: Vec<Option<&Group<'a>>>) -> Option<Self> {
        let named =
            |tickets: &[Option<&Group>]| Some(format!("{pipeline} at {}", share(tickets.iter().copied().flatten())?));
        let own = |ticket: &Option<&Group<'a>>| {
            (named(&[*ticket]).unwrap_or_default(), ticket.map_or(Vec::new(), |ticket| ticket.rows.clone()))
        };
        Some(Self { label: named(&tickets)?, style, tickets: tickets.iter().map(own).collect() })
    }

    /// Its curve in one variant, where it has one.
    fn series(&self, study: &Study, variant: usize, tally: &mut Tally) -> Option<Series> {
        let (label, rows) = &self.tickets[variant];
        let points = curve(study, rows, tally);
        let (label, style) = (label.clone(), self.style);
        (!points.is_empty()).then_some(Series { label, style, shape: Shape::Curve(points) })
    }
}

/// Gives a curve the label that its line has in the legend.
fn in_legend(series: &mut Series, lines: &[Line]) {
    if let Some(line) = lines.iter().find(|line| line.style == series.style) {
        series.label = line.label.clone();
    }
}

/// Up to `LEVELS` of `all` at even distances, the last among them.
fn evenly<T>(all: &[T]) -> Vec<&T> {
    let n = LEVELS.min(all.len());
    (1..=n).map(|i| &all[all.len() * i / n - 1]).collect()
}

/// The mean over replicates at each iteration that all of them evaluated.
fn curve(study: &Study, rows: &[&Row], tally: &mut Tally) -> Vec<(f64, f64)> {
    let scored = |row: &Row| row.scores().and(row.record.as_ref()?.training.as_ref()).map(|_| 0.0);
    let Some(all) = tally.summary(rows, &scored) else { return Vec::new() };
    // By iteration, of each replicate the sum and the number of its draws.
    let mut evaluated: BTreeMap<u64, BTreeMap<u32, (f64, f64)>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.scores().is_some()) {
        let Some(curve) = study.curve(row) else { continue };
        for (iteration, accuracy) in curve.iteration.iter().zip(&curve.validation_accuracy) {
            let Some(accuracy) = accuracy.filter(|accuracy| accuracy.is_finite()) else { continue };
            let draws = evaluated.entry(*iteration).or_default().entry(row.replicate).or_default();
            *draws = (draws.0 + f64::from(accuracy) * 100.0, draws.1 + 1.0);
        }
    }
    let mean = |replicates: BTreeMap<u32, (f64, f64)>| {
        let sum: f64 = replicates.values().map(|(sum, draws)| sum / draws).sum();
        sum / replicates.len() as f64
    };
    let everywhere = evaluated.into_iter().filter(|(_, replicates)| replicates.len() == all.n);
    everywhere.map(|(iteration, replicates)| (iteration as f64, mean(replicates))).collect()
}

/// The accuracies after the first tenth of a training. Its first evaluations lie far below all others: on an axis that
/// holds them, no two curves could be told apart.
fn settled(curve: &[(f64, f64)]) -> Vec<f64> {
    let end = curve.last().map_or(0.0, |(x, _)| *x);
    curve.iter().filter(|(x, _)| *x >= end / 10.0).map(|(_, y)| *y).collect()
}

/// Takes out the points below the axis, and says how many there were.
fn drop_below(series: &mut Series, least: f64) -> usize {
    let Shape::Curve(points) = &mut series.shape else { return 0 };
    let before = points.len();
    points.retain(|(_, y)| *y >= least);
    before - points.len()
}

fn outside(below: usize, least: f64) -> String {
    match below {
        0 => String::new(),
        1 => format!(" One evaluation below {least}% is in the table only."),
        n => format!(" {n} evaluations below {least}% are in the table only."),
    }
}

/// Where a curve begins and ends, and its highest point.
fn in_words(panel: &Panel) -> Vec<String> {
    let say = |series: &Series| {
        let all = series.curve();
        let ((begin, first), (end, last)) = (all.first()?, all.last()?);
        let highest = all.iter().fold((*end, *last), |best, point| if point.1 > best.1 { *point } else { best });
        let most =
            if highest.1 > *last { format!(", at most {:.2}% at {}", highest.1, highest.0) } else { String::new() };
        let label = panel.label(series);
        Some(format!("{label}: from {first:.2}% at iteration {begin} to {last:.2}% at {end}{most}."))
    };
    panel.series.iter().filter_map(say).collect()
}

/// A row an iteration, a column a curve.
fn table(panels: &[Panel]) -> Table {
    let mut columns = vec!["iteration".to_string()];
    let mut cells: BTreeMap<u64, Vec<(usize, f64)>> = BTreeMap::new();
    for panel in panels {
        for series in &panel.series {
            for (x, y) in series.curve() {
                cells.entry(*x as u64).or_default().push((columns.len(), *y));
            }
            columns.push(panel.label(series));
        }
    }
    let row = |(iteration, cells): (u64, Vec<(usize, f64)>)| {
        let mut row = vec![String::new(); columns.len()];
        row[0] = iteration.to_string();
        for (column, y) in cells {
            row[column] = format!("{y:.2}%");
        }
        row
    };
    let rows = cells.into_iter().map(row).collect();
    Table { columns, rows }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::fixture::study;

    #[test]
    fn dense_a_few_levels_and_the_middle_subnetwork_are_drawn() {
        let drawing = Curves {}.draw(&study()).unwrap();
        let labels: Vec<_> = drawing.panels[0].series.iter().map(|s| s.label.as_str()).collect();
        assert_eq!(labels, ["dense", "imp at 51.2%", "imp at 26.2%", "imp at 13.4%", "edge-popup at 50%"]);
        assert!(drawing.caption.contains("Mean of 3 replicates, no bars."), "{}", drawing.caption);
    }

    #[test]
    fn words_say_where_a_curve_begins_ends_and_is_highest() {
        let shape = Shape::Curve(vec![(0.0, 10.0), (100.0, 97.0), (200.0, 96.5)]);
        let panel = Panel { title: String::new(), series: vec![Series { label: "dense".into(), style: 0, shape }] };
        let words = "dense: from 10.00% at iteration 0 to 96.50% at 200, at most 97.00% at 100.";
        assert_eq!(in_words(&panel), [words]);
    }

    #[test]
    fn a_curve_is_the_mean_at_iterations_that_every_replicate_evaluated() {
        let mut study = study();
        study.rows.retain(|row| row.pipeline == "dense" && row.replicate < 2);
        for (row, accuracies) in study.rows.iter_mut().zip([[0.5, 0.75], [1.0, 0.25]]) {
            let curve = &mut row.record.as_mut().unwrap().training.as_mut().unwrap().curve;
            curve.iteration = vec![0, 100];
            curve.validation_accuracy = accuracies.map(Some).into();
        }
        let extra = &mut study.rows[0].record.as_mut().unwrap().training.as_mut().unwrap().curve;
        extra.iteration.push(200);
        extra.validation_accuracy.push(Some(1.0));
        let drawing = Curves {}.draw(&study).unwrap();
        assert_eq!(drawing.table.rows, [["0", "75.00%"], ["100", "50.00%"]]);
    }

    #[test]
    fn evaluations_below_the_axis_are_said_and_stay_in_the_table() {
        let drawing = Curves {}.draw(&study()).unwrap();
        assert!(drawing.caption.contains(" 15 evaluations below"), "{}", drawing.caption);
        assert_eq!(drawing.table.rows[0][1], "10.00%");
        let lowest = drawing.panels[0].series.iter().flat_map(Series::curve).map(|p| p.1).fold(100.0, f64::min);
        assert!(lowest >= drawing.y.range.0);
    }
}
