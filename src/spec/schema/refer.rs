//! What fields of a spec say instead of a type of their own, where their value names plugins: a definition's name.

use schemars::{Schema, SchemaGenerator, json_schema};

use super::part::part;

macro_rules! refer {
    ($($name:ident: $definition:literal)*) => { $(
        pub fn $name(_: &mut SchemaGenerator) -> Schema {
            json_schema!({ "$ref": concat!("#/$defs/", $definition) })
        }
    )* };
}

refer! {
    dataset: "dataset"
    model: "model"
    training: "training"
    format: "format"
    init: "init"
    dataset_in_part: "dataset-in-part"
    model_in_part: "model-in-part"
    training_in_part: "training-in-part"
    varied: "varied"
}

pub fn pipelines_in_part(generator: &mut SchemaGenerator) -> Schema {
    part(pipelines(generator).into()).try_into().unwrap_or_default()
}

/// By name.
pub fn pipelines(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "minProperties": 1,
        "propertyNames": { "pattern": NAME },
        "additionalProperties": { "$ref": "#/$defs/pipeline" },
    })
}

pub fn layers(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "minItems": 1, "items": { "$ref": "#/$defs/layer" } })
}

pub fn stages(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "minItems": 1, "items": { "$ref": "#/$defs/stage" } })
}

/// A list without its like twice, or a value alone.
pub fn values(_: &mut SchemaGenerator) -> Schema {
    let types = ["array", "boolean", "number", "object", "string"];
    json_schema!({ "type": types, "minItems": 1, "uniqueItems": true })
}

/// What `is_name` accepts.
pub const NAME: &str = "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$";
