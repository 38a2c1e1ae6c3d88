//! Why a plugin cannot do what a spec asks of it.

use std::fmt;

/// What is wrong, in which field of the plugin's configuration where it is in one, and how to mend it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    pub message: String,
    pub help: Option<String>,
    pub field: Option<&'static str>,
}

impl Refusal {
    pub fn new(message: impl Into<String>) -> Refusal {
        Refusal { message: message.into(), ..Refusal::default() }
    }

    /// A refusal of what a field says.
    pub fn of(field: &'static str, message: impl Into<String>) -> Refusal {
        Refusal { field: Some(field), ..Refusal::new(message) }
    }

    pub fn help(self, help: impl Into<String>) -> Refusal {
        Refusal { help: Some(help.into()), ..self }
    }
}

impl From<String> for Refusal {
    fn from(message: String) -> Refusal {
        Refusal::new(message)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.help.iter().try_for_each(|help| write!(f, ": {help}"))
    }
}

impl std::error::Error for Refusal {}
