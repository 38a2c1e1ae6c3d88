//! What schemas refer to by name: `$defs`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::dialect::{joined, placeholder, plain, with_placeholders_within};
use super::part::parts;
use super::{declared, stages};
use crate::registry::{About, Kind, Registry};
use crate::spec::diagnostic::Diagnostics;
use crate::spec::shipped::Library;

/// Kinds that a value names, alone or with parameters; stages and layers are keys instead, and a spec names no figure.
const REFERRED: [Kind; 7] =
    [Kind::Criterion, Kind::Learn, Kind::Format, Kind::Init, Kind::Optimizer, Kind::Schedule, Kind::Augment];

pub struct Definitions(Map<String, Value>);

impl Definitions {
    pub fn new(registry: &Registry, library: &Library<'_>, diagnostics: &mut Diagnostics) -> Definitions {
        let strict = plugins(registry, false);
        let mut all = strict.clone();
        all.extend(plugins(registry, true));
        all.insert("training".into(), stages::training(registry));
        all.extend(declared::uses(library, &strict, diagnostics));
        all.extend(parts(&all));
        all.insert("varied".into(), varied());
        Definitions(all)
    }

    /// The definitions that a schema refers to, and those that these refer to.
    pub fn reached_from(mut self, root: &Value) -> Map<String, Value> {
        let (mut reached, mut ahead) = (BTreeSet::new(), references(root));
        while let Some(name) = ahead.pop() {
            if let Some(definition) = self.0.get(&name).filter(|_| !reached.contains(&name)) {
                ahead.extend(references(definition));
                reached.insert(name);
            }
        }
        self.0.retain(|name, _| reached.contains(name));
        self.0
    }
}

/// A list of values, or a table of fields that hold such lists.
fn varied() -> Value {
    json!({ "type": ["object", "array"], "minItems": 1, "additionalProperties": { "$ref": "#/$defs/varied" } })
}

