//! Reads a table key by key: what was asked for are its valid keys, whatever else it holds is an error.

use serde::de::DeserializeOwned;

use super::diagnostic::{Diagnostics, SHOWN};
use super::node::{Entries, Error, Node, Origin, Value};
use crate::nearest::{did_you_mean, nearest};

pub struct Fields<'a> {
    /// What the table is, for messages: "[dataset]".
    what: String,
    origin: Origin,
    entries: &'a Entries,
    asked: Vec<&'static str>,
    missing: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// An error, where the node is no table.
    pub fn of(node: &'a Node, what: impl Into<String>, diagnostics: &mut Diagnostics) -> Option<Fields<'a>> {
        let what = what.into();
        match node.table() {
            Some(entries) => {
                Some(Fields { what, origin: node.origin.clone(), entries, asked: Vec::new(), missing: Vec::new() })
            }
            None => {
                diagnostics.push(Error::at(node, format!("{what} must be a table, not {}", node.sort())));
                None
            }
        }
    }

    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    pub fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    pub fn node(&mut self, key: &'static str) -> Option<&'a Node> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        self.entries.get(key).map(|(_, node)| node)
    }

    /// `None` where the key is absent, or its value was an error.
    pub fn read<T: DeserializeOwned>(&mut self, key: &'static str, diagnostics: &mut Diagnostics) -> Option<T> {
        match self.node(key)?.deserialize() {
            Ok(value) => Some(value),
            Err(errors) => {
                diagnostics.extend(errors);
                None
            }
        }
    }

    /// As `read`, with a rule that the value must hold to.
    pub fn read_if<T: DeserializeOwned>(
        &mut self,
        key: &'static str,
        rule: &str,
        holds: impl Fn(&T) -> bool,
        diagnostics: &mut Diagnostics,
    ) -> Option<T> {
        let value = self.read(key, diagnostics)?;
        if !holds(&value) {
            let node = &self.entries[key].1;
            let text = Some(node.origin.text()).filter(|text| text.len() < 40).unwrap_or("this");
            diagnostics.push(Error::at(node, format!("{text} is not {rule}")));
            return None;
        }
        Some(value)
    }

    /// As `node`; its absence is an error, which `finish` reports.
    pub fn need_node(&mut self, key: &'static str) -> Option<&'a Node> {
        let node = self.node(key);
        if node.is_none() {
            self.missing.push(key);
        }
        node
    }

    pub fn need<T: DeserializeOwned>(&mut self, key: &'static str, diagnostics: &mut Diagnostics) -> Option<T> {
        self.need_node(key)?;
        self.read(key, diagnostics)
    }

    /// The entries that were not asked for.
    pub fn rest(&self) -> Entries {
        let asked = |key: &str| self.asked.contains(&key);
        self.entries.iter().filter(|(key, _)| !asked(key)).map(|(key, entry)| (key.clone(), entry.clone())).collect()
    }

    /// Unknown keys are errors, and so are missing ones that no unknown key looks like.
    pub fn finish(self, diagnostics: &mut Diagnostics) {
        let unknown = self.rest();
        for (key, (origin, _)) in unknown.iter().take(SHOWN + 1) {
            diagnostics.push(unknown_key(key, origin, &self.what, self.asked.iter().copied()));
        }
        let meant: Vec<_> =
            unknown.keys().take(SHOWN + 1).filter_map(|key| nearest(key, self.asked.iter().copied())).collect();
        for key in self.missing.iter().filter(|key| !meant.contains(key)) {
            let error = Error::new(&self.origin, format!("{} needs `{key}`", self.what));
            diagnostics.push(Error { missing: Some(key.to_string()), ..error });
        }
    }
}

pub fn unknown_key<'a>(key: &str, origin: &Origin, what: &str, valid: impl IntoIterator<Item = &'a str>) -> Error {
    Error::new(origin, format!("unknown key `{key}` in {what}")).help(did_you_mean(key, "valid keys", valid))
}

/// The single entry of a table that says what it is by its key, `extra` keys aside: `{ linear = { … }, name = "fc1" }`.
pub fn single<'a>(
    node: &'a Node,
    extra: &[&str],
    what: &str,
    diagnostics: &mut Diagnostics,
) -> Option<(&'a str, &'a Origin, &'a Node)> {
    let fields = Fields::of(node, what, diagnostics)?;
    let mut entries = fields.entries.iter().filter(|(key, _)| !extra.contains(&key.as_str()));
    match (entries.next(), entries.next()) {
        (Some((key, (origin, node))), None) => Some((key, origin, node)),
        (None, _) => {
            diagnostics.push(Error::at(node, format!("{what} is a table with one key, its kind; this has none")));
            None
        }
        (Some(_), Some((key, (origin, _)))) => {
            let message = format!("{what} has one key, its kind, and `{key}` is a second");
            diagnostics.push(Error::new(origin, message).help(format!("write {what} of its own for it")));
            None
        }
    }
}

/// A list's elements; an error where the node is no list.
pub fn list<'a>(node: &'a Node, what: &str, diagnostics: &mut Diagnostics) -> &'a [Node] {
    match &node.value {
        Value::List(items) => items,
        _ => {
            diagnostics.push(Error::at(node, format!("{what} must be a list, not {}", node.sort())));
            &[]
        }
    }
}
