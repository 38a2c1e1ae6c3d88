//! Items of lists that say what they are by their key: stages and layers.

use serde_json::{Map, Value, json};

use super::definitions::configuration;
use super::dialect::{or_placeholder, placeholder, with_placeholders_within};
use super::of;
use super::refer::NAME;
use crate::registry::{About, Kind, Registry};
use crate::spec::{Stop, TIMES};

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
    let stages = json!({ "type": "array", "items": one("stage", placeholders) });
    let mut properties = properties(registry, Kind::Stage, placeholders);
    let until = described(of::<Stop>(), "ends the repetition early, whichever holds first");
    let times = described(times(), "how often, at most");
    let repeat = object(&[("times", times), ("until", until), ("stages", stages.clone())], &["times", "stages"]);
    let value = json!({ "type": "string", "description": "the name of a placeholder, for use in `stages`" });
    let list = json!({ "description": "what it stands for, an independent branch each" });
    let foreach = object(&[("value", value), ("in", list), ("stages", stages.clone())], &["value", "in", "stages"]);
    let branch = json!({
        "type": "array", "minItems": 1,
        "items": object(&[("stages", stages)], &["stages"]),
    });
    for (name, schema, description) in [
        ("repeat", repeat, "Stages repeated, as the levels of iterative pruning are"),
        ("foreach", foreach, "Independent branches from the same ticket, one for each value of a list"),
        ("branch", branch, "Branches written out, independent and all from the same ticket"),
    ] {
        let schema = if placeholders { with_placeholders_within(schema) } else { schema };
        properties.insert(name.into(), described(schema, description));
    }
    json!({
        "description": "a table with one key, the stage",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "minProperties": 1,
        "maxProperties": 1,
    })
}

pub fn layer(registry: &Registry, placeholders: bool) -> Value {
    let layers = json!({ "type": "array", "minItems": 1, "items": one("layer", placeholders) });
    let name =
        json!({ "type": "string", "pattern": NAME, "description": "a name of its own; otherwise its kind, numbered" });
    let shortcut = described(layers.clone(), "where absent, the identity");
    let residual = object(&[("layers", layers.clone()), ("shortcut", shortcut)], &["layers"]);
    let mut of_layers = times();
    of_layers["minimum"] = json!(0);
    let repeat = object(&[("times", of_layers), ("layers", layers)], &["times", "layers"]);
    let mut properties = Map::from_iter([("name".to_string(), name)]);
    properties.extend(self::properties(registry, Kind::Layer, placeholders));
    for (name, schema, description) in [
        ("residual", residual, "A block: its layers' output plus its input, or plus the shortcut's output"),
        ("repeat", repeat, "Layers written once and repeated; their names are numbered"),
    ] {
        let schema = if placeholders { with_placeholders_within(schema) } else { schema };
        properties.insert(name.into(), described(schema, description));
    }
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

fn properties(registry: &Registry, kind: Kind, placeholders: bool) -> Map<String, Value> {
    let property = |about: &About| {
        let schema = if about.name == "train" { incomplete(about) } else { configuration(about) };
        (about.name.to_string(), if placeholders { or_placeholder(schema) } else { schema })
    };
    registry.abouts(kind).into_iter().map(property).collect()
}

/// A stage or a layer in a list; in a template a placeholder may stand for it.
pub fn one(what: &str, placeholders: bool) -> Value {
    let written = json!({ "$ref": format!("#/$defs/{what}") });
    match placeholders {
        true => json!({ "if": { "type": "string" }, "then": placeholder(), "else": written }),
        false => written,
    }
}

fn times() -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": TIMES })
}

fn described(mut schema: Value, description: &str) -> Value {
    schema["description"] = json!(description);
    schema
}

fn object(properties: &[(&str, Value)], required: &[&str]) -> Value {
    let properties: Map<String, Value> =
        properties.iter().map(|(key, schema)| (key.to_string(), schema.clone())).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}
