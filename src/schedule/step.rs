use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Clock, Schedule};
use crate::registry::Plugin;
use crate::units::{Length, Rate};

/// Multiplies the learning rate by a factor at given positions, as PyTorch's `MultiStepLR`.
///
/// Frankle & Carbin's networks with residual connections: `at = ["20000it", "25000it"]`, 0.1 → 0.01 → 0.001.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The positions, in any order; the iteration at a position is the first to run at the new rate.
    at: Vec<Length>,
    /// What each position multiplies the learning rate by.
    #[serde(default = "one_tenth")]
    factor: Rate,
}

fn one_tenth() -> Rate {
    Rate::TENTH
}

impl Plugin for Step {
    const NAME: &'static str = "step";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "The learning rate drops by a factor at given positions";
    const SOURCE: &'static str = "He et al. 2016, section 4.2; Frankle & Carbin 2019, figure 2";
    const EXAMPLE: &'static str = r#"at = ["20000it", "25000it"], factor = 0.1"#;
}

impl Schedule for Step {
    fn factor(&self, clock: Clock) -> f64 {
        let passed = self.at.iter().filter(|at| at.iterations(clock.per_epoch) <= clock.iteration);
        passed.fold(1.0, |factor, _| factor * f64::from(self.factor))
    }
}

#[cfg(test)]
mod tests {
    use crate::schedule::tests::factors;

    #[test]
    fn the_iteration_at_a_position_is_the_first_at_the_new_rate() {
        // Two iterations an epoch.
        let found = factors("step", r#"{ "at": ["2ep", "1it"], "factor": 0.5 }"#, 6);
        assert_eq!(found, [1.0, 0.5, 0.5, 0.5, 0.25, 0.25]);
    }

    #[test]
    fn the_default_drop_is_to_a_tenth() {
        assert_eq!(factors("step", r#"{ "at": ["1it"] }"#, 2), [1.0, 0.1]);
    }
}
