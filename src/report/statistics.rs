//! The report's statistics: over replicates, which are few.

use std::collections::HashMap;

use statrs::distribution::{ContinuousCDF, StudentsT};

/// Mean and spread of replicates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sample {
    pub n: usize,
    pub mean: f64,
    /// Sample standard deviation, with n − 1; `None` of one replicate.
    pub deviation: Option<f64>,
    pub least: f64,
    pub greatest: f64,
}

impl Sample {
    /// `None` of no values.
    pub fn of(values: &[f64]) -> Option<Sample> {
        let n = values.len();
        let least = values.iter().copied().reduce(f64::min)?;
        let greatest = values.iter().copied().reduce(f64::max)?;
        let mean = values.iter().sum::<f64>() / n as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = (n > 1).then(|| (squares / (n as f64 - 1.0)).sqrt());
        Some(Sample { n, mean, deviation, least, greatest })
    }

    /// The 95% confidence interval of the mean by Student's t with n − 1 degrees of freedom; `None` of one value.
    pub fn interval(&self) -> Option<(f64, f64)> {
        let n = self.n as f64;
        let t = StudentsT::new(0.0, 1.0, n - 1.0).ok()?.inverse_cdf(0.975);
        let half = t * self.deviation? / n.sqrt();
        Some((self.mean - half, self.mean + half))
    }
}

/// The differences `value − reference` of the replicates that have both.
pub(super) fn paired(values: &[(u32, f64)], references: &[(u32, f64)]) -> Vec<f64> {
    let references: HashMap<u32, f64> = references.iter().copied().collect();
    values.iter().filter_map(|(replicate, value)| Some(value - references.get(replicate)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_worked_by_hand() {
        // 1, 2, 3, 6: mean 3, squares 4 + 1 + 0 + 9 = 14, ÷ 3, its root 2.160247.
        let sample = Sample::of(&[1.0, 2.0, 3.0, 6.0]).unwrap();
        assert_eq!((sample.n, sample.mean, sample.least, sample.greatest), (4, 3.0, 1.0, 6.0));
        assert!((sample.deviation.unwrap() - 2.160247).abs() < 1e-6);
        // t with 3 degrees of freedom at 0.975 is 3.182446: half 3.182446 × 2.160247 ÷ 2 = 3.437436.
        let (low, high) = sample.interval().unwrap();
        assert!((low + 0.437436).abs() < 1e-4 && (high - 6.437436).abs() < 1e-4, "{low} {high}");
    }

    #[test]
    fn one_replicate_has_a_mean_but_no_spread() {
        let sample = Sample::of(&[0.5]).unwrap();
        assert_eq!((sample.deviation, sample.interval()), (None, None));
        assert_eq!(Sample::of(&[]), None);
    }

    #[test]
    fn a_difference_is_of_one_replicate_never_across() {
        let values = [(0, 5.0), (1, 7.0), (3, 9.0)];
        let references = [(1, 4.0), (0, 3.0), (2, 1.0)];
        assert_eq!(paired(&values, &references), [2.0, 3.0]);
    }
}