/// The names of definitions that a schema refers to.
fn references(schema: &Value) -> Vec<String> {
    match schema {
        Value::Object(entries) => {
            let own = entries.get("$ref").and_then(Value::as_str).and_then(|place| place.strip_prefix("#/$defs/"));
            own.map(str::to_string).into_iter().chain(entries.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

/// Definitions of the registry's plugins, of stages and of layers. In templates any value may be a placeholder: those
/// that refer to plugins are other definitions then, beside the strict ones.
pub fn plugins(registry: &Registry, placeholders: bool) -> Map<String, Value> {
    let mut all = Map::new();
    for kind in REFERRED {
        let suffix = suffix(placeholders);
        let plugins: Vec<(&About, Value)> = registry
            .abouts(kind)
            .into_iter()
            .map(|about| (about, filled(configuration(about), placeholders)))
            .collect();
        for (about, configuration) in &plugins {
            all.insert(format!("{kind}.{}{suffix}", about.name), named(about, configuration.clone()));
        }
        all.insert(format!("{kind}{suffix}"), reference(kind, &plugins, placeholders));
    }
    all.insert("stage".into(), stages::stage(registry, placeholders));
    all.insert("layer".into(), stages::layer(registry, placeholders));
    all
}

fn filled(configuration: Value, placeholders: bool) -> Value {
    if placeholders { with_placeholders_within(configuration) } else { configuration }
}

/// What a plugin's configuration may say.
pub fn configuration(about: &About) -> Value {
    let mut schema = plain(about.schema.as_value().clone());
    for (field, kind) in about.references {
        let Some(property) = schema["properties"].get_mut(*field) else { continue };
        let one = json!({ "$ref": format!("#/$defs/{kind}") });
        let is_list = property["type"] == "array";
        let mut reference = if is_list { json!({ "type": "array", "items": one }) } else { one };
        if let Some(description) = property.get("description") {
            reference["description"] = description.clone();
        }
        if let Some(default) = property["default"].get("use") {
            reference["default"] = default.clone();
        }
        *property = reference;
    }
    for key in ["$schema", "title"] {
        schema.as_object_mut().map(|schema| schema.remove(key));
    }
    // An empty struct's schema does not say it.
    schema["additionalProperties"] = json!(false);
    if !about.summary.is_empty() {
        schema["description"] = json!(about.summary);
    }
    schema
}

/// A configuration where `use` says whose it is.
fn named(about: &About, mut configuration: Value) -> Value {
    let mut properties = Map::from_iter([("use".to_string(), json!({ "const": about.name }))]);
    if let Some(Value::Object(own)) = configuration.get("properties") {
        properties.extend(own.clone());
    }
    configuration["properties"] = Value::Object(properties);
    configuration
}

/// A plugin by its name, or by a table with `use`.
fn reference(kind: Kind, plugins: &[(&About, Value)], placeholders: bool) -> Value {
    let names: Vec<&str> = plugins.iter().map(|(about, _)| about.name).collect();
    let cases = names.iter().map(|name| (*name, format!("{kind}.{name}{}", suffix(placeholders))));
    let tables = plugins.iter().filter_map(|(_, configuration)| configuration["properties"].as_object());
    let used = json!({ "description": format!("which {kind}"), "anyOf": strings(&names, placeholders) });
    let mut schema = dispatch(used, tables, cases);
    // By its name alone, where nothing must be said beside it.
    let complete = |(_, configuration): &&(&About, Value)| configuration.get("required").is_none();
    let alone: Vec<&str> = plugins.iter().filter(complete).map(|(about, _)| about.name).collect();
    let mut alternatives = strings(&alone, placeholders);
    if !alternatives.is_empty() {
        // Of a table the alternatives say no more than that: what is wrong in it, an editor then shows at its place.
        alternatives.push(json!({ "type": "object", "additionalProperties": true }));
        schema.as_object_mut().map(|schema| schema.remove("type"));
        schema["anyOf"] = json!(alternatives);
    }
    schema
}

fn suffix(placeholders: bool) -> &'static str {
    if placeholders { "-or-parameter" } else { "" }
}

/// The strings that a value may be: these names, and in a template a placeholder.
fn strings(names: &[&str], placeholders: bool) -> Vec<Value> {
    let names = Some(json!({ "type": "string", "enum": names })).filter(|_| !names.is_empty());
    names.into_iter().chain(placeholders.then(placeholder)).collect()
}

/// A table whose `use` decides what else it holds. Every property is listed once at the top, for completion; which of
/// them belong to which name, the cases say.
pub fn dispatch<'a>(
    used: Value,
    tables: impl Iterator<Item = &'a Map<String, Value>>,
    cases: impl Iterator<Item = (&'a str, String)>,
) -> Value {
    let mut properties = Map::from_iter([("use".to_string(), used)]);
    for (name, schema) in tables.flatten() {
        let known = properties.entry(name.clone()).or_insert_with(|| schema.clone());
        if bare(known) != bare(schema) {
            let mut either = joined(&[bare(known), bare(schema)]).unwrap_or_else(|| json!({}));
            if let Some(description) = known.get("description") {
                either["description"] = description.clone();
            }
            *known = either;
        }
    }
    let case = |(name, definition): (&str, String)| {
        let named = json!({ "type": "object", "properties": { "use": { "const": name } }, "required": ["use"] });
        json!({ "if": named, "then": { "$ref": format!("#/$defs/{definition}") } })
    };
    json!({
        "type": "object",
        "properties": properties,
        "required": ["use"],
        "additionalProperties": true,
        "allOf": cases.map(case).collect::<Vec<_>>(),
    })
}

/// What a schema allows, without what it says of it.
pub fn bare(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(entries) = schema.as_object_mut() {
        entries.retain(|key, _| !["description", "default", "examples"].contains(&key.as_str()));
    }
    schema
}
