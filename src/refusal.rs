//! Why a plugin cannot do what a spec asks of it.

use std::fmt;

/// What is wrong, in which field of the plugin's configuration where it is in one, and how to mend it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    pub message: String,
    pub help: Option<String>,
    /// The way to the field, the outermost first; empty where it is in none.
    pub field: Vec<&'static str>,
}

impl Refusal {
    pub fn new(message: impl Into<String>) -> Refusal {
        Refusal { message: message.into(), ..Refusal::default() }
    }

    /// A refusal of what a field says.
    pub fn of(field: &'static str, message: impl Into<String>) -> Refusal {
        Refusal { field: vec![field], ..Refusal::new(message) }
    }

    /// A refusal of a plugin that this field names.
    pub fn within(mut self, field: &'static str) -> Refusal {
        self.field.insert(0, field);
        self
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
