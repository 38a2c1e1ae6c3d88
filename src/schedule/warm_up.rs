use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::constant::Constant;
use super::{By, Clock, Schedule};
use crate::registry::{Kind, Plugin, Use};
use crate::units::Length;

/// The learning rate rises in even steps to its whole, which the last iteration (or epoch) of the warm-up runs at;
/// then another schedule takes over, which counts from the warm-up's end and has what is left of the training.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WarmUp {
    /// How long the rise takes.
    length: Length,
    /// Whether the rate rises every iteration or once an epoch, as in Ramanujan et al.'s code.
    #[serde(default)]
    by: By,
    /// The schedule that follows.
    #[serde(default = "constant")]
    then: Use,
}

fn constant() -> Use {
    Use::with_defaults::<Constant>()
}

impl Plugin for WarmUp {
    const NAME: &'static str = "warm-up";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "The learning rate rises linearly; then another schedule";
    const SOURCE: &'static str = "Goyal et al. 2017, section 2.2";
    const EXAMPLE: &'static str = r#"length = "5ep", then = "cosine""#;
    const REFERENCES: &'static [(&'static str, Kind)] = &[("then", Kind::Schedule)];
}

impl Schedule for WarmUp {
    fn factor(&self, clock: Clock) -> f64 {
        let length = self.length.iterations(clock.per_epoch);
        (self.by.position(clock) + 1) as f64 / self.by.length(length, clock) as f64
    }

    fn then(&self) -> Option<(Length, &Use)> {
        Some((self.length, &self.then))
    }
}

#[cfg(test)]
mod tests {
    use crate::schedule::tests::{assert_near, factors};

    #[test]
    fn the_last_iteration_of_the_rise_runs_at_the_whole_rate() {
        assert_eq!(factors("warm-up", r#"{ "length": "4it" }"#, 6), [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]);
    }

    #[test]
    fn by_epoch_it_rises_once_an_epoch() {
        let found = factors("warm-up", r#"{ "length": "2ep", "by": "epoch" }"#, 6);
        assert_eq!(found, [0.5, 0.5, 1.0, 1.0, 1.0, 1.0]);
    }

    #[test]
    fn what_follows_counts_from_the_end_of_the_rise_and_has_the_rest() {
        let found =
            factors("warm-up", r#"{ "length": "1ep", "then": { "use": "cosine", "config": {}, "version": 1 } }"#, 6);
        // cos(π·t ÷ 4) for t = 0 … 3: 1, √½, 0, −√½.
        assert_near(&found, &[0.5, 1.0, 1.0, 0.8535534, 0.5, 0.1464466]);
    }
}
