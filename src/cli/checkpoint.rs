//! How often trainings write checkpoints: what `--checkpoint` takes, and what a Ctrl-C keeps by it.

use std::str::FromStr;
use std::time::Duration;

use super::machine::time;

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

impl Every {
    /// What is said at a Ctrl-C.
    pub fn stopping(self) -> &'static str {
        match self.0 {
            Some(_) => {
                "Stopping: completed steps are kept, and how far trainings are that can go on. Once more to end at once."
            }
            None => "Stopping: completed steps are kept. Once more to end at once.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_no_checkpoints_are_written_a_ctrl_c_promises_none() {
        let said = |text: &str| text.parse::<Every>().unwrap().stopping();
        assert!(said("1min").contains("how far trainings are") && !said("never").contains("training"));
    }

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
