//! A TOML value that remembers where it was written, through merging and substitution.

use std::ops::Range;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::nearest::{Hint, Meant};

/// A text that was parsed: a file, or an override of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The path as a person would find it, or "--set seed=3", or "shipped: plugins/models/lenet-300-100.toml".
    pub name: String,
    pub text: String,
    /// Of an experiment that another extends: where that one says so.
    pub extended: Option<Origin>,
}

const OVERRIDE: &str = "--set ";

/// Before the path of what came with the program.
pub const SHIPPED: &str = "shipped: ";

impl Source {
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Source {
        Source { name: name.into(), text: text.into(), extended: None }
    }

    /// A `--set` of the command line.
    pub fn overriding(text: &str) -> Source {
        Source::new(format!("{OVERRIDE}{text}"), text)
    }

    pub fn is_override(&self) -> bool {
        self.name.starts_with(OVERRIDE)
    }

    /// Whether it came with the program.
    pub fn is_shipped(&self) -> bool {
        self.name.starts_with(SHIPPED)
    }
}

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub source: Arc<Source>,
    /// Bytes of the source's text.
    pub span: Range<usize>,
}

impl Origin {
    /// What was written there.
    pub fn text(&self) -> &str {
        self.source.text.get(self.span.clone()).unwrap_or_default()
    }

    /// Whether another place is within this one.
    pub fn holds(&self, other: &Origin) -> bool {
        self.source == other.source && self.span.start <= other.span.start && other.span.end <= self.span.end
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub value: Value,
    pub origin: Origin,
}

/// A table's entries in the order written, each with where its key was written.
pub type Entries = IndexMap<String, (Origin, Node)>;

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Boolean(bool),
    Integer(i64),
    Float(f64),
    String(String),
    List(Vec<Node>),
    Table(Entries),
}

/// One thing wrong, where it was written, and how to mend it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Error {
    pub message: String,
    pub origin: Option<Origin>,
    /// How to mend it, and what to write instead where that is known; in a box, since errors are returned.
    pub hint: Option<Box<Hint>>,
    /// Other places that matter, each with what it has to do with the error.
    pub context: Vec<(Origin, String)>,
    /// The field or name whose absence is the error: no error yet where the rest comes from elsewhere.
    pub missing: Option<String>,
    /// What is behind the error and could not be read, so that nobody knows what it says.
    pub unread: Option<Unread>,
}

/// What an error hides from those who read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// A value: what needs it finds it missing.
    Value,
    /// What follows it in its text may have been read as something else.
    Rest,
}

impl Error {
    pub fn new(origin: &Origin, message: impl Into<String>) -> Error {
        Error { message: message.into(), origin: Some(origin.clone()), ..Error::default() }
    }

    pub fn at(node: &Node, message: impl Into<String>) -> Error {
        Error::new(&node.origin, message)
    }

    /// An error of no text, or whose place its finder does not know.
    pub fn nowhere(message: impl Into<String>) -> Error {
        Error { message: message.into(), ..Error::default() }
    }

    pub fn placed(self, origin: &Origin) -> Error {
        Error { origin: Some(origin.clone()), ..self }
    }

    pub fn help(self, help: impl Into<String>) -> Error {
        self.hint(Hint { text: help.into(), meant: None })
    }

    pub fn help_line(&self) -> Option<&str> {
        self.hint.as_ref().map(|hint| hint.text.as_str())
    }

    pub fn hint(self, hint: Hint) -> Error {
        Error { hint: Some(Box::new(hint)), ..self }
    }

    /// An error only where nothing else gives what is absent.
    pub fn absent(self, what: impl Into<String>) -> Error {
        Error { missing: Some(what.into()), ..self }
    }

    /// An error that hides something.
    pub fn hides(self, unread: Unread) -> Error {
        Error { unread: Some(unread), ..self }
    }

    pub fn context(mut self, origin: &Origin, label: impl Into<String>) -> Error {
        self.context.push((origin.clone(), label.into()));
        self
    }

    /// The text of the error's place as it should probably be.
    pub fn mended(&self) -> Option<String> {
        let (text, hint) = (self.origin.as_ref()?.text(), self.hint.as_ref()?);
        let Meant { written, meant } = hint.meant.as_ref()?;
        text.contains(written).then(|| text.replacen(written, meant, 1))
    }
}

/// Bytes of a text that take as much memory as another value.
const LONG: usize = 200;

impl Node {
    pub fn table(&self) -> Option<&Entries> {
        match &self.value {
            Value::Table(entries) => Some(entries),
            _ => None,
        }
    }

    /// How many values it is: itself and all within it, a long text as many as it is long.
    pub fn size(&self) -> usize {
        1 + match &self.value {
            Value::List(items) => items.iter().map(Node::size).sum(),
            Value::Table(entries) => entries.values().map(|(_, value)| value.size()).sum(),
            Value::String(text) => text.len() / LONG,
            _ => 0,
        }
    }

    pub fn string(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// What sort of value it is, for messages: "a table".
    pub fn sort(&self) -> &'static str {
        match self.value {
            Value::Boolean(_) => "a boolean",
            Value::Integer(_) => "a whole number",
            Value::Float(_) => "a number",
            Value::String(_) => "a string",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }

    /// A value that a plugin's defaults supply, as if it had been written at `origin`. TOML has no null: `None` for it,
    /// and entries that are null are left out.
    pub fn from_json(json: &serde_json::Value, origin: &Origin) -> Option<Node> {
        use serde_json::Value as Json;
        let value = match json {
            Json::Null => return None,
            Json::Bool(value) => Value::Boolean(*value),
            Json::Number(number) => match number.as_i64() {
                Some(value) => Value::Integer(value),
                None => Value::Float(number.as_f64()?),
            },
            Json::String(text) => Value::String(text.clone()),
            Json::Array(items) => Value::List(items.iter().filter_map(|item| Node::from_json(item, origin)).collect()),
            Json::Object(entries) => {
                let entry =
                    |(key, value)| Some((String::clone(key), (origin.clone(), Node::from_json(value, origin)?)));
                Value::Table(entries.iter().filter_map(entry).collect())
            }
        };
        Some(Node { value, origin: origin.clone() })
    }
}
