//! What figures of a score over weights remaining share: the dense network is a horizontal line.

use indexmap::IndexSet;

use super::points::{baselines, groups, variants};
use super::tally::Tally;
use super::{Axis, Drawing, Panel, Point, Scale, Series, Shape, Table, axis, one_each, panels};
use crate::record::{PipelineFacts, Row, Scores, Study};
use crate::units::percent;

/// How many times the extent of all else a line may lie below it.
const FAR: f64 = 3.0;

/// One of these figures.
pub(super) struct OverWeights {
    pub name: &'static str,
    pub title: &'static str,
    /// What the caption says before the sentences on replicates.
    pub shows: &'static str,
    pub value: fn(&Scores) -> f64,
    /// Of which tickets: a ticket that was evaluated as it is has no early stop.
    pub of: fn(&Row) -> bool,
    pub value_name: &'static str,
    /// How a value is written in the table and in the alternative text.
    pub write: fn(f64) -> String,
    pub x_scale: Scale,
    pub y_axis: fn(&[f64]) -> Axis,
}

impl OverWeights {
    /// Draws `pipelines`, each with its style; `None` where none has a point.
    pub fn draw(&self, study: &Study, pipelines: &[(usize, &PipelineFacts)]) -> Option<Drawing> {
        let mut drawn = Drawn { several_variants: variants(study).len() > 1, ..Drawn::default() };
        let mut panels: Vec<Panel> =
            variants(study).into_iter().map(|variant| self.panel(study, variant, pipelines, &mut drawn)).collect();
        if drawn.x.is_empty() {
            return None;
        }
        drop_far_below(&mut panels, &mut drawn);
        let x = match self.x_scale {
            Scale::LogFalling => axis::falling("weights remaining (%)", &drawn.x, &drawn.x_of_first),
            Scale::Linear | Scale::LogRising => axis::whole("weights kept (%)"),
        };
        let caption = format!("{} {}{}{}", self.shows, drawn.tally.bars(), drawn.lines(), drawn.tally.absent());
        let alternative = format!("{} over {}. {}", self.value_name, x.label, drawn.words.join(" "));
        let y = (self.y_axis)(&drawn.y);
        let header = ["variant", "pipeline", "weights remaining", "n", "mean", "min", "max"];
        let header = header.into_iter().skip(usize::from(!drawn.several_variants)).map(String::from).collect();
        let table = Table { columns: header, rows: drawn.rows };
        let columns = panels::columns(study, panels.len());
        let (name, title) = (self.name.into(), self.title.into());
        let drawing = Drawing { name, title, caption, alternative, panels, columns, x, y, table };
        Some(one_each::in_rows(drawing, self.value_name))
    }

    fn panel(&self, study: &Study, variant: &str, pipelines: &[(usize, &PipelineFacts)], drawn: &mut Drawn) -> Panel {
        let value = |row: &Row| row.scores().map(self.value);
        let mut series = Vec::new();
        if drawn.several_variants {
            drawn.words.push(format!("{variant}:"));
        }
        for dense in baselines(study, variant) {
            let Some(summary) = drawn.tally.summary(&dense.rows, &value) else { continue };
            if !drawn.baselines.contains(&dense.label) {
                drawn.baselines.push(dense.label.clone());
            }
            drawn.words.push(format!("{}: {}.", dense.label, (self.write)(summary.mean)));
            drawn.row(variant, &dense.label, 1.0, summary.n, [summary.mean, summary.low, summary.high].map(self.write));
            series.push(Series { label: dense.label, style: dense.style, shape: summary.baseline() });
        }
        for (style, pipeline) in pipelines {
            let points = self.points(study, variant, &pipeline.name, drawn);
            if !points.is_empty() {
                drawn.words.push(self.in_words(&pipeline.name, &points));
                series.push(Series { label: pipeline.name.clone(), style: *style, shape: Shape::Points(points) });
            }
        }
        Panel { title: variant.into(), series }
    }

