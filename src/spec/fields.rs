//! Reads a table key by key: what was asked for are its valid keys, whatever else it holds is an error.

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::diagnostic::{Diagnostics, SHOWN};
use super::node::{Entries, Error, Node, Origin, Value};
use crate::nearest::{Hint, did_you_mean, nearest};

pub struct Fields<'a> {
    /// What the table is, for messages: "[dataset]".
    what: String,
    origin: Origin,
    entries: &'a Entries,
    asked: Vec<&'static str>,
    missing: Vec<&'static str>,
    docs: Option<fn() -> Json>,
}

impl<'a> Fields<'a> {
    /// An error, where the node is no table.
    pub fn of(node: &'a Node, what: impl Into<String>, diagnostics: &mut Diagnostics) -> Option<Fields<'a>> {
        let what = what.into();
        match node.table() {
            Some(entries) => Some(Fields {
                what,
                origin: node.origin.clone(),
                entries,
                asked: Vec::new(),
                missing: Vec::new(),
                docs: None,
            }),
            None => {
                let error = Error::at(node, format!("{what} must be a table, not {}", node.sort()));
                diagnostics.push(error.help("write `key = value` below a `[header]`, or `{ key = value }`"));
                None
            }
        }
    }

    /// As `of`, for a table that names what it uses: a text alone is probably that name.
    pub fn using(node: &'a Node, what: impl Into<String>, diagnostics: &mut Diagnostics) -> Option<Fields<'a>> {
        let what = what.into();
        let Some(name) = node.string() else { return Fields::of(node, what, diagnostics) };
        let error = Error::at(node, format!("{what} must be a table, not {}", node.sort()));
        let hint = Hint::meant(node.origin.text(), &format!("{{ use = {name:?} }}"), "");
        diagnostics.push(error.hint(hint));
        None
    }

    /// These fields, whose schema says what they mean.
    pub fn documented(self, docs: fn() -> Json) -> Fields<'a> {
        Fields { docs: Some(docs), ..self }
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

    /// What an unknown key has that is probably meant for this one, lest its absence be another error.
    pub fn meant(&self, key: &str) -> Option<&'a Node> {
        let is_meant = |name: &str| nearest(name, [key]).is_some();
        self.entries.iter().find(|(name, _)| is_meant(name)).map(|(_, (_, node))| node)
    }

    /// `None` where the key is absent, or its value was an error.
    pub fn read<T: DeserializeOwned>(&mut self, key: &'static str, diagnostics: &mut Diagnostics) -> Option<T> {
        match self.node(key)?.deserialize() {
            Ok(value) => Some(value),
            Err(errors) => {
                let docs = self.docs.map(|docs| docs()).unwrap_or_default();
                let explained = |error| match explained(error, key, &docs) {
                    error if error.help_line().is_none() => error.help(format!("it is the `{key}` of {}", self.what)),
                    error => error,
                };
                diagnostics.extend(errors.into_iter().map(explained));
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
            let text = node.origin.text();
            let message =
                if text.len() < 40 { format!("this cannot be {text}") } else { format!("this is no `{key}`") };
            diagnostics.push(Error::at(node, message).help(format!("it must be {rule}")));
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
            let error = Error::new(&self.origin, format!("{} needs `{key}`", self.what)).absent(*key);
            let docs = self.docs.map(|docs| docs()).unwrap_or_default();
            diagnostics.push(match explained(error, key, &docs) {
                error if error.help_line().is_none() => error.help(format!("write `{key} = …`")),
                error => error,
            });
        }
    }
}

/// An error without another help line says what its field means, as the field's schema has it.
pub fn explained(error: Error, field: &str, schema: &Json) -> Error {
    let meaning = schema["properties"][field]["description"].as_str().map(first_sentence);
    match (error.help_line(), meaning) {
        (None, Some(meaning)) => error.help(format!("`{field}`: {meaning}")),
        _ => error,
    }
}

fn first_sentence(text: &str) -> String {
    let text = text.split("\n\n").next().unwrap_or(text).replace('\n', " ");
    text.split_once(". ").map_or(text.as_str(), |(first, _)| first).trim_end_matches('.').to_string()
}

pub fn unknown_key<'a>(key: &str, origin: &Origin, what: &str, valid: impl IntoIterator<Item = &'a str>) -> Error {
    Error::new(origin, format!("unknown key `{key}` in {what}")).hint(did_you_mean(key, "valid keys", valid))
}

/// The error of a table that neither names what it uses nor is written out: a key that looks like one of `keys`, or
/// that `use` is missing. What else it holds, nobody knows.
pub fn without_use(node: &Node, what: &str, keys: &[&'static str], example: &str) -> Error {
    let near = |key: &str| nearest(key, keys.iter().copied()).is_some();
    match node.table().into_iter().flatten().find(|(key, _)| near(key)) {
        Some((key, (origin, _))) => unknown_key(key, origin, what, keys.iter().copied()),
        None => Error::at(node, format!("{what} needs `use`"))
            .absent("use")
            .help(format!("write `use = \"{example}\"`, or `{}` to write it out", keys[1])),
    }
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
            let error = Error::at(node, format!("{what} is a table with one key, its kind; this has none"));
            diagnostics.push(error.absent("its kind").help(if what.contains("layer") {
                "for example `{ relu = {} }`"
            } else {
                "for example `{ train = {} }`"
            }));
            None
        }
        (Some(_), Some((key, (origin, _)))) if nearest(key, extra.iter().copied()).is_some() => {
            diagnostics.push(unknown_key(key, origin, what, extra.iter().copied()));
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
            let error = Error::at(node, format!("{what} must be a list, not {}", node.sort()));
            diagnostics.push(error.help("put what belongs into it between `[` and `]`, commas between"));
            &[]
        }
    }
}
