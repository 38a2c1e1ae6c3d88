//! JSON Schemas as editors understand them best: in one piece, flat, without the null that TOML does not have.

use serde_json::{Map, Value, json};

/// What `template::placeholder` or `Formula::read` takes for one.
const PLACEHOLDER: &str = r"\{[A-Za-z0-9_-]+( [+*-] [A-Za-z0-9_.-]+)*\}";

/// Keywords that hold one schema, and those that hold several.
const ONE: [&str; 7] = ["items", "additionalProperties", "propertyNames", "if", "then", "else", "not"];
const SEVERAL: [&str; 3] = ["anyOf", "oneOf", "allOf"];

/// A schema as `schemars` makes it: its own definitions put in their places, null and sizes of numbers left out.
pub fn plain(mut schema: Value) -> Value {
    let definitions = schema.as_object_mut().and_then(|schema| schema.remove("$defs")).unwrap_or_default();
    let inlined = inline(schema, &definitions, &[]);
    change(inlined, &flat)
}

/// Definitions that are not the struct's own stay: they are those of the whole. What holds itself is let be anything.
fn inline(schema: Value, definitions: &Value, within: &[&str]) -> Value {
    change(schema, &|schema| {
        let name = schema.get("$ref").and_then(Value::as_str).and_then(|place| place.strip_prefix("#/$defs/"));
        let Some((name, found)) = name.and_then(|name| Some((name, definitions.get(name)?))) else { return schema };
        if within.contains(&name) {
            return json!({});
        }
        let mut whole = inline(found.clone(), definitions, &[within, &[name]].concat());
        if let (Value::Object(whole), Value::Object(beside)) = (&mut whole, &schema) {
            let beside = beside.iter().filter(|(key, _)| *key != "$ref");
            whole.extend(beside.map(|(key, value)| (key.clone(), value.clone())));
        }
        whole
    })
}

/// Changes a schema and all within it, innermost first.
pub fn change(schema: Value, how: &dyn Fn(Value) -> Value) -> Value {
    let Value::Object(entries) = schema else { return schema };
    let within = |(key, value): (String, Value)| {
        let value = match value {
            Value::Object(properties) if key == "properties" => {
                Value::Object(properties.into_iter().map(|(name, schema)| (name, change(schema, how))).collect())
            }
            Value::Array(schemas) if SEVERAL.contains(&key.as_str()) => {
                schemas.into_iter().map(|schema| change(schema, how)).collect()
            }
            schema @ Value::Object(_) if ONE.contains(&key.as_str()) => change(schema, how),
            other => other,
        };
        (key, value)
    };
    how(Value::Object(entries.into_iter().map(within).collect()))
}

/// Without null; alternatives of different types become one schema of several types, whose errors an editor shows at
/// their places: each keyword speaks of values of one type only.
fn flat(schema: Value) -> Value {
    let Value::Object(mut entries) = schema else { return schema };
    entries.remove("format");
    if entries.get("default").is_some_and(Value::is_null) {
        entries.remove("default");
    }
    if let Some(Value::Array(types)) = entries.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = &types[..] {
            let only = only.clone();
            entries.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(choices)) = entries.get_mut("anyOf") {
        choices.retain(|choice| choice["type"] != "null");
        if let Some(Value::Object(joined)) = joined(choices) {
            entries.remove("anyOf");
            for (key, value) in joined {
                entries.entry(key).or_insert(value);
            }
        }
    }
    Value::Object(entries)
}

/// Schemas of different types as one; `None` where they share a type, or one speaks of values instead.
pub fn joined(schemas: &[Value]) -> Option<Value> {
    if let [only] = schemas {
        return Some(only.clone());
    }
    let (mut types, mut whole) = (Vec::new(), Map::new());
    for schema in schemas {
        let entries = schema.as_object()?;
        let name = entries.get("type").filter(|name| name.is_string() && !types.contains(name))?;
        if ["enum", "const", "anyOf", "oneOf", "allOf", "if", "$ref"].iter().any(|key| entries.contains_key(*key)) {
            return None;
        }
        types.push(name);
        whole.extend(entries.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
    whole.insert("type".into(), json!(types));
    Some(Value::Object(whole))
}

/// The schema where any value in it may be a placeholder, but for the value as a whole.
pub fn with_placeholders_within(schema: Value) -> Value {
    let Value::Object(mut entries) = schema else { return schema };
    if let Some(Value::Object(properties)) = entries.remove("properties") {
        let properties = properties.into_iter().map(|(name, schema)| (name, or_placeholder(schema)));
        entries.insert("properties".into(), properties.collect());
    }
    Value::Object(entries)
}

/// A string that stands for a parameter's value.
pub fn placeholder() -> Value {
    json!({ "type": "string", "pattern": format!("^{PLACEHOLDER}$") })
}

/// The schema where the value itself may be a placeholder, too.
pub fn or_placeholder(schema: Value) -> Value {
    let Value::Object(mut entries) = schema else { return schema };
    for key in ["items", "additionalProperties"] {
        if let Some(inner @ Value::Object(_)) = entries.get_mut(key) {
            *inner = or_placeholder(inner.take());
        }
    }
    if let Value::Object(inner) = with_placeholders_within(Value::Object(entries.clone())) {
        entries = inner;
    }
    if let Some(place) = entries.get("$ref").and_then(Value::as_str).map(str::to_string) {
        // Stages and layers are tables in any case.
        if !["#/$defs/stage", "#/$defs/layer"].contains(&place.as_str()) {
            entries.insert("$ref".into(), json!(format!("{place}-or-parameter")));
        }
        return Value::Object(entries);
    }
    if let Some(Value::Array(choices)) = entries.get_mut("oneOf") {
        choices.push(placeholder());
        return Value::Object(entries);
    }
    let mut types: Vec<Value> = match entries.remove("type") {
        None => return Value::Object(entries),
        Some(Value::Array(types)) => types,
        Some(only) => vec![only],
    };
    match types.iter().any(|name| name == "string") {
        false => {
            types.push(json!("string"));
            entries.insert("pattern".into(), placeholder()["pattern"].clone());
        }
        // A string without a pattern may be anything already.
        true => {
            if let Some(Value::String(pattern)) = entries.get("pattern") {
                let either = format!("{pattern}|^{PLACEHOLDER}$");
                entries.insert("pattern".into(), json!(either));
            }
        }
    }
    let types = if let [only] = &types[..] { only.clone() } else { json!(types) };
    entries.insert("type".into(), types);
    Value::Object(entries)
}

#[cfg(test)]
mod tests {
    use schemars::{JsonSchema, SchemaGenerator};

    use super::*;

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is used")]
    struct Nested {
        size: Option<u8>,
        within: Vec<Nested>,
    }

    #[test]
    fn a_struct_that_holds_itself_has_a_schema_too() {
        let schema = plain(SchemaGenerator::default().into_root_schema_for::<Nested>().to_value());
        assert_eq!(schema["properties"]["size"], json!({ "type": "integer", "minimum": 0, "maximum": 255 }));
        assert_eq!(schema["properties"]["within"]["type"], "array");
    }

    #[test]
    fn a_value_may_be_a_placeholder_in_a_template() {
        let number = or_placeholder(json!({ "type": "integer", "minimum": 1 }));
        assert_eq!(number["type"], json!(["integer", "string"]));
        let length = or_placeholder(json!({ "type": "string", "pattern": "^[0-9]+it$" }));
        assert_eq!(length["pattern"], r"^[0-9]+it$|^\{[A-Za-z0-9_-]+( [+*-] [A-Za-z0-9_.-]+)*\}$");
    }
}
