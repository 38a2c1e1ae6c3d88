//! Accuracy on training and on test examples over what a sweep varies.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::points::{Group, Summary, groups, share};
use super::swept::{Swept, swept};
use super::tally::Tally;
use super::{Drawing, Figure, Panel, Point, Series, Shape, Table, axis};
use crate::record::{PipelineFacts, Row, Scores, Study};
use crate::registry::Plugin;
use crate::units::percent;

/// Accuracy of final weights on training and on test examples over what a sweep varies: random labels against true ones, or
/// wider networks against narrow ones.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sweep {}

impl Plugin for Sweep {
    const NAME: &'static str = "sweep";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Accuracy on training and on test examples over what a sweep varies";
    const SOURCE: &'static str = "Zhang et al. 2017, table 1; Ramanujan et al. 2020, figure 5";
}

/// More rows than anybody compares.
const ROWS: usize = 8;
/// Values that the alternative text says one by one.
const SAID: usize = 6;
/// Of a row, what all its markers take, and what two of them do.
const SPREAD: f64 = 0.7;
const STEP: f64 = 0.2;

/// Examples, and the accuracy on them.
type Split = (&'static str, fn(&Scores) -> f64);

/// What of a ticket is drawn, a column each.
const SPLITS: [Split; 2] =
    [("test", |scores| scores.final_test_accuracy), ("training", |scores| scores.final_train_accuracy)];

impl Figure for Sweep {
    fn draw(&self, study: &Study) -> Option<Drawing> {
        let swept = swept(&study.header.variants).filter(|swept| swept.panels.len() <= ROWS)?;
        let mut drawn = Drawn::default();
        let title = |row: &str, split: &str| if row.is_empty() { split.into() } else { format!("{row}, {split}") };
        let titles = swept.panels.iter().flat_map(|row| SPLITS.map(|(split, _)| title(row, split)));
        let mut panels: Vec<Panel> = titles.map(|title| Panel { title, series: Vec::new() }).collect();
        let all = study.header.pipelines.iter().enumerate();
        let lines: Vec<Line> = all.filter_map(|(style, pipeline)| Line::of(study, &swept, style, pipeline)).collect();
        for (number, line) in lines.iter().enumerate() {
            let step = STEP.min(SPREAD / lines.len() as f64);
            // The first pipeline uppermost, as in the legend.
            let above = ((lines.len() - 1) as f64 / 2.0 - number as f64) * step;
            for (column, (split, value)) in SPLITS.into_iter().enumerate() {
                for (row, points) in drawn.line(line, &swept, split, value).into_iter().enumerate() {
                    if !points.is_empty() {
                        let shape = match swept.numeric {
                            true => Shape::Points(points),
                            false => Shape::Across(points.into_iter().map(|point| across(point, above)).collect()),
                        };
                        let series = Series { label: line.label.clone(), style: line.style, shape };
                        panels[row * SPLITS.len() + column].series.push(series);
                    }
                }
            }
        }
        if panels.iter().all(|panel| panel.series.is_empty()) {
            return None;
        }
        let accuracy = axis::accuracy("accuracy (%)", &drawn.accuracies);
        let (x, y) = if swept.numeric { (swept.axis.clone(), accuracy) } else { (accuracy, swept.axis.clone()) };
        let columns = ["variant", "pipeline", "weights remaining", "examples", "n", "mean", "min", "max"];
        Some(Drawing {
            name: Self::NAME.into(),
            title: format!("Accuracy over {}", swept.axis.label),
            caption: format!(
                "Accuracy of final weights on test examples and on training examples (with the labels that were trained on), \
                 over {}. {}{}{}",
                swept.axis.label,
                chosen(&lines),
                drawn.tally.bars(),
                drawn.tally.absent()
            ),
            alternative: format!("Accuracy over {}. {}", swept.axis.label, drawn.words.join(" ")),
            panels,
            columns: Some(SPLITS.len()),
            x,
            y,
            table: Table { columns: columns.map(String::from).to_vec(), rows: drawn.rows },
        })
    }
}

/// A point over its place, laid into that row.
fn across(point: Point, above: f64) -> Point {
    Point { x: point.y, y: point.x + above, ..point }
}

/// A pipeline's ticket in each variant that has it.
struct Line<'a> {
    label: String,
    style: usize,
    /// Whether its pipeline has several in a variant.
    one_of_several: bool,
    /// As the sweep's places.
    tickets: Vec<Option<Group<'a>>>,
}

impl<'a> Line<'a> {
    fn of(study: &'a Study, swept: &Swept, style: usize, pipeline: &PipelineFacts) -> Option<Line<'a>> {
        let all: Vec<Vec<Group>> =
            swept.places.iter().map(|place| groups(study, place.variant, &pipeline.name)).collect();
        let one_of_several = all.iter().any(|groups| groups.len() > 1);
        // Of subnetworks the one that keeps nearest to half, of a ladder the smallest.
        let far = |group: &Group| match pipeline.learns == "mask" {
            true => (group.weights_remaining - 0.5).abs(),
            false => group.weights_remaining,
        };
        let chosen = |groups: Vec<Group<'a>>| groups.into_iter().min_by(|a, b| far(a).total_cmp(&far(b)));
        let tickets: Vec<Option<Group>> = all.into_iter().map(chosen).collect();
        let share = share(tickets.iter().flatten())?;
        let label = if one_of_several { format!("{} at {share}", pipeline.name) } else { pipeline.name.clone() };
        Some(Line { label, style, one_of_several, tickets })
    }
}

fn chosen(lines: &[Line]) -> &'static str {
    match lines.iter().any(|line| line.one_of_several) {
        true => {
            "Of a pipeline with several tickets: of subnetworks the one that keeps nearest to half, of others the smallest. "
        }
        false => "",
    }
}

