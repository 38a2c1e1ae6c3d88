//! By which rule a figure of a rerun is compared with the lock's.
//!
//! On the same device kind a rerun computes the same bits, and anything else is wrong. On another kind sums round
//! otherwise, and trainings part: then a figure is to lie where one more replicate would, with probability 0.99, if its
//! replicates are normally distributed (the prediction interval mean ± t(0.995, n − 1) · s · √(1 + 1/n); e.g. Hahn and
//! Meeker 1991, section 4.2), or, where the spec names a tolerance, within it. A replicate's rerun shares its initial
//! weights and data order, so that it is nearer than another replicate is: the rule is on the lenient side.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// How much of what chance alone does an interval leaves out.
const OUTSIDE: f64 = 0.01;

/// Standard errors of an accuracy's own sampling that an interval is never narrower than, to each side.
const ERRORS: f64 = 3.0;

/// How the figures of one lock are compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Whether device kinds are the same.
    pub exact: bool,
    /// The spec's, in accuracy as a fraction.
    pub tolerance: Option<f64>,
}

/// Where a figure may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
    /// How probable it is that chance alone puts a figure outside.
    pub outside: f64,
}

impl Interval {
    pub fn holds(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

impl Rule {
    /// Where an accuracy may be that was `locked`, one of `replicates` (all of them, itself too), on so many examples;
    /// `None` where it must be the same.
    pub fn accuracy(&self, locked: f64, replicates: &[f64], examples: usize) -> Option<Interval> {
        if self.exact {
            return None;
        }
        if let Some(tolerance) = self.tolerance {
            return Some(Interval { low: locked - tolerance, high: locked + tolerance, outside: 0.0 });
        }
        let (center, half, outside) = predicted(replicates).unwrap_or((locked, 0.0, 0.0));
        let least = ERRORS * (locked * (1.0 - locked) / examples.max(1) as f64).sqrt();
        // One example more or less is no difference, whatever an accuracy near 1 says of its error.
        let least = least.max(1.0 / examples.max(1) as f64);
        let (low, high) = ((center - half).min(locked - least), (center + half).max(locked + least));
        Some(Interval { low, high, outside })
    }

    /// Where a loss may be, which has no error of its own: within the replicates' interval; `None` of one replicate.
    pub fn loss(&self, replicates: &[f64]) -> Option<Interval> {
        let (center, half, outside) = predicted(replicates)?;
        (!self.exact && self.tolerance.is_none()).then_some(Interval {
            low: center - half,
            high: center + half,
            outside,
        })
    }

    /// The rule in sentences, for whoever reads the verdict.
    pub fn sentences(&self) -> Vec<String> {
        if self.exact {
            return vec!["The device kind is the lock's: masks and figures must be the same to the last bit.".into()];
        }
        let interval = match self.tolerance {
            Some(tolerance) => format!("Accuracies must be within {tolerance} of the lock's, as the spec says."),
            None => "Each accuracy, and the validation loss, must lie where one more replicate would with probability \
                0.99, mean ± t(0.995, n − 1) · s · √(1 + 1/n) over the lock's n replicates; an accuracy's interval is \
                never narrower than the lock's ± 3 binomial standard errors of as many examples."
                .into(),
        };
        vec![
            "The device kind is not the lock's, so that sums round otherwise and trainings part.".into(),
            "Initial weights, splits, data order and counts of kept weights must be the same.".into(),
            interval,
            "Masks, early stops and what analyses measure are reported and not judged.".into(),
        ]
    }
}

/// Center and half width of the prediction interval, and how much it leaves out; `None` of fewer than two values.
fn predicted(replicates: &[f64]) -> Option<(f64, f64, f64)> {
    let n = replicates.len() as f64;
    if replicates.len() < 2 || replicates.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let mean = replicates.iter().sum::<f64>() / n;
    let squares: f64 = replicates.iter().map(|value| (value - mean).powi(2)).sum();
    let t = StudentsT::new(0.0, 1.0, n - 1.0).ok()?.inverse_cdf(1.0 - OUTSIDE / 2.0);
    Some((mean, t * (squares / (n - 1.0)).sqrt() * (1.0 + 1.0 / n).sqrt(), OUTSIDE))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ELSEWHERE: Rule = Rule { exact: false, tolerance: None };

    #[test]
    fn an_interval_worked_by_hand() {
        // 0.91, 0.92, 0.93, 0.96: mean 0.93, squares 4 + 1 + 0 + 9 = 14 · 10⁻⁴, s = 0.0216025; t(0.995, 3) = 5.840909;
        // half 5.840909 · 0.0216025 · √1.25 = 0.141072.
        let found = ELSEWHERE.accuracy(0.92, &[0.91, 0.92, 0.93, 0.96], 10_000).unwrap();
        assert!((found.low - 0.788928).abs() < 1e-5 && (found.high - 1.071072).abs() < 1e-5, "{found:?}");
        assert!(found.holds(0.79) && !found.holds(0.78));
    }

    #[test]
    fn an_interval_is_never_narrower_than_three_binomial_errors() {
        // 3 · √(0.9 · 0.1 ÷ 900) = 0.03.
        for replicates in [&[0.9, 0.9, 0.9][..], &[0.9]] {
            let found = ELSEWHERE.accuracy(0.9, replicates, 900).unwrap();
            assert!((found.low - 0.87).abs() < 1e-9 && (found.high - 0.93).abs() < 1e-9, "{found:?}");
        }
        // Of accuracy 1 the binomial error is 0; one example is not.
        assert!(ELSEWHERE.accuracy(1.0, &[1.0, 1.0], 100).unwrap().holds(0.99));
    }

    #[test]
    fn one_replicate_expects_no_false_alarm_and_says_nothing_of_a_loss() {
        assert_eq!(ELSEWHERE.accuracy(0.9, &[0.9], 900).unwrap().outside, 0.0);
        assert_eq!(ELSEWHERE.accuracy(0.9, &[0.9, 0.91], 900).unwrap().outside, 0.01);
        assert_eq!(ELSEWHERE.loss(&[0.3]), None);
    }

    #[test]
    fn a_tolerance_takes_the_interval_s_place_and_the_same_device_kind_leaves_none() {
        let rule = Rule { tolerance: Some(0.005), ..ELSEWHERE };
        let found = rule.accuracy(0.9, &[0.1, 0.9], 900).unwrap();
        assert!(found.holds(0.8951) && !found.holds(0.906));
        assert_eq!(Rule { exact: true, ..rule }.accuracy(0.9, &[0.9, 0.91], 900), None);
    }
}
