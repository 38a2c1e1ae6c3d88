//! References to plugins → names with checked, complete configurations.

use serde_json::Value as Json;

use super::diagnostic::{Diagnostics, SHOWN};
use super::fields::explained;
use super::node::{Entries, Error, Node, Origin, Value};
use crate::nearest::{did_you_mean, nearest};
use crate::registry::{About, Kind, Registry, Use};

impl Registry {
    /// Resolves a reference: "adam", or { use = "adam", learning_rate = 1.2e-3 }.
    pub fn resolve(&self, kind: Kind, reference: &Node, diagnostics: &mut Diagnostics) -> Option<Use> {
        let (name, config) = match &reference.value {
            Value::String(_) => (reference, Entries::new()),
            Value::Table(entries) => {
                let mut config = entries.clone();
                let Some((_, _)) = config.shift_remove("use") else {
                    let help = format!("{kind} names: {}", self.names(kind).join(", "));
                    let error = Error::at(reference, format!("this {kind} needs `use`, its name"));
                    diagnostics.push(error.help(help).absent("use"));
                    return None;
                };
                (&entries["use"].1, config)
            }
            _ => {
                let message =
                    format!("{} {kind} is a name or a table with `use`, not {}", article(kind), reference.sort());
                diagnostics
                    .push(Error::at(reference, message).help(format!("{kind} names: {}", self.names(kind).join(", "))));
                return None;
            }
        };
        let Some(text) = name.string() else {
            let error = Error::at(name, format!("`use` must be {} {kind}'s name, not {}", article(kind), name.sort()));
            diagnostics.push(error.help(format!("{kind} names: {}", self.names(kind).join(", "))));
            return None;
        };
        let config = Node { value: Value::Table(config), origin: reference.origin.clone() };
        self.configure(kind, text, &name.origin, &config, diagnostics)
    }

    /// Resolves the plugin of a given name with its configuration, references within it first. `named` is where the
    /// name was written.
    pub fn configure(
        &self,
        kind: Kind,
        name: &str,
        named: &Origin,
        config: &Node,
        diagnostics: &mut Diagnostics,
    ) -> Option<Use> {
        let Some(about) = self.about(kind, name) else {
            let help = did_you_mean(name, &format!("{kind} names"), self.names(kind));
            diagnostics.push(Error::new(named, format!("no {kind} is named {name:?}")).hint(help));
            return None;
        };
        let (mut table, mut failed) = (config.clone(), Vec::new());
        if let Value::Table(entries) = &mut table.value {
            for (field, kind) in about.references.iter().filter(|(field, _)| config.has(field)) {
                let (_, node) = &mut entries[*field];
                match self.resolved(*kind, node, about.takes_list(field), diagnostics) {
                    Some(resolved) => *node = resolved,
                    None => failed.push(*field),
                }
            }
            entries.retain(|key, _| !failed.contains(&key.as_str()));
        }
        let missing = missing(about, config);
        let mut canonical = match (about.canonical)(&table) {
            Ok(canonical) => canonical,
            Err(errors) => {
                // Of missing fields serde says the first only.
                let partial = |error: &Error| error.missing.is_some() && error.origin.as_ref() == Some(&config.origin);
                let errors = errors.into_iter().filter(|error| !partial(error));
                diagnostics.extend(errors.map(|error| documented(error, about, config)));
                diagnostics.extend(missing);
                return None;
            }
        };
        drop_nulls(&mut canonical);
        failed.is_empty().then(|| Use { name: name.to_string(), config: canonical, version: about.version })
    }

    /// The plugin that a field names, or the plugins of its list, as nodes.
    fn resolved(&self, kind: Kind, node: &Node, takes_list: bool, diagnostics: &mut Diagnostics) -> Option<Node> {
        let mut one = |node: &Node| self.resolve(kind, node, diagnostics).and_then(|used| used.node(&node.origin));
        match &node.value {
            Value::List(items) if takes_list => {
                let resolved: Vec<Option<Node>> = items.iter().map(&mut one).collect();
                let items = resolved.into_iter().collect::<Option<_>>()?;
                Some(Node { value: Value::List(items), origin: node.origin.clone() })
            }
            _ => one(node),
        }
    }

    fn names(&self, kind: Kind) -> Vec<&'static str> {
        self.abouts(kind).iter().map(|about| about.name).collect()
    }
}

impl About {
    /// Whether a field names several plugins.
    fn takes_list(&self, field: &str) -> bool {
        let kind = &self.schema.as_value()["properties"][field]["type"];
        kind == "array" || kind.as_array().is_some_and(|kinds| kinds.contains(&"array".into()))
    }
}

impl Use {
    fn node(&self, origin: &Origin) -> Option<Node> {
        Node::from_json(&serde_json::to_value(self).ok()?, origin)
    }
}

impl Node {
    fn has(&self, key: &str) -> bool {
        self.table().is_some_and(|entries| entries.contains_key(key))
    }
}

fn article(kind: Kind) -> &'static str {
    match kind {
        Kind::Augment | Kind::Init | Kind::Optimizer => "an",
        _ => "a",
    }
}

/// An error says what the field means that it is in.
fn documented(error: Error, about: &About, config: &Node) -> Error {
    let Some(place) = &error.origin else { return error };
    let holds = |origin: &Origin| origin.source == place.source && origin.span.start <= place.span.start;
    let within =
        |(_, (_, node)): &(&String, &(Origin, Node))| holds(&node.origin) && node.origin.span.end >= place.span.end;
    match config.table().into_iter().flatten().find(within) {
        Some((field, _)) => explained(error, field, about.schema.as_value()),
        None if error.help_line().is_none() => error.help(format!("`{}`: {}", about.name, about.summary)),
        None => error,
    }
}

/// The fields that a configuration must have and has not, unless a mistyped key was meant for them.
fn missing(about: &About, config: &Node) -> Vec<Error> {
    let Some(entries) = config.table() else { return Vec::new() };
    let required = about.schema.get("required").and_then(Json::as_array).into_iter().flatten();
    let valid =
        || about.schema.get("properties").and_then(Json::as_object).into_iter().flatten().map(|(key, _)| &**key);
    let unknown = entries.keys().filter(|key| !valid().any(|name| name == key.as_str()));
    let meant: Vec<&str> = unknown.take(SHOWN + 1).filter_map(|key| nearest(key, valid())).collect();
    let absent = |field: &&str| !entries.contains_key(*field) && !meant.contains(field);
    let error = |field: &str| {
        let error = Error::at(config, format!("the {} `{}` needs `{field}`", about.kind, about.name)).absent(field);
        explained(error, field, about.schema.as_value())
    };
    required.filter_map(Json::as_str).filter(absent).map(error).collect()
}

/// An absent option is absent, so that adding one to a plugin changes no step's id.
fn drop_nulls(json: &mut Json) {
    match json {
        Json::Object(entries) => {
            entries.retain(|_, value| !value.is_null());
            entries.values_mut().for_each(drop_nulls);
        }
        Json::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