#[derive(Default)]
struct Drawn {
    tally: Tally,
    accuracies: Vec<f64>,
    words: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Drawn {
    /// The points of one split, a list a panel.
    fn line(&mut self, line: &Line, swept: &Swept, split: &str, value: fn(&Scores) -> f64) -> Vec<Vec<Point>> {
        let mut panels = vec![Vec::new(); swept.panels.len()];
        let mut said: Vec<Vec<(&str, Summary)>> = vec![Vec::new(); swept.panels.len()];
        for (place, ticket) in swept.places.iter().zip(&line.tickets) {
            let Some(ticket) = ticket else { continue };
            let value = |row: &Row| row.scores().map(|scores| 100.0 * value(scores));
            let Some(summary) = self.tally.summary(&ticket.rows, &value) else { continue };
            let mut row = vec![place.variant.to_string(), line.label.clone(), percent(ticket.weights_remaining)];
            row.extend([split.to_string(), summary.n.to_string()]);
            row.extend([summary.mean, summary.low, summary.high].map(|value| format!("{value:.2}%")));
            self.rows.push(row);
            self.accuracies.extend([summary.low, summary.high]);
            panels[place.panel].push(summary.at(place.at));
            said[place.panel].push((place.text, summary));
        }
        panels.iter_mut().for_each(|points| points.sort_by(|a, b| a.x.total_cmp(&b.x)));
        for (title, said) in swept.panels.iter().zip(&said).filter(|(_, said)| !said.is_empty()) {
            let place = if title.is_empty() { String::new() } else { format!("{title}, ") };
            self.words.push(format!("{place}{}, {split}: {}.", line.label, in_words(said)));
        }
        panels
    }
}

/// Each value where there are few, else the lowest and the highest.
fn in_words(said: &[(&str, Summary)]) -> String {
    let say = |(text, summary): &(&str, Summary)| format!("{:.2}% at {text}", summary.mean);
    let by_mean = |a: &&(&str, Summary), b: &&(&str, Summary)| a.1.mean.total_cmp(&b.1.mean);
    match (said.iter().min_by(by_mean), said.iter().max_by(by_mean)) {
        (Some(least), Some(most)) if said.len() > SAID => format!("from {} to {}", say(least), say(most)),
        _ => said.iter().map(say).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::fixture::{row, scored, study};
    use crate::record::VariantFacts;

    /// A study of dense networks: of each variant its name, one setting and the accuracy on test examples.
    fn sweep(field: &str, variants: &[(&str, &str, f64)]) -> Study {
        let mut study = study();
        study.rows = Vec::new();
        for (name, value, accuracy) in variants {
            study.rows.extend((0..2).map(|replicate| Row {
                variant: name.to_string(),
                ..scored(row("dense", replicate, 0, 1024), accuracy + 0.02 * f64::from(replicate), 100)
            }));
            let settings = vec![(field.to_string(), value.to_string())];
            study.header.variants.push(VariantFacts { name: name.to_string(), settings, parameters: 1, prunable: 1 });
        }
        study
    }

    #[test]
    fn names_have_a_row_each_test_beside_training() {
        let study =
            sweep("dataset.label_noise", &[("true", "{fraction=0.0}", 0.94), ("random", "{fraction=1.0}", 0.1)]);
        let drawing = Sweep {}.draw(&study).unwrap();
        assert_eq!(drawing.panels.iter().map(|panel| panel.title.as_str()).collect::<Vec<_>>(), ["test", "training"]);
        let Shape::Across(points) = &drawing.panels[0].series[0].shape else { panic!("rows") };
        assert_eq!(points.iter().map(|point| point.y).collect::<Vec<_>>(), [0.0, 1.0]);
        assert!((points[1].x - 95.0).abs() < 1e-9 && (points[1].low - 94.0).abs() < 1e-9, "{points:?}");
        assert_eq!(drawing.table.rows[0][3..], ["test", "2", "95.00%", "94.00%", "96.00%"]);
        assert!(drawing.alternative.contains("dense, test: 95.00% at true, 11.00% at random."));
    }

    #[test]
    fn over_numbers_there_are_lines_in_their_order() {
        let study = sweep("model.width", &[("wide", "2.0", 0.9), ("narrow", "0.5", 0.7)]);
        let drawing = Sweep {}.draw(&study).unwrap();
        let Shape::Points(points) = &drawing.panels[0].series[0].shape else { panic!("points") };
        assert_eq!(points.iter().map(|point| point.x).collect::<Vec<_>>(), [0.5, 2.0]);
        assert_eq!(drawing.title, "Accuracy over width");
    }

    #[test]
    fn of_several_tickets_the_subnetwork_nearest_to_half_and_the_smallest_of_a_ladder_are_drawn() {
        let mut swept = sweep("model.width", &[("wide", "2.0", 0.9), ("narrow", "0.5", 0.7)]);
        for variant in ["wide", "narrow"] {
            let own = study().rows.into_iter().filter(|row| ["imp", "edge-popup"].contains(&row.pipeline.as_str()));
            swept.rows.extend(own.map(|row| Row { variant: variant.into(), ..row }));
        }
        let drawing = Sweep {}.draw(&swept).unwrap();
        let labels: Vec<_> = drawing.panels[0].series.iter().map(|series| series.label.as_str()).collect();
        assert_eq!(labels, ["dense", "imp at 13.4%", "edge-popup at 50%"]);
        assert!(drawing.caption.contains("nearest to half"), "{}", drawing.caption);
    }

    #[test]
    fn a_study_without_a_sweep_has_no_such_figure() {
        assert_eq!(Sweep {}.draw(&study()), None);
    }
}
