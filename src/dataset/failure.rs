//! Why a data set was not read.

use std::fmt;

/// Whose fault it is decides what a command ends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nobody's: `Watch::is_stopped` said that it is to end.
    Interrupted,
    /// The machine's, as that of a disk that is full: with what to do about it.
    Machine(String),
    /// What is there is not what is declared, or is nowhere.
    Wrong(String),
}

impl Failure {
    /// The same, of the data set of this name.
    pub fn of(self, name: &str) -> Failure {
        match self {
            Failure::Interrupted => Failure::Interrupted,
            Failure::Machine(why) => Failure::Machine(format!("data set {name:?}: {why}")),
            Failure::Wrong(why) => Failure::Wrong(format!("data set {name:?}: {why}")),
        }
    }
}

impl From<String> for Failure {
    fn from(why: String) -> Failure {
        Failure::Wrong(why)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Interrupted => f.write_str("interrupted"),
            Failure::Machine(why) | Failure::Wrong(why) => f.write_str(why),
        }
    }
}
