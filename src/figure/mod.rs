//! Figures: a study's rows become drawings, as data. What draws them is `report/svg.rs`.

pub mod accuracy;
mod axis;
mod bundled;
pub mod connectivity;
pub mod curves;
pub mod early_stop;
pub mod edge_popup;
#[cfg(test)]
pub(crate) mod fixture;
pub mod layers;
pub mod lottery_accuracy;
pub mod lottery_odds;
mod measured;
mod one_each;
mod over_weights;
pub mod overlap;
mod panels;
pub(crate) mod points;
pub mod sweep;
mod swept;
mod tally;
pub mod training;

use crate::record::Study;

/// Draws one figure of the report; `None` where the study has nothing for it to show.
pub trait Figure: Send + Sync {
    fn draw(&self, study: &Study) -> Option<Drawing>;
}

/// A figure as data.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// File name without ending: "accuracy".
    pub name: String,
    pub title: String,
    /// What is shown, with n and what the error bars are.
    pub caption: String,
    /// The figure in words, for who cannot see it.
    pub alternative: String,
    /// One, or several side by side with the same axes.
    pub panels: Vec<Panel>,
    /// How many panels stand in a row; where it is not said, two.
    pub columns: Option<usize>,
    pub x: Axis,
    pub y: Axis,
    /// Every number in the figure.
    pub table: Table,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// Empty where there is one panel only; of two lines where it is of a variant and something else.
    pub title: String,
    pub series: Vec<Series>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    pub label: String,
    pub scale: Scale,
    pub range: (f64, f64),
    /// Where ticks are, and what is written there.
    pub ticks: Vec<(f64, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    Linear,
    /// Logarithmic, falling from left to right: weights remaining.
    LogFalling,
    /// Logarithmic, rising: sizes.
    LogRising,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub label: String,
    /// Which colour, dash and marker: the pipeline's place in the spec, the same in every figure.
    pub style: usize,
    pub shape: Shape,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Points joined by lines, with bars from the least to the greatest replicate.
    Points(Vec<Point>),
    /// The same without lines: between them lies nothing.
    Dots(Vec<Point>),
    /// Markers in rows: of each the row is `y`, and the bar runs along x.
    Across(Vec<Point>),
    /// A curve without markers.
    Curve(Vec<(f64, f64)>),
    /// What lies between two curves: at each x the lower and the upper one.
    Band(Vec<(f64, f64, f64)>),
    /// A horizontal line with the band of its replicates.
    Baseline { y: f64, low: f64, high: f64 },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub x: f64,
    pub y: f64,
    pub low: f64,
    pub high: f64,
}

impl Series {
    /// The points of a curve; none of anything else.
    fn curve(&self) -> &[(f64, f64)] {
        match &self.shape {
            Shape::Curve(points) => points,
            _ => &[],
        }
    }

    /// The ends of a horizontal line's band.
    fn baseline(&self) -> Option<(f64, f64)> {
        match self.shape {
            Shape::Baseline { low, high, .. } => Some((low, high)),
            _ => None,
        }
    }
}

impl Panel {
    /// A series' label with the panel's title before it, where there are several.
    fn label(&self, series: &Series) -> String {
        match self.title.is_empty() {
            true => series.label.clone(),
            false => format!("{}, {}", self.title, series.label),
        }
    }
}

/// Numbers behind a figure: a header and rows, already written as text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
}
