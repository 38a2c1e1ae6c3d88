//! What serde says of a value that does not fit, in the words of a TOML author.

use std::fmt::{self, Display};

use serde::de::{Expected, Unexpected};

use crate::nearest::{Hint, did_you_mean};
use crate::spec::node::{Error, Origin};

/// An error on its way out, with the keys that lead to it, innermost first; `None` is an element of a list.
#[derive(Debug)]
pub struct Fault {
    pub error: Error,
    pub path: Vec<Option<String>>,
}

impl Fault {
    pub fn new(message: impl Into<String>) -> Fault {
        Fault { error: Error::nowhere(message), path: Vec::new() }
    }

    pub fn help(self, help: impl Into<String>) -> Fault {
        Fault { error: self.error.help(help), ..self }
    }

    pub fn hint(self, hint: Hint) -> Fault {
        Fault { error: self.error.hint(hint), ..self }
    }

    /// Places the error, unless something within was blamed already.
    pub fn at(mut self, origin: &Origin) -> Fault {
        self.error.origin.get_or_insert_with(|| origin.clone());
        self
    }

    pub fn below(mut self, step: Option<&str>) -> Fault {
        self.path.push(step.map(str::to_string));
        self
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.error.message)
    }
}

impl std::error::Error for Fault {}

impl serde::de::Error for Fault {
    /// What a type says of a wrong value is "what is wrong: how to mend it".
    fn custom<T: Display>(message: T) -> Fault {
        let message = message.to_string();
        match message.rsplit_once(": ") {
            Some((wrong, remedy)) => Fault::new(wrong).help(remedy),
            None => Fault::new(message),
        }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Fault {
        let expected = plain(&expected.to_string());
        let fault = Fault::new(format!("expected {expected}, found {}", plain(&found.to_string())));
        match found {
            Unexpected::Str(text) if text.parse::<f64>().is_ok() && !expected.contains("string") => {
                fault.hint(Hint::meant(&format!("{text:?}"), text, "a number has no quotes"))
            }
            _ => fault,
        }
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Fault {
        let most = match expected.to_string().as_str() {
            "u8" => u64::from(u8::MAX),
            "u16" => u64::from(u16::MAX),
            "u32" => u64::from(u32::MAX),
            _ => return Fault::invalid_type(found, expected),
        };
        match found {
            Unexpected::Signed(1..) | Unexpected::Unsigned(_) => {
                Fault::new(format!("{} is too large", plain(&found.to_string()))).help(format!("at most {most}"))
            }
            _ => Fault::invalid_type(found, expected),
        }
    }

    fn invalid_length(found: usize, expected: &dyn Expected) -> Fault {
        let count = if found == 1 { "1 value".to_string() } else { format!("{found} values") };
        Fault::new(format!("expected {}, found {count}", plain(&expected.to_string())))
    }

    fn unknown_variant(name: &str, valid: &'static [&'static str]) -> Fault {
        Fault::new(format!("{name:?} is not a valid value")).hint(did_you_mean(name, "valid values", valid.to_vec()))
    }

    fn unknown_field(name: &str, valid: &'static [&'static str]) -> Fault {
        Fault::new(format!("unknown key `{name}`")).hint(did_you_mean(name, "valid keys", valid.to_vec()))
    }

    fn missing_field(name: &'static str) -> Fault {
        let mut fault = Fault::new(format!("`{name}` is missing"));
        fault.error.missing = Some(name.to_string());
        fault
    }
}

/// serde's words in those of a TOML author.
fn plain(words: &str) -> String {
    match words {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more".to_string(),
        "a nonzero u32" | "a nonzero u64" | "a nonzero usize" => "a whole number, 1 or more".to_string(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".to_string(),
        "f32" | "f64" => "a number".to_string(),
        "a boolean" => "true or false".to_string(),
        "an array of length 3" => "a list of 3".to_string(),
        "map" => "a table".to_string(),
        "sequence" | "a sequence" => "a list".to_string(),
        _ if words.starts_with("struct ") => "a table".to_string(),
        _ => match words.split_once(' ') {
            Some(("integer" | "floating" | "boolean", rest)) => rest.trim_start_matches("point ").replace('`', ""),
            Some(("string", rest)) => rest.to_string(),
            _ => words.to_string(),
        },
    }
}
