//! Axes with round limits that leave no value outside.

use super::{Axis, Scale};
use crate::units::percent;

/// A linear axis around `values` with a little headroom, within `bounds`; about five ticks.
pub(super) fn linear(label: &str, values: &[f64], bounds: (f64, f64)) -> Axis {
    let (least, most) = extent(values);
    let headroom = if most > least { (most - least) * 0.05 } else { 0.5 };
    let (start, end) = ((least - headroom).max(bounds.0), (most + headroom).min(bounds.1));
    let step = round_step((end - start) / 5.0);
    let (first, last) = ((start / step).floor(), (end / step).ceil());
    let decimals = (-step.log10().floor()).max(0.0) as usize;
    let ticks = (first as i64..=last as i64).map(|i| i as f64 * step).map(|at| (at, format!("{at:.decimals$}")));
    Axis { label: label.into(), scale: Scale::Linear, range: (first * step, last * step), ticks: ticks.collect() }
}

/// Accuracies in %.
pub(super) fn accuracy(label: &str, values: &[f64]) -> Axis {
    linear(label, values, (0.0, 100.0))
}

/// Weights remaining in %, logarithmic and falling, with a tick at each of `levels`: 100, 51.3, 26.3, …
pub(super) fn falling(label: &str, values: &[f64], levels: &[f64]) -> Axis {
    let (least, most) = extent(values);
    let mut levels = levels.to_vec();
    levels.sort_by(|a, b| b.total_cmp(a));
    levels.dedup();
    let ticks = levels.into_iter().map(|at| (at, percent(at / 100.0).trim_end_matches('%').to_string())).collect();
    Axis { label: label.into(), scale: Scale::LogFalling, range: (most * 1.1, least / 1.1), ticks }
}

/// Sizes, logarithmic, with a tick at each of `sizes`.
pub(super) fn rising(label: &str, sizes: &[(f64, String)]) -> Axis {
    let (least, most) = extent(&sizes.iter().map(|(at, _)| *at).collect::<Vec<_>>());
    Axis { label: label.into(), scale: Scale::LogRising, range: (least / 1.3, most * 1.3), ticks: sizes.to_vec() }
}

/// Rows that have names, the first at the top.
pub(super) fn rows(label: &str, names: &[String]) -> Axis {
    let ticks = names.iter().rev().enumerate().map(|(at, name)| (at as f64, name.clone())).collect();
    Axis { label: label.into(), scale: Scale::Linear, range: (-0.5, names.len() as f64 - 0.5), ticks }
}

/// All of 0 to 100%.
pub(super) fn whole(label: &str) -> Axis {
    let ticks = (0..=5).map(|i| (f64::from(i) * 20.0, format!("{}", i * 20))).collect();
    Axis { label: label.into(), scale: Scale::Linear, range: (0.0, 100.0), ticks }
}

fn extent(values: &[f64]) -> (f64, f64) {
    let least = values.iter().copied().reduce(f64::min).unwrap_or(0.0);
    (least, values.iter().copied().reduce(f64::max).unwrap_or(least))
}

/// The least of 1, 2, 5 × a power of ten that is no less than `step`.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= step * 0.999_999).unwrap_or(10.0);
    factor * power
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn limits_and_ticks_are_round() {
        // 92.3 to 97.9 with headroom is 92.02 to 98.18, in steps of 2.
        let axis = linear("accuracy", &[92.3, 97.9], (0.0, 100.0));
        assert_eq!(axis.range, (92.0, 100.0));
        let labels: Vec<_> = axis.ticks.iter().map(|(_, label)| label.as_str()).collect();
        assert_eq!(labels, ["92", "94", "96", "98", "100"]);
    }

    #[test]
    fn weights_remaining_are_written_as_papers_write_them() {
        let axis = falling("weights remaining (%)", &[100.0, 13.52], &[13.52, 100.0, 51.28, 100.0]);
        let labels: Vec<_> = axis.ticks.iter().map(|(_, label)| label.as_str()).collect();
        assert_eq!(labels, ["100", "51.3", "13.5"]);
        assert!(axis.range.0 > 100.0 && axis.range.1 < 13.52);
    }

    proptest! {
        #[test]
        fn no_value_lies_outside(values in prop::collection::vec(0.0..100.0f64, 1..20)) {
            let (least, most) = accuracy("accuracy", &values).range;
            prop_assert!(values.iter().all(|v| (least..=most).contains(v)));
            prop_assert!(least >= 0.0 && most <= 100.0);
        }
    }
}
