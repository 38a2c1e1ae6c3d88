use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Criterion, Weights};
use crate::registry::Plugin;

/// The score is |w|: the smallest weights go first.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Magnitude {}

impl Plugin for Magnitude {
    const NAME: &'static str = "magnitude";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Keeps the weights of largest absolute value";
    const SOURCE: &'static str = "Han et al. 2015, section 3; Frankle & Carbin 2019, section 1";
}

impl Criterion for Magnitude {
    fn scores(&self, weights: &Weights<'_>) -> Vec<f32> {
        weights.values.iter().map(|w| w.abs()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::Mask;
    use crate::seed::Seeds;

    #[test]
    fn the_sign_of_a_weight_does_not_matter() {
        let weights = Weights {
            name: "fc1.weight",
            values: &[-3.0, 0.5, -0.25, 2.0],
            mask: &Mask::ones(4),
            seeds: Seeds { seed: 1, replicate: Some(0) },
            level: 0,
        };
        assert_eq!(Magnitude {}.scores(&weights), [3.0, 0.5, 0.25, 2.0]);
    }
}
