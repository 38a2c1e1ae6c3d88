use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Clock, Schedule};
use crate::refusal::Refusal;
use crate::registry::Plugin;
use crate::units::{Length, Rate};

/// Multiplies the learning rate by a factor at given positions, as PyTorch's `MultiStepLR`.
///
/// Frankle & Carbin's networks with residual connections: `at = ["20000it", "25000it"]`, 0.1 → 0.01 → 0.001.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The positions, the earliest first; the iteration at a position is the first to run at the new rate.
    #[serde(deserialize_with = "some")]
    #[schemars(length(min = 1))]
    at: Vec<Length>,
    /// What each position multiplies the learning rate by.
    #[serde(default = "one_tenth")]
    factor: Rate,
}

fn some<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Length>, D::Error> {
    match Vec::deserialize(from)? {
        none if none.is_empty() => {
            Err(D::Error::custom("a step at no position changes nothing: give one, or use \"constant\""))
        }
        positions => Ok(positions),
    }
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

    fn fits(&self, end: Clock) -> Result<(), Refusal> {
        let refused = |message: String| Refusal::of("at", message);
        let iterations = |at: &Length| at.iterations(end.per_epoch);
        if let Some(pair) = self.at.windows(2).find(|pair| iterations(&pair[0]) >= iterations(&pair[1])) {
            let message = format!("positions must ascend, and {} follows {}", pair[1], pair[0]);
            return Err(refused(message).help("write the earliest first, and each once"));
        }
        if let Some(late) = self.at.iter().find(|at| iterations(at) >= end.total) {
            let message = format!("the training is over at {late}: this schedule ends with it, at {}it", end.total);
            let help = format!(
                "a position is before the end, counted from where the schedule begins; an epoch has {} iterations",
                end.per_epoch
            );
            return Err(refused(message).help(help));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::schedule::tests::{factors, fits};

    #[test]
    fn the_iteration_at_a_position_is_the_first_at_the_new_rate() {
        // Two iterations an epoch.
        let found = factors("step", r#"{ "at": ["1it", "2ep"], "factor": 0.5 }"#, 6);
        assert_eq!(found, [1.0, 0.5, 0.5, 0.5, 0.25, 0.25]);
    }

    #[test]
    fn the_default_drop_is_to_a_tenth() {
        assert_eq!(factors("step", r#"{ "at": ["1it"] }"#, 2), [1.0, 0.1]);
    }

    #[test]
    fn positions_ascend_in_iterations_whatever_their_units() {
        // Two iterations an epoch.
        assert_eq!(fits("step", r#"{ "at": ["1it", "1ep", "3it", "2ep"] }"#, 5), Ok(()));
        for at in [r#"["1it", "1it"]"#, r#"["3it", "1it"]"#, r#"["1ep", "2it"]"#, r#"["1it", "2ep", "3it"]"#] {
            let refusal = fits("step", &format!(r#"{{ "at": {at} }}"#), 6).unwrap_err();
            assert!(refusal.message.starts_with("positions must ascend"), "{at}: {refusal}");
            assert_eq!(refusal.field, ["at"]);
        }
    }

    #[test]
    fn a_position_is_before_the_end_of_what_the_schedule_has() {
        let step = r#"{ "at": ["1it", "2ep"] }"#;
        assert_eq!(fits("step", step, 5), Ok(()));
        assert!(fits("step", step, 4).unwrap_err().message.contains("at 2ep"));
        let then = format!(r#"{{ "use": "step", "config": {step}, "version": 1 }}"#);
        let warm_up = format!(r#"{{ "length": "3it", "then": {then} }}"#);
        assert_eq!(fits("warm-up", &warm_up, 8), Ok(()));
        let refusal = fits("warm-up", &warm_up, 7).unwrap_err();
        assert!(refusal.message.contains("at 4it"), "{refusal}");
        assert_eq!(refusal.field, ["then", "at"]);
    }
}
