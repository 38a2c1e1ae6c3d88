use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::constant::Constant;
use super::cosine::Cosine;
use super::step::Step;
use super::{By, Clock, Schedule};
use crate::registry::Plugin;
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
    /// What follows, as a table: `{ use = "cosine" }`.
    #[serde(default)]
    then: Then,
}

/// The schedules that can follow a warm-up.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(tag = "use", rename_all = "kebab-case")]
enum Then {
    Constant(Constant),
    Step(Step),
    Cosine(Cosine),
}

impl Default for Then {
    fn default() -> Self {
        Then::Constant(Constant {})
    }
}

impl Plugin for WarmUp {
    const NAME: &'static str = "warm-up";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "The learning rate rises linearly; then another schedule";
    const SOURCE: &'static str = "Goyal et al. 2017, section 2.2";
}

impl Schedule for WarmUp {
    fn factor(&self, clock: Clock) -> f64 {
        let length = self.length.iterations(clock.per_epoch);
        if clock.iteration < length {
            return (self.by.position(clock) + 1) as f64 / self.by.length(length, clock) as f64;
        }
        let rest = Clock { iteration: clock.iteration - length, total: clock.total.saturating_sub(length), ..clock };
        match &self.then {
            Then::Constant(schedule) => schedule.factor(rest),
            Then::Step(schedule) => schedule.factor(rest),
            Then::Cosine(schedule) => schedule.factor(rest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let found = factors("warm-up", r#"{ "length": "1ep", "then": { "use": "cosine" } }"#, 6);
        // cos(π·t ÷ 4) for t = 0 … 3: 1, √½, 0, −√½.
        assert_near(&found, &[0.5, 1.0, 1.0, 0.8535534, 0.5, 0.1464466]);
    }

    #[test]
    fn a_misspelt_setting_of_what_follows_is_refused_and_defaults_are_written_out() {
        let read = |json: &str| serde_json::from_str::<WarmUp>(json);
        assert!(read(r#"{ "length": "1ep", "then": { "use": "cosine", "buy": "epoch" } }"#).is_err());
        let written = serde_json::to_string(&read(r#"{ "length": "1ep" }"#).unwrap()).unwrap();
        assert_eq!(written, r#"{"length":"1ep","by":"iteration","then":{"use":"constant"}}"#);
    }
}
