//! By which rule a figure of a rerun is compared with the lock's.
//!
//! On the same device kind a rerun computes the same bits, and anything else is wrong. On another kind sums round
//! otherwise, and trainings part: then a figure is to lie where one more replicate would, with probability 0.99, if its
//! replicates are normally distributed (the prediction interval; e.g. Hahn and Meeker 1991, section 4.2), or, where the
//! spec names a tolerance, within it. A replicate's rerun shares its initial weights and data order, so that it is nearer
//! than another replicate is: the rule is on the lenient side.
//!
//! The interval is made so: n replicates x₁ … xₙ and one more y, all from one normal distribution of variance σ², have
//! y − x̄ of mean 0 and variance σ²(1 + 1/n), which is independent of s, the replicates' standard deviation. So
//! (y − x̄) ÷ (s·√(1 + 1/n)) has Student's distribution with n − 1 degrees of freedom, and y is within
//! x̄ ± t(0.995, n − 1)·s·√(1 + 1/n) with probability 0.99.
//!
//! An author who writes a false value into a lock widens the interval that it is judged by: of five values of which four
//! are alike, the fifth, d away, moves the mean by d/5 and makes s = d/√5, so that the interval reaches
//! 4.604·d/√5·√1.2 = 2.26·d to each side, and holds what was there before. What a rerun found no author can edit: so the
//! lock's value must be, too, within the interval that the values found make, of at least three, since that of two is
//! 63.657·s·√1.5 = 78·s to each side, and says little.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// How much of what chance alone does an interval leaves out.
const OUTSIDE: f64 = 0.01;

/// Standard errors of an accuracy's own sampling that an interval is never narrower than, to each side.
const ERRORS: f64 = 3.0;

/// Replicates that must have been run again, for the lock's values to be judged by them.
const ENOUGH: usize = 3;

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
    /// Whether no figure can be outside, so that it says nothing.
    pub all: bool,
}

