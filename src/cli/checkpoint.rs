//! How often trainings write checkpoints: what `--checkpoint` takes, and what is said of those that are there.

use std::str::FromStr;
use std::time::Duration;

use super::{count, say};
use crate::run::State;

/// How far apart; `None` for never.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Every(pub Option<Duration>);

const UNITS: [(&str, f64); 3] = [("min", 60.0), ("s", 1.0), ("h", 3600.0)];

impl FromStr for Every {
    type Err = String;

    /// "30s", "1min", "1.5 h", "never".
    fn from_str(text: &str) -> Result<Every, String> {
        let help = || format!("{text:?} is no time: write it as 30s, 5min or 1h, or write never");
        if text == "never" {
            return Ok(Every(None));
        }
        let of = |(name, seconds): &(&str, f64)| Some((text.strip_suffix(name)?, *seconds));
        let (number, unit) = UNITS.iter().find_map(of).ok_or_else(help)?;
        let number: f64 = number.trim().parse().map_err(|_| help())?;
        Duration::try_from_secs_f64(number * unit).map(|every| Every(Some(every))).map_err(|_| help())
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
