//! Items of lists that say what they are by their key: stages and layers.

use serde_json::{Map, Value, json};

use super::compound::{Compound, compounds};
use super::definitions::configuration;
use super::dialect::{or_placeholder, placeholder, with_placeholders_within};
use super::refer::NAME;
use crate::registry::{About, Kind, Registry};

/// `[training]`: a train stage that need not be complete.
pub fn training(registry: &Registry) -> Value {
    let description = "what every train stage takes that does not say otherwise";
    let mut training = registry.about(Kind::Stage, "train").map_or(json!({}), incomplete);
    training["description"] = json!(description);
    training
}

/// What is missing comes from elsewhere.
fn incomplete(about: &About) -> Value {
    let mut schema = configuration(about);
    schema.as_object_mut().map(|schema| schema.remove("required"));
    schema
}

pub fn stage(registry: &Registry, placeholders: bool) -> Value {
    json!({
        "description": "a table with one key, the stage",
        "type": "object",
        "properties": properties(registry, Kind::Stage, placeholders),
        "additionalProperties": false,
        "minProperties": 1,
        "maxProperties": 1,
    })
}

pub fn layer(registry: &Registry, placeholders: bool) -> Value {
    let name =
        json!({ "type": "string", "pattern": NAME, "description": "a name of its own; otherwise its kind, numbered" });
    let mut properties = Map::from_iter([("name".to_string(), name)]);
    properties.extend(self::properties(registry, Kind::Layer, placeholders));
    json!({
        "description": "a table with one key, the layer, and perhaps a name",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "if": { "required": ["name"], "additionalProperties": true },
        "then": { "minProperties": 2, "maxProperties": 2, "additionalProperties": true },
        "else": { "minProperties": 1, "maxProperties": 1, "additionalProperties": true },
    })
}

/// A kind's plugins and compounds.
fn properties(registry: &Registry, kind: Kind, placeholders: bool) -> Map<String, Value> {
    let plugin = |about: &About| {
        let schema = if about.trains() { incomplete(about) } else { configuration(about) };
        (about.name.to_string(), if placeholders { or_placeholder(schema) } else { schema })
    };
    let compound = |of: &Compound| {
        (of.name.to_string(), if placeholders { with_placeholders_within(in_lists(of.schema())) } else { of.schema() })
    };
    registry.abouts(kind).into_iter().map(plugin).chain(compounds(kind).map(compound)).collect()
}

/// A stage or a layer in a list of a template: a placeholder may stand for it.
pub fn one(written: Value) -> Value {
    json!({ "if": { "type": "string" }, "then": placeholder(), "else": written })
}

/// The schema where lists of stages or layers are those of a template.
fn in_lists(schema: Value) -> Value {
    let is_one = |schema: &Value| schema["$ref"] == "#/$defs/layer" || schema["$ref"] == "#/$defs/stage";
    match schema {
        Value::Object(entries) => {
            let inner = |(key, value): (String, Value)| match key == "items" && is_one(&value) {
                true => (key, one(value)),
                false => (key, in_lists(value)),
            };
            Value::Object(entries.into_iter().map(inner).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(in_lists).collect()),
        scalar => scalar,
    }
}
