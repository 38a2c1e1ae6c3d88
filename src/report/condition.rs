//! One comparison of a prediction: as numbers, for programs, and as a report writes it.

use serde::Serialize;

use super::evaluate::{Each, Figure, joined};
use super::quantity::{bounds, quantity, spread};
use crate::prediction::{Operator, Unit};

/// What was found, and what it is compared with.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Condition {
    /// The comparison alone, as an expression.
    pub expect: String,
    pub holds: bool,
    pub found: f64,
    /// "<", "<=", ">", ">=" or "within".
    pub comparison: String,
    pub bound: f64,
    /// Of "within": how far from the bound is near enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<f64>,
    pub unit: Unit,
    /// Replicates.
    pub n: usize,
    /// The 95% interval of what was found; where the bound is a result, too, of the difference to it. Only a figure that
    /// is the mean of the replicates' own figures has one.
    pub interval: Option<(f64, f64)>,
    /// "+0.57 points".
    pub found_text: String,
    /// "≥ +0.30 points".
    pub bound_text: String,
    /// "95% interval +0.21 to +0.93 points", or "".
    pub interval_text: String,
}

impl Condition {
    /// By `<`, `<=`, `>` or `>=`.
    pub(super) fn compared(operator: Operator, left: Figure, right: Figure) -> Condition {
        let (slack, margin) = (slack(&left, &right), left.value - right.value);
        let (sign, holds) = match operator {
            Operator::AtMost => ("≤ ", margin <= slack),
            Operator::Less => ("< ", margin < -slack),
            Operator::More => ("> ", margin > slack),
            _ => ("≥ ", margin >= -slack),
        };
        Condition::of(holds, operator.to_string(), sign, left, right)
    }

    /// By `within … of …`.
    pub(super) fn near(value: Figure, tolerance: Figure, target: Figure) -> Condition {
        let far = tolerance.value;
        let holds = (value.value - target.value).abs() <= far + slack(&value, &target);
        let unit = value.unit.joined(target.unit).unwrap_or(value.unit).difference();
        let condition = Condition::of(holds, "within".into(), "", value, target);
        let n = tolerance.n.map_or(condition.n, |n| n.min(condition.n));
        let bound_text = format!("{} ± {}", condition.bound_text, spread(far, unit));
        Condition { n, tolerance: Some(far), bound_text, ..condition }
    }

    fn of(holds: bool, comparison: String, sign: &str, left: Figure, right: Figure) -> Condition {
        let (found_text, bound, more) = bounds(&left, &right);
        let (interval, interval_text) = interval(&left, &right, more);
        Condition {
            expect: String::new(),
            holds,
            found: left.value,
            comparison,
            bound: right.value,
            tolerance: None,
            unit: if left.unit == Unit::Number { right.unit } else { left.unit },
            n: left.n.into_iter().chain(right.n).min().unwrap_or(0),
            interval,
            found_text,
            bound_text: sign.to_string() + &bound,
            interval_text,
        }
    }

    pub(super) fn is_finite(&self) -> bool {
        [Some(self.found), Some(self.bound), self.tolerance].into_iter().flatten().all(f64::is_finite)
    }
}

/// Sums of decimal fractions are a little off: a figure of exactly the bound is at it.
fn slack(left: &Figure, right: &Figure) -> f64 {
    1e-12 * left.value.abs().max(right.value.abs()).max(1.0)
}

/// The interval, with `more` digits than usual.
fn interval(left: &Figure, right: &Figure, more: usize) -> (Option<(f64, f64)>, String) {
    let (of, label) = match right.each {
        Each::Constant => (left.clone(), "95% interval"),
        _ => (joined(Operator::Minus, left.clone(), right.clone()), "95% interval of the difference"),
    };
    let unit = if of.unit == Unit::Number { right.unit } else { of.unit };
    let interval = of.sample().and_then(|sample| sample.interval());
    let text = interval.map(|(low, high)| {
        // The unit once, as in "+0.21 to +0.93 points".
        let low = quantity(low, unit, more);
        format!("{label} {} to {}", low.trim_end_matches(|c: char| !c.is_ascii_digit()), quantity(high, unit, more))
    });
    (interval, text.unwrap_or_default())
}