    fn points(&self, study: &Study, variant: &str, pipeline: &str, drawn: &mut Drawn) -> Vec<Point> {
        let value = |row: &Row| row.scores().map(self.value);
        let mut points = Vec::new();
        for mut group in groups(study, variant, pipeline) {
            group.rows.retain(|row| (self.of)(row));
            let Some(summary) = drawn.tally.summary(&group.rows, &value) else { continue };
            let written = [summary.mean, summary.low, summary.high].map(self.write);
            drawn.row(variant, pipeline, group.weights_remaining, summary.n, written);
            // A logarithmic axis has no place for a network without weights; the table has.
            if self.x_scale == Scale::Linear || group.weights_remaining > 0.0 {
                points.push(summary.at(group.weights_remaining * 100.0));
            }
        }
        if drawn.x_of_first.len() < 2 {
            drawn.x_of_first = points.iter().map(|point| point.x).collect();
        }
        drawn.x.extend(points.iter().map(|point| point.x));
        drawn.y.extend(points.iter().flat_map(|point| [point.low, point.high]));
        points
    }

    fn in_words(&self, pipeline: &str, points: &[Point]) -> String {
        let say = |point: &Point| format!("{} at {}", (self.write)(point.y), percent(point.x / 100.0));
        let [first, .., last] = points else {
            return points.first().map_or(String::new(), |only| format!("{pipeline}: {}.", say(only)));
        };
        let mut words = format!("{pipeline}: from {} to {}", say(first), say(last));
        let ends = [first.y, last.y];
        let beyond = [("at most", f64::max as fn(f64, f64) -> f64), ("at least", f64::min)];
        for (bound, further) in beyond {
            let furthest = points.iter().reduce(|a, b| if further(a.y, b.y) == a.y { a } else { b });
            if let Some(furthest) = furthest.filter(|point| !ends.contains(&point.y)) {
                words += &format!(", {bound} {}", say(furthest));
            }
        }
        words + "."
    }
}

/// Takes out horizontal lines so far below all points that these could not be told apart on one axis: a network that
/// learns nothing. The caption names them.
fn drop_far_below(panels: &mut [Panel], drawn: &mut Drawn) {
    let lines: Vec<(f64, f64)> = panels.iter().flat_map(|panel| &panel.series).filter_map(Series::baseline).collect();
    let least = drawn.y.iter().copied().fold(f64::INFINITY, f64::min);
    let most = drawn.y.iter().copied().chain(lines.iter().map(|(_, high)| *high)).fold(f64::NEG_INFINITY, f64::max);
    let far = |(_, high): (f64, f64)| high < least - FAR * (most - least);
    drawn.y.extend(lines.into_iter().filter(|line| !far(*line)).flat_map(|(low, high)| [low, high]));
    for panel in &mut *panels {
        let taken = panel.series.extract_if(.., |series| series.baseline().is_some_and(far));
        drawn.below.extend(taken.map(|series| series.label));
    }
    let is_shown = |label: &String| panels.iter().flat_map(|panel| &panel.series).any(|series| series.label == *label);
    drawn.baselines.retain(is_shown);
}

/// What the panels so far hold.
#[derive(Default)]
struct Drawn {
    several_variants: bool,
    tally: Tally,
    x: Vec<f64>,
    /// Where the first pipeline of several levels has its points: the axis has its ticks there.
    x_of_first: Vec<f64>,
    y: Vec<f64>,
    rows: Vec<Vec<String>>,
    words: Vec<String>,
    /// Labels of the horizontal lines, each once.
    baselines: Vec<String>,
    /// Those too far below to be drawn.
    below: IndexSet<String>,
}

impl Drawn {
    fn lines(&self) -> String {
        let lines = match &self.baselines[..] {
            [] => String::new(),
            [only] => format!(" Horizontal line: {only}, its band likewise."),
            several => format!(" Horizontal lines: {}, their bands likewise.", several.join(", ")),
        };
        match self.below.is_empty() {
            true => lines,
            false => {
                let below: Vec<&str> = self.below.iter().map(String::as_str).collect();
                format!("{lines} Far below, and in the table only: {}.", below.join(", "))
            }
        }
    }

    fn row(&mut self, variant: &str, pipeline: &str, weights_remaining: f64, n: usize, written: [String; 3]) {
        let mut row = vec![pipeline.to_string(), percent(weights_remaining), n.to_string()];
        row.extend(written);
        if self.several_variants {
            row.insert(0, variant.into());
        }
        self.rows.push(row);
    }
}

/// An accuracy in %: "97.31%".
pub(super) fn write_accuracy(value: f64) -> String {
    format!("{value:.2}%")
}

/// An iteration: "1240".
pub(super) fn write_iteration(value: f64) -> String {
    format!("{value:.0}")
}
