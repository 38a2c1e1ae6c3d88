//! What analyses measured: `analyses.csv`, a line a figure's point, and the table of their numbers over replicates.

use indexmap::IndexMap;
use serde::Serialize;

use super::format::NONE;
use super::results::table;
use super::statistics::Sample;
use crate::figure::points::by_replicate;
use crate::record::{Measured, Place, Point, Row, Status, Study};
use crate::units::percent;

const COLUMNS: [&str; 14] = [
    "experiment",
    "variant",
    "pipeline",
    "replicate",
    "other_replicate",
    "level",
    "draw",
    "weights_remaining",
    "analysis",
    "figure",
    "x",
    "value",
    "unit",
    "step",
];

/// Every point of every figure; `None` of a study without analyses.
pub(super) fn csv(study: &Study) -> Option<String> {
    let lines = study.analyses.iter().flat_map(|row| {
        let points = measured(row).iter().flat_map(|figure| figure.points.iter().map(move |point| (figure, point)));
        points.map(|(figure, point)| line(&study.header.experiment, row, figure, point))
    });
    (!study.analyses.is_empty()).then(|| table(&COLUMNS, lines))
}

fn measured(row: &Row) -> &[Measured] {
    let record = row.record.as_ref().filter(|_| row.status == Status::Done);
    record.map_or(&[], |record| &record.measured)
}

fn line(experiment: &str, row: &Row, figure: &Measured, point: &Point) -> Vec<String> {
    vec![
        experiment.into(),
        row.variant.clone(),
        row.pipeline.clone(),
        row.replicate.to_string(),
        row.other_replicate.map_or(String::new(), |other| other.to_string()),
        row.level.to_string(),
        row.draw.to_string(),
        format!("{:.6}", row.weights_remaining()),
        row.analysis.clone(),
        figure.name.clone(),
        place(point),
        if point.value.is_finite() { plain(point.value) } else { String::new() },
        figure.unit.clone(),
        row.step.clone(),
    ]
}

fn place(point: &Point) -> String {
    match &point.at {
        None => String::new(),
        Some(Place::At(x)) => plain(*x),
        Some(Place::Of(name)) => name.clone(),
    }
}

/// At most nine decimals, and none that say nothing.
fn plain(value: f64) -> String {
    let text = format!("{value:.9}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

/// A number of an analysis, over replicates.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    variant: &'a str,
    pipeline: &'a str,
    level: u32,
    weights: String,
    figure: String,
    unit: &'a str,
    n: usize,
    mean: String,
    range: String,
    /// Of replicates without it: "1 not measured".
    notes: String,
    /// One layer's: a network has many, and so a report shows them apart.
    #[serde(skip)]
    by_layer: bool,
}

/// The numbers of whole tickets, and those of single layers.
#[derive(Serialize)]
pub(super) struct Tables<'a> {
    tickets: Vec<Line<'a>>,
    layers: Vec<Line<'a>>,
}

pub(super) fn tables(study: &Study) -> Tables<'_> {
    let (layers, tickets) = lines(study).into_iter().partition(|line| line.by_layer);
    Tables { tickets, layers }
}

/// Of a series, the most points that stand in the table: curves are a figure's, and long lists the CSV's.
const POINTS: usize = 8;

/// The numbers, and series over a few things that have names, in plan order.
fn lines(study: &Study) -> Vec<Line<'_>> {
    let mut groups: IndexMap<_, Vec<&Row>> = IndexMap::new();
    for row in study.analyses.iter().filter(|row| row.status != Status::Stopped) {
        let ticket = (row.level, row.kept_weights, row.branch);
        let place = (row.variant.as_str(), row.pipeline.as_str(), ticket, row.analysis.as_str());
        groups.entry(place).or_default().push(row);
    }
    groups.values().flat_map(|rows| group(rows)).collect()
}

