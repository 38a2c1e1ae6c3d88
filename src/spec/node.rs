//! A TOML value that remembers where it was written, through merging and substitution.

use std::ops::Range;
use std::sync::Arc;

use indexmap::IndexMap;
use serde::de::DeserializeOwned;

/// A text that was parsed: a file, or an override of the command line.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// The path as a person would find it, or "--set seed=3", or "shipped: plugins/models/lenet-300-100.toml".
    pub name: String,
    pub text: String,
}

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub source: Arc<Source>,
    /// Bytes of the source's text.
    pub span: Range<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub value: Value,
    pub origin: Origin,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Boolean(bool),
    Integer(i64),
    Float(f64),
    String(String),
    List(Vec<Node>),
    /// Each entry with where its key was written.
    Table(IndexMap<String, (Origin, Node)>),
}

/// One thing wrong, where it was written, and how to mend it.
#[derive(Clone, Debug, PartialEq)]
pub struct Error {
    pub message: String,
    pub origin: Option<Origin>,
    pub help: Option<String>,
}

impl Error {
    pub fn at(node: &Node, message: impl Into<String>) -> Error {
        Error { message: message.into(), origin: Some(node.origin.clone()), help: None }
    }
}

impl Node {
    /// Reads the value as `T`; an error points at the part that does not fit.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, Error> {
        todo!()
    }
}
