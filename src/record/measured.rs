//! What an analysis measured: named figures, each one number or a series of them.

use serde::{Deserialize, Serialize};

use super::{nan, nan_where_null};

/// One figure of an analysis: "barrier", or "error" along a line.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Measured {
    pub name: String,
    /// "fraction" (reports write it in %), "weights", "units", "multiply-adds", …
    pub unit: String,
    /// What tells the points of a series apart: "position on the line", "layer"; "" of one number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub over: String,
    pub points: Vec<Point>,
}

/// A figure that an analysis will have measured: what is known of it ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heading {
    pub name: &'static str,
    pub unit: &'static str,
    /// "" of one number.
    pub over: &'static str,
}

impl Heading {
    pub const fn number(name: &'static str, unit: &'static str) -> Heading {
        Heading { name, unit, over: "" }
    }

    pub const fn series(name: &'static str, unit: &'static str, over: &'static str) -> Heading {
        Heading { name, unit, over }
    }
}

/// A number, and in a series where it stands.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Point {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Place>,
    /// Not a number where there is none; JSON has only `null` for it.
    #[serde(default = "nan", deserialize_with = "nan_where_null")]
    pub value: f64,
}

/// Where a point of a series stands.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Place {
    At(f64),
    Of(String),
}

impl Place {
    /// As an author writes it: "100", "fc1.weight".
    pub fn is_written(&self, text: &str) -> bool {
        match self {
            Place::At(x) => text.parse() == Ok(*x),
            Place::Of(name) => name == text,
        }
    }
}

impl Measured {
    /// One number.
    pub fn number(name: &str, unit: &str, value: f64) -> Measured {
        Measured::of(name, unit, "", vec![Point { at: None, value }])
    }

    /// A series over a quantity: pairs of its value and the figure's.
    pub fn curve(name: &str, unit: &str, over: &str, points: impl IntoIterator<Item = (f64, f64)>) -> Measured {
        let point = |(at, value)| Point { at: Some(Place::At(at)), value };
        Measured::of(name, unit, over, points.into_iter().map(point).collect())
    }

    /// A series over things that have names, as layers.
    pub fn each(name: &str, unit: &str, over: &str, points: impl IntoIterator<Item = (String, f64)>) -> Measured {
        let point = |(of, value)| Point { at: Some(Place::Of(of)), value };
        Measured::of(name, unit, over, points.into_iter().map(point).collect())
    }

    fn of(name: &str, unit: &str, over: &str, points: Vec<Point>) -> Measured {
        Measured { name: name.into(), unit: unit.into(), over: over.into(), points }
    }

    /// Of one number, its value.
    pub fn value(&self) -> Option<f64> {
        match &self.points[..] {
            [Point { at: None, value }] => Some(*value),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_back_as_they_were_written() {
        let figures = [
            Measured::number("barrier", "fraction", 0.0125),
            Measured::curve("error", "fraction", "position", [(0.0, 0.1), (0.5, 0.2)]),
            Measured::each("weights remaining", "fraction", "layer", [("fc1.weight".to_string(), 0.5)]),
        ];
        let text = serde_json::to_string(&figures).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Measured>>(&text).unwrap(), figures);
        assert!(text.starts_with(r#"[{"name":"barrier","unit":"fraction","points":[{"value":0.0125}]}"#), "{text}");
        assert_eq!(figures.each_ref().map(Measured::value), [Some(0.0125), None, None]);
        let none = serde_json::to_string(&Measured::number("q", "fraction", f64::NAN)).unwrap();
        assert!(serde_json::from_str::<Measured>(&none).unwrap().value().unwrap().is_nan());
    }
}
