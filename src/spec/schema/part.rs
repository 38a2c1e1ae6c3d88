//! Schemas of parts: what a table may say where others give the rest of it.

use serde_json::{Map, Value, json};

use super::dialect::change;

/// Of a definition's name.
const SUFFIX: &str = "-in-part";

/// What asks for more than is there, or decides by it.
const DEMANDS: [&str; 7] = ["required", "minProperties", "allOf", "if", "then", "else", "not"];

/// The schema without its demands, and of what it refers to likewise.
pub fn part(schema: Value) -> Value {
    change(schema, &|mut schema| {
        if let Some(entries) = schema.as_object_mut() {
            entries.retain(|key, _| !DEMANDS.contains(&key.as_str()));
        }
        if let Some(name) = schema["$ref"].as_str().filter(|name| !name.ends_with(SUFFIX)) {
            schema["$ref"] = json!(format!("{name}{SUFFIX}"));
        }
        schema
    })
}

/// Each definition in part.
pub fn parts(definitions: &Map<String, Value>) -> Map<String, Value> {
    let in_part = |(name, schema): (&String, &Value)| (format!("{name}{SUFFIX}"), part(schema.clone()));
    definitions.iter().map(in_part).collect()
}
