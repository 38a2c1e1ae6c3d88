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

/// Each definition in part. What names what it uses says only what belongs to it, in part, too.
pub fn parts(definitions: &Map<String, Value>) -> Map<String, Value> {
    let in_part = |(name, schema): (&String, &Value)| {
        let mut part = part(schema.clone());
        let cases = cases(schema);
        if !cases.is_empty() {
            part["allOf"] = json!(cases);
            // The parameters of an experiment's own models and pipelines are not known here; those of plugins are.
            part["additionalProperties"] = json!(DECLARED.contains(&name.as_str()));
        }
        (format!("{name}{SUFFIX}"), part)
    };
    definitions.iter().map(in_part).collect()
}

const DECLARED: [&str; 3] = ["model", "pipeline", "dataset"];

/// What is decided by the value of `use`, in part.
fn cases(schema: &Value) -> Vec<Value> {
    let all = schema["allOf"].as_array().into_iter().flatten();
    let named = all.filter(|case| case["if"]["properties"]["use"]["const"].is_string());
    named.map(|case| json!({ "if": case["if"], "then": part(case["then"].clone()) })).collect()
}
