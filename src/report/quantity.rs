//! Figures of predictions as a report writes them, with their unit.

use super::evaluate::{Each, Figure};
use super::format;
use crate::prediction::Unit;

/// A figure with its unit, and so many digits more than usual: "98.05%", "+0.57 points", "4633".
pub(super) fn quantity(value: f64, unit: Unit, more: usize) -> String {
    let plain = |usual: usize, value: f64| minus(format!("{value:.*}", usual + more));
    match unit {
        Unit::Share => plain(2, 100.0 * value) + "%",
        Unit::Points if more == 0 => format!("{} points", format::signed(value)),
        Unit::Points => format!("{} points", minus(format!("{:+.*}", 2 + more, 100.0 * value))),
        Unit::Number | Unit::Levels => plain(2, value),
        Unit::Loss => plain(4, value),
        Unit::Iterations | Unit::Weights => plain(0, value),
        Unit::Seconds => plain(1, value) + " s",
    }
}

/// How far from a figure is near enough: without a sign.
pub(super) fn spread(value: f64, unit: Unit) -> String {
    quantity(value, unit, 0).trim_start_matches('+').to_string()
}

/// A figure and what it is compared with, with enough digits that a constant is told as it was written, and that what
/// differs looks different; and how many digits more than usual these are.
pub(super) fn bounds(found: &Figure, bound: &Figure) -> (String, String, usize) {
    const MOST: usize = 4;
    let unit = |one: Unit, other: Unit| if one == Unit::Number { other } else { one };
    let texts = |more: usize| {
        let of = |figure: &Figure, other: &Figure| quantity(figure.value, unit(figure.unit, other.unit), more);
        (of(found, bound), of(bound, found), more)
    };
    let exact = |figure: &Figure, text: &str| {
        let number = text.replace('−', "-").replace(['%', '+'], "");
        let shown: f64 = number.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(f64::NAN);
        let scale = if text.ends_with('%') || text.ends_with("points") { 100.0 } else { 1.0 };
        figure.each != Each::Constant || (shown / scale - figure.value).abs() < 1e-9
    };
    let clear = |(one, other, _): &(String, String, usize)| {
        let apart = (found.value - bound.value).abs() < 1e-9 || one != other;
        apart && exact(found, one) && exact(bound, other)
    };
    (0..MOST).map(texts).find(clear).unwrap_or_else(|| texts(MOST))
}

/// With a true minus sign.
fn minus(text: String) -> String {
    text.replace('-', "−")
}