impl Interval {
    pub fn holds(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

impl Rule {
    /// Where an accuracy may be that was `known` in the other run, as one of `replicates` (all of them, itself too), on so
    /// many examples; `None` where it must be the same.
    pub fn accuracy(&self, known: f64, replicates: &[f64], examples: usize) -> Option<Interval> {
        if self.exact {
            return None;
        }
        if let Some(tolerance) = self.tolerance {
            return Some(of_accuracy(known - tolerance, known + tolerance, 0.0));
        }
        let (center, half, outside) = predicted(replicates).unwrap_or((known, 0.0, 0.0));
        let least = ERRORS * (known * (1.0 - known) / examples.max(1) as f64).max(0.0).sqrt();
        // One example more or less is no difference, whatever an accuracy near 1 says of its error.
        let least = least.max(1.0 / examples.max(1) as f64);
        Some(of_accuracy((center - half).min(known - least), (center + half).max(known + least), outside))
    }

    /// Where a loss may be, which has no error of its own: within the replicates' interval; `None` of one replicate.
    pub fn loss(&self, replicates: &[f64]) -> Option<Interval> {
        let (center, half, outside) = predicted(replicates)?;
        let (low, high) = (center - half, center + half);
        (!self.exact && self.tolerance.is_none()).then_some(Interval { low, high, outside, all: false })
    }

    /// Whether so many replicates that were run again judge the lock's values in turn.
    pub fn is_mirrored(&self, again: usize) -> bool {
        !self.exact && self.tolerance.is_none() && again >= ENOUGH
    }

    /// The rule in sentences, for whoever reads the verdict; `hidden` figures had too few replicates that were run again.
    pub fn sentences(&self, hidden: usize) -> Vec<String> {
        if self.exact {
            return vec!["The device kind is the lock's: masks and figures must be the same to the last bit.".into()];
        }
        let interval: &[String] = &match self.tolerance {
            Some(tolerance) => vec![format!("Accuracies must be within {tolerance} of the lock's, as the spec says.")],
            None => vec![
                "Each accuracy, and the validation loss, must lie where one more replicate would with probability \
                0.99, mean ± t(0.995, n − 1) · s · √(1 + 1/n) over the lock's n replicates; an accuracy's interval is \
                never narrower than the lock's ± 3 binomial standard errors of as many examples."
                    .into(),
                "Where three or more replicates were run again, the lock's must lie likewise by what they found, which no \
                lock can say otherwise."
                    .into(),
            ],
        };
        let hides = format!(
            "Of {hidden} figures fewer than three replicates were run again: one that was edited widens its own interval, \
             and may be hidden in it. More replicates, run again, would tell."
        );
        let mut sentences =
            vec!["The device kind is not the lock's, so that sums round otherwise and trainings part.".to_string()];
        sentences.push("Initial weights, splits, data order and counts of kept weights must be the same.".into());
        sentences.extend_from_slice(interval);
        sentences.extend((hidden > 0).then_some(hides));
        sentences.push("Masks, early stops and what analyses measure are reported and not judged.".into());
        sentences
    }
}

/// Accuracies are fractions.
fn of_accuracy(low: f64, high: f64, outside: f64) -> Interval {
    let all = low <= 0.0 && high >= 1.0;
    Interval { low: low.max(0.0), high: high.min(1.0), outside: if all { 0.0 } else { outside }, all }
}

/// Center and half width of the prediction interval, and how much it leaves out; `None` of fewer than two numbers.
fn predicted(replicates: &[f64]) -> Option<(f64, f64, f64)> {
    // A loss that is none is judged by itself, and takes the others' measure from none of them.
    let numbers = || replicates.iter().filter(|value| value.is_finite());
    let n = numbers().count() as f64;
    if n < 2.0 {
        return None;
    }
    let mean = numbers().sum::<f64>() / n;
    let squares: f64 = numbers().map(|value| (value - mean).powi(2)).sum();
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
        assert!((found.low - 0.788928).abs() < 1e-5, "{found:?}");
        // The other end is 1.071072, and no accuracy is more than 1.
        assert_eq!((found.high, found.all), (1.0, false));
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

    #[test]
    fn an_edited_value_widens_its_own_interval_and_not_that_of_what_was_found() {
        // 0.34, 0.33, 0.35, 0.34 and the forged 0.99: mean 0.47, s = 0.290775, half 4.604095 · 0.290775 · √1.2 = 1.466535.
        let locked = [0.99, 0.34, 0.33, 0.35, 0.34];
        assert!(ELSEWHERE.accuracy(0.99, &locked, 10_000).unwrap().all, "it holds everything");
        // 0.34, 0.33, 0.35, 0.34 found: mean 0.34, squares 2 · 10⁻⁴, s = 0.008165, half 5.840909 · 0.008165 · √1.25 = 0.053320.
        let found = ELSEWHERE.accuracy(0.34, &locked[1..], 10_000).unwrap();
        assert!((found.low - 0.28668).abs() < 1e-5 && (found.high - 0.39332).abs() < 1e-5, "{found:?}");
        assert!(!found.holds(0.99));
        assert!(ELSEWHERE.is_mirrored(3) && !ELSEWHERE.is_mirrored(2));
    }

    #[test]
    fn an_interval_of_everything_says_nothing_and_expects_no_false_alarm() {
        let found = ELSEWHERE.accuracy(0.5, &[0.2, 0.9], 10_000).unwrap();
        assert_eq!(found, Interval { low: 0.0, high: 1.0, outside: 0.0, all: true });
        assert!(Rule { tolerance: Some(1.0), ..ELSEWHERE }.accuracy(0.5, &[0.5], 10).unwrap().all);
    }

    #[test]
    fn a_loss_that_is_no_number_takes_no_interval_from_the_others() {
        let with = ELSEWHERE.loss(&[0.3, f64::NAN, 0.31, 0.32]).unwrap();
        assert_eq!(with, ELSEWHERE.loss(&[0.3, 0.31, 0.32]).unwrap());
    }
}
