//! How often trainings write checkpoints: what `--checkpoint` takes, and what is said of those that are there.

use std::str::FromStr;
use std::time::Duration;

use super::machine::time;
use super::{count, say};
use crate::run::State;

/// How far apart; `None` for never.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Every(pub Option<Duration>);

impl FromStr for Every {
    type Err = String;

    /// "30s", "1min", "1.5 h", "never".
    fn from_str(text: &str) -> Result<Every, String> {
        match text {
            "never" => Ok(Every(None)),
            _ => time(text).map(|every| Every(Some(every))).map_err(|e| format!("{e}, or write never")),
        }
    }
}

/// Says how many trainings go on from checkpoints, where any do.
pub fn tell(partial: &[u64], states: &[State]) {
    let resumed = partial.iter().zip(states).filter(|(done, state)| **done > 0 && **state == State::Waiting).count();
    match resumed {
        0 => {}
        1 => say("Resuming 1 training from its checkpoint."),
        n => say(&format!("Resuming {} from their checkpoints.", count(n, "training"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit_or_is_never() {
        let read = |text: &str| text.parse::<Every>().map(|every| every.0.map(|every| every.as_secs_f64()));
        assert_eq!(["0s", "5min", "1.5 h"].map(read), [Ok(Some(0.0)), Ok(Some(300.0)), Ok(Some(5400.0))]);
        assert_eq!(read("never"), Ok(None));
        for nonsense in ["5", "min", "-1s", "nans", "infh", "1e300h", "always"] {
            assert!(read(nonsense).unwrap_err().contains("5min"), "{nonsense}");
        }
    }
}
