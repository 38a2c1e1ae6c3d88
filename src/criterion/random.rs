use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Criterion, Weights};
use crate::registry::Plugin;
use crate::seed::Purpose;

/// The score is uniform in [0, 1), whatever the weight: the baseline that every criterion must beat.
///
/// Draws are keyed by parameter and level, so that each level is an independent choice among the weights that are
/// left, and another layer changes none of them.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Random {}

impl Plugin for Random {
    const NAME: &'static str = "random";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Keeps weights at random: the baseline";
}

impl Criterion for Random {
    fn scores(&self, weights: &Weights<'_>) -> Vec<f32> {
        let mut stream =
            weights.seeds.stream(Purpose::Criterion, &format!("random {} level {}", weights.name, weights.level));
        weights.values.iter().map(|_| stream.uniform() as f32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::Mask;
    use crate::seed::Seeds;

    fn scores(name: &str, level: u32, values: &[f32]) -> Vec<f32> {
        let mask = Mask::ones(values.len());
        Random {}.scores(&Weights { name, values, mask: &mask, seeds: Seeds { seed: 1, replicate: Some(0) }, level })
    }

    #[test]
    fn scores_depend_on_parameter_and_level_and_not_on_the_weights() {
        let base = scores("fc1.weight", 1, &[0.0; 8]);
        assert_eq!(base, scores("fc1.weight", 1, &[f32::NAN; 8]));
        assert_ne!(base, scores("fc1.weight", 2, &[0.0; 8]));
        assert_ne!(base, scores("fc2.weight", 1, &[0.0; 8]));
    }

    #[test]
    fn scores_are_spread_evenly() {
        let scores = scores("fc1.weight", 1, &[0.0; 10_000]);
        // 2,500 expected in each quarter, standard deviation 43.
        for quarter in 0..4 {
            let within = scores.iter().filter(|s| (**s * 4.0) as u32 == quarter).count();
            assert!((2_300..2_700).contains(&within), "quarter {quarter}: {within}");
        }
    }
}