fn group<'a>(rows: &[&'a Row]) -> Vec<Line<'a>> {
    let mut figures: IndexMap<(&str, String), &Measured> = IndexMap::new();
    for figure in rows.iter().copied().flat_map(measured) {
        let curve = figure.points.iter().any(|point| matches!(point.at, Some(Place::At(_))));
        for point in figure.points.iter().filter(|_| !curve && figure.points.len() <= POINTS) {
            figures.entry((&figure.name, place(point))).or_insert(figure);
        }
    }
    let line = |((name, at), figure): (&(&'a str, String), &&'a Measured)| {
        let value = |row: &Row| {
            let own = measured(row).iter().find(|own| own.name == *name)?;
            own.points.iter().find(|point| place(point) == *at).map(|point| point.value)
        };
        let values: Vec<f64> = by_replicate(rows, &value).into_iter().map(|(_, value)| value).collect();
        let absent = rows.iter().filter(|row| value(row).is_none_or(|value| !value.is_finite())).count();
        let sample = Sample::of(&values);
        Line {
            variant: &rows[0].variant,
            pipeline: &rows[0].pipeline,
            level: rows[0].level,
            weights: percent(rows[0].weights_remaining()),
            figure: if at.is_empty() { name.to_string() } else { format!("{name}, {at}") },
            unit: if figure.unit == "fraction" { "%" } else { &figure.unit },
            n: values.len(),
            mean: sample.map_or(NONE.into(), |sample| told(sample.mean, &figure.unit)),
            range: sample.filter(|sample| sample.n > 1).map_or(NONE.into(), |sample| {
                format!("{}–{}", told(sample.least, &figure.unit), told(sample.greatest, &figure.unit))
            }),
            notes: if absent > 0 { format!("{absent} not measured") } else { String::new() },
            by_layer: figure.over == "layer",
        }
    };
    figures.iter().map(line).collect()
}

/// A fraction in %; of other units whole numbers as such, others with four digits that tell.
fn told(value: f64, unit: &str) -> String {
    if unit == "fraction" {
        return format!("{:.2}", 100.0 * value).replace('-', "−");
    }
    if value.fract() == 0.0 || value.abs() >= 1000.0 {
        return format!("{value:.0}").replace('-', "−");
    }
    let digits = (3.0 - value.abs().log10().floor()).clamp(0.0, 9.0) as usize;
    // Not "−0".
    plain((value * 10f64.powi(digits as i32)).round() / 10f64.powi(digits as i32) + 0.0).replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::fixture::{analysis, study};

    fn analysed() -> Study {
        Study { analyses: (0..3).map(|replicate| analysis("line", replicate, 0)).collect(), ..study() }
    }

    #[test]
    fn a_line_a_point_with_the_documented_columns() {
        let study = analysed();
        let text = csv(&study).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let columns = "experiment,variant,pipeline,replicate,other_replicate,level,draw,weights_remaining,analysis,figure,x,value,unit,step";
        assert_eq!((lines[0], lines.len()), (columns, 1 + 3 * 4));
        assert_eq!(lines[1], "quickstart,,line,0,,0,0,1.000000,line,barrier,,0.01,fraction,line-0-0");
        assert_eq!(lines[3], "quickstart,,line,0,,0,0,1.000000,line,error,0.5,0.03,fraction,line-0-0");
        assert_eq!(csv(&crate::figure::fixture::study()), None);
    }

    #[test]
    fn the_table_has_the_numbers_over_replicates_and_no_curve() {
        let mut study = analysed();
        let told = |study: &Study| {
            let line =
                |line: &Line<'_>| format!("{} {} {} {} {}", line.figure, line.n, line.mean, line.range, line.notes);
            lines(study).iter().map(line).collect::<Vec<_>>()
        };
        assert_eq!(told(&study), ["barrier 3 1.10 1.00–1.20 "]);
        study.analyses[1].record = None;
        study.analyses[1].status = Status::Missing;
        assert_eq!(told(&study), ["barrier 2 1.10 1.00–1.20 1 not measured"]);
    }

    #[test]
    fn numbers_of_single_layers_stand_apart() {
        let mut study = analysed();
        for row in &mut study.analyses {
            let layers = [("fc1.weight", 0.5), ("fc2.weight", 0.25)].map(|(name, value)| (name.to_string(), value));
            let by_layer = Measured::each("weights remaining by layer", "fraction", "layer", layers);
            row.record.as_mut().unwrap().measured.push(by_layer);
        }
        let tables = tables(&study);
        let names = |lines: &[Line<'_>]| lines.iter().map(|line| line.figure.clone()).collect::<Vec<_>>();
        assert_eq!(names(&tables.tickets), ["barrier"]);
        let expected = ["fc1.weight", "fc2.weight"].map(|name| format!("weights remaining by layer, {name}"));
        assert_eq!(names(&tables.layers), expected);
    }

    #[test]
    fn a_number_has_four_digits_that_tell() {
        assert_eq!(
            [0.0, 1234.5, 12.0, 1.23456, 0.000123456, -2.5, -1e-17].map(|value| told(value, "")),
            ["0", "1234", "12", "1.235", "0.0001235", "−2.5", "0"]
        );
        assert_eq!(told(0.0123, "fraction"), "1.23");
    }
}
