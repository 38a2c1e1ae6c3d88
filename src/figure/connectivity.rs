//! Test error along the line between two trainings.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::measured;
use super::tally::Tally;
use super::{Drawing, Figure, Panel, Series, Shape, Table, axis, panels};
use crate::record::Study;
use crate::registry::Plugin;

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

/// What the analysis calls its curve, and the number that it has of each.
const CURVE: &str = "test error";
const BARRIER: &str = "barrier";

impl Figure for Connectivity {
    fn draw(&self, study: &Study) -> Option<Drawing> {
        let mut tally = Tally::default();
        let panels = measured::panels(study, Self::NAME, |ticket, number, _| {
            let points: Vec<(f64, f64)> =
                ticket.series(CURVE).into_iter().map(|(at, found)| (at, found.mean)).collect();
            ticket.number(BARRIER, &mut tally);
            // Levels of one pipeline have styles of their own.
            let series = Series { label: ticket.label(), style: number, shape: Shape::Curve(points) };
            (!series.curve().is_empty()).then_some(series).into_iter().collect()
        });
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
