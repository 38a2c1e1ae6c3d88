//! Test error along the line between two trainings.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tally::Tally;
use super::{Drawing, Figure, Panel, Series, Shape, Table, axis, panels};
use crate::record::{Place, Row, Study};
use crate::registry::Plugin;
use crate::units::percent;

/// Test error along the line between two networks that were trained alike but for their data order.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Connectivity {}

impl Plugin for Connectivity {
    const NAME: &'static str = "connectivity";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Test error along the line between two trainings that differ in data order";
    const SOURCE: &'static str = "Frankle et al. 2020, Linear mode connectivity, figure 2";
}

/// What the analysis calls its curve.
const CURVE: &str = "test error";

impl Figure for Connectivity {
    fn draw(&self, study: &Study) -> Option<Drawing> {
        let mut groups: IndexMap<(&str, &str, u32, usize), Vec<&Row>> = IndexMap::new();
        for row in study.analyses.iter().filter(|row| row.analysis == Self::NAME) {
            let place = (row.variant.as_str(), row.pipeline.as_str(), row.level, row.kept_weights);
            groups.entry(place).or_default().push(row);
        }
        let mut tally = Tally::default();
        let mut panels: IndexMap<&str, Vec<Series>> = IndexMap::new();
        for ((variant, pipeline, ..), rows) in &groups {
            let points = curve(rows, &mut tally);
            if !points.is_empty() {
                let all = panels.entry(variant).or_default();
                let label = format!("{pipeline} at {}", percent(rows[0].weights_remaining()));
                // Levels of one pipeline have styles of their own.
                all.push(Series { label, style: all.len(), shape: Shape::Curve(points) });
            }
        }
        let panels: Vec<Panel> =
            panels.into_iter().map(|(title, series)| Panel { title: title.into(), series }).collect();
        let all: Vec<Line<'_>> = panels
            .iter()
            .flat_map(|panel| panel.series.iter().map(move |series| (panel, series)))
            .map(|(panel, series)| (panel, series, series.curve()))
            .collect();
        if all.is_empty() {
            return None;
        }
        let errors: Vec<f64> = all.iter().flat_map(|(.., points)| points.iter().map(|(_, y)| *y)).collect();
        let (y, words) = (axis::accuracy("test error (%)", &errors), all.iter().map(in_words).collect::<Vec<_>>());
        let table = table(&all);
        Some(Drawing {
            name: Self::NAME.into(),
            title: "Along the line between two trainings".into(),
            caption: format!(
                "Test error at points of the line between two networks that were trained from the same weights, with the \
                 same mask, in different data orders; 0 and 1 are the networks. {}, no bars.{}",
                tally.mean(),
                tally.absent()
            ),
            alternative: format!("Test error (%) along the line between two trainings. {}", words.join(" ")),
            x: axis::linear("position on the line", &[0.0, 1.0], (0.0, 1.0)),
            y,
            table,
            columns: panels::columns(study, panels.len()),
            panels,
        })
    }
}

/// The mean over replicates at each point, in %; a replicate's draws are averaged first.
fn curve(rows: &[&Row], tally: &mut Tally) -> Vec<(f64, f64)> {
    let of = |row: &Row| -> Option<Vec<(f64, f64)>> {
        let figure = row.record.as_ref()?.measured.iter().find(|figure| figure.name == CURVE)?;
        let point = |point: &crate::record::Point| match point.at {
            Some(Place::At(x)) => Some((x, 100.0 * point.value)),
            _ => None,
        };
        figure.points.iter().map(point).collect()
    };
    if tally.summary(rows, &|row| of(row).map(|_| 0.0)).is_none() {
        return Vec::new();
    }
    let mut sums: BTreeMap<u32, (Vec<(f64, f64)>, f64)> = BTreeMap::new();
    for row in rows {
        let Some(points) = of(row) else { continue };
        let (sum, n) =
            sums.entry(row.replicate).or_insert_with(|| (points.iter().map(|(x, _)| (*x, 0.0)).collect(), 0.0));
        sum.iter_mut().zip(&points).for_each(|(sum, point)| sum.1 += point.1);
        *n += 1.0;
    }
    let replicates = sums.len() as f64;
    let mut mean: Vec<(f64, f64)> = Vec::new();
    for (sum, n) in sums.into_values() {
        if mean.is_empty() {
            mean = sum.iter().map(|(x, _)| (*x, 0.0)).collect();
        }
        mean.iter_mut().zip(&sum).for_each(|(mean, sum)| mean.1 += sum.1 / n / replicates);
    }
    mean
}

fn in_words((panel, series, points): &(&Panel, &Series, &[(f64, f64)])) -> String {
    let largest = points.iter().map(|(_, y)| *y).fold(f64::NEG_INFINITY, f64::max);
    let end = |point: Option<&(f64, f64)>| point.map_or(f64::NAN, |(_, y)| *y);
    let (one, other) = (end(points.first()), end(points.last()));
    format!("{}: {one:.2} and {other:.2} at the ends, {largest:.2} at most.", panel.label(series))
}

/// A curve with its panel, and its points.
type Line<'a> = (&'a Panel, &'a Series, &'a [(f64, f64)]);

/// A row a point, a column a curve.
fn table(all: &[Line<'_>]) -> Table {
    let mut columns = vec!["position".to_string()];
    columns.extend(all.iter().map(|(panel, series, _)| panel.label(series)));
    let mut positions: Vec<f64> = all.iter().flat_map(|(.., points)| points.iter().map(|(x, _)| *x)).collect();
    positions.sort_by(f64::total_cmp);
    positions.dedup();
    let row = |at: f64| {
        let cell = |points: &[(f64, f64)]| points.iter().find(|(x, _)| *x == at).map(|(_, y)| format!("{y:.2}%"));
        let cells = all.iter().map(|(.., points)| cell(points).unwrap_or_default());
        std::iter::once(format!("{at:.4}")).chain(cells).collect()
    };
    Table { columns, rows: positions.into_iter().map(row).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::fixture::{analysis, study};

    #[test]
    fn a_curve_is_the_mean_of_replicates_and_without_analyses_there_is_no_figure() {
        let mut study = study();
        assert_eq!(Connectivity {}.draw(&study), None);
        study.analyses = (0..2).map(|replicate| analysis("connectivity", replicate, 1)).collect();
        for (row, height) in study.analyses.iter_mut().zip([0.03, 0.05]) {
            let figures = &mut row.record.as_mut().unwrap().measured;
            figures[1].name = CURVE.into();
            figures[1].points[1].value = height;
        }
        let drawing = Connectivity {}.draw(&study).unwrap();
        assert_eq!(drawing.panels[0].series[0].label, "connectivity at 50%");
        assert_eq!(drawing.table.rows, [["0.0000", "2.00%"], ["0.5000", "4.00%"], ["1.0000", "2.00%"]]);
        assert!(drawing.caption.contains("Mean of 2 replicates, no bars."), "{}", drawing.caption);
    }
}
