//! The statistics of a table: over replicates, paired by replicate.

use std::collections::BTreeMap;

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// Values of replicates, by replicate.
pub type ByReplicate = BTreeMap<u32, f64>;

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    pub n: usize,
    pub mean: f64,
    /// Sample standard deviation (n − 1); none where n < 2.
    pub std: Option<f64>,
    pub min: f64,
    pub max: f64,
}

/// `None` of nothing.
pub fn summary(values: &[f64]) -> Option<Summary> {
    let min = values.iter().copied().reduce(f64::min)?;
    let max = values.iter().copied().reduce(f64::max)?;
    let n = values.len();
    let mean = values.iter().sum::<f64>() / n as f64;
    let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    let std = (n > 1).then(|| (squares / (n - 1) as f64).sqrt());
    Some(Summary { n, mean, std, min, max })
}

/// A mean difference, with the half width of its 95% t interval where n ≥ 2.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    pub n: usize,
    pub mean: f64,
    pub half_width: Option<f64>,
}

/// The mean of a − b over the replicates that both have.
pub fn paired(a: &ByReplicate, b: &ByReplicate) -> Option<Difference> {
    let differences: Vec<f64> = a.iter().filter_map(|(replicate, a)| Some(a - b.get(replicate)?)).collect();
    let Summary { n, mean, std, .. } = summary(&differences)?;
    let half_width = std.and_then(|std| Some(quantile(n - 1)? * std / (n as f64).sqrt()));
    Some(Difference { n, mean, half_width })
}

/// t(0.975) with this many degrees of freedom.
fn quantile(freedom: usize) -> Option<f64> {
    Some(StudentsT::new(0.0, 1.0, freedom as f64).ok()?.inverse_cdf(0.975))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_numbers_worked_by_hand() {
        // Mean 2.5; squares 2.25 + .25 + .25 + 2.25 = 5, ÷ 3.
        let summary = summary(&[1.0, 2.0, 3.0, 4.0]).unwrap();
        assert_eq!((summary.n, summary.mean, summary.min, summary.max), (4, 2.5, 1.0, 4.0));
        assert!((summary.std.unwrap() - (5.0f64 / 3.0).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn differences_are_paired_by_replicate_and_have_a_t_interval() {
        let a = ByReplicate::from([(0, 1.0), (1, 3.0), (2, 5.0), (7, 100.0)]);
        let b = ByReplicate::from([(0, 0.0), (1, 1.0), (2, 2.0)]);
        // Differences 1, 2, 3: mean 2, std 1, t(0.975, 2) = 4.302653, ÷ √3.
        let difference = paired(&a, &b).unwrap();
        assert_eq!((difference.n, difference.mean), (3, 2.0));
        assert!((difference.half_width.unwrap() - 4.302653 / 3f64.sqrt()).abs() < 1e-5);
    }

    #[test]
    fn one_replicate_has_no_spread() {
        assert_eq!(summary(&[0.5]).unwrap().std, None);
        let one = ByReplicate::from([(0, 0.5)]);
        assert_eq!(paired(&one, &one).unwrap().half_width, None);
        assert_eq!(summary(&[]), None);
    }
}
