//! A parameter in words: what it takes, what it is otherwise, what for.

use serde::Serialize;
use serde_json::{Value, json};

use crate::units::Length;

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Parameter {
    pub name: String,
    /// What it takes: "a whole number from 1 to 1000".
    #[serde(rename = "type")]
    pub takes: String,
    /// As a spec would say it; `None` where there is none.
    pub default: Option<String>,
    pub required: bool,
    pub help: String,
    /// A value, for an example, where there is no default.
    #[serde(skip)]
    pub sample: Option<String>,
}

impl Parameter {
    /// "required", "optional", or its default.
    pub fn otherwise(&self) -> String {
        match (&self.default, self.required) {
            (Some(default), _) => format!("default {default}"),
            (None, true) => "required".into(),
            (None, false) => "optional".into(),
        }
    }
}

/// The parameters that a table's schema describes, or a list's of such tables.
pub fn of(schema: &Value) -> Vec<Parameter> {
    if schema["type"] == "array" {
        return of(&schema["items"]);
    }
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>();
    let parameter = |(name, schema): (&String, &Value)| Parameter {
        name: name.clone(),
        takes: takes(schema),
        default: schema.get("default").map(written),
        required: required.contains(&name.as_str()),
        help: schema["description"].as_str().unwrap_or_default().replace('\n', " "),
        sample: schema["examples"].get(0).map(written),
    };
    schema["properties"].as_object().into_iter().flatten().map(parameter).collect()
}

/// A value as TOML writes it.
pub fn written(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) if entries.is_empty() => "{}".into(),
        Value::Object(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{key} = {}", written(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        scalar => scalar.to_string(),
    }
}

/// What a schema allows, in words.
fn takes(schema: &Value) -> String {
    if let Some(kind) = schema["$ref"].as_str().and_then(|place| place.strip_prefix("#/$defs/")) {
        return match kind {
            "stage" => "a stage".into(),
            "layer" => "a layer".into(),
            "learn" => "what is learned: a name, or a table with `use`".into(),
            "augment" => "an augmentation: its name, or a table with `use`".into(),
            "init" => "an initialiser: its name, or a table with `use`".into(),
            "optimizer" => "an optimizer: a table with its name, `use`, and its parameters".into(),
            kind => format!("a {kind}: its name, or a table with `use`"),
        };
    }
    for key in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[key].as_array() {
            let constants: Vec<String> = choices.iter().filter_map(|choice| choice.get("const")).map(written).collect();
            let each = || choices.iter().map(takes).collect::<Vec<_>>().join(", or ");
            return if constants.len() == choices.len() { constants.join(" or ") } else { each() };
        }
    }
    if let Some(constants) = schema["enum"].as_array() {
        return constants.iter().map(written).collect::<Vec<_>>().join(" or ");
    }
    match &schema["type"] {
        Value::Array(names) if ["array", "object", "string"].iter().all(|name| names.contains(&json!(name))) => {
            "a list, or one value alone".into()
        }
        Value::Array(names) => names.iter().map(|name| of_type(name, schema)).collect::<Vec<_>>().join(", or "),
        Value::Null => "any value".into(),
        name => of_type(name, schema),
    }
}

fn of_type(name: &Value, schema: &Value) -> String {
    match name.as_str().unwrap_or_default() {
        "integer" => format!("a whole number{}", range(schema)),
        "number" => format!("a number{}", range(schema)),
        "boolean" => "true or false".into(),
        "string" if schema["pattern"] == Length::PATTERN => {
            "a length, \"40ep\" (epochs) or \"500it\" (iterations)".into()
        }
        "array" => format!("a list, each {}", takes(&schema["items"])),
        "object" => {
            let keys = schema["properties"].as_object().into_iter().flatten();
            format!("a table of {}", keys.map(|(key, _)| format!("`{key}`")).collect::<Vec<_>>().join(", "))
        }
        _ => "text".into(),
    }
}

/// " from 0 to 1", " above 0", " from 0, below 1".
fn range(schema: &Value) -> String {
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    let least = match (bound("minimum"), bound("exclusiveMinimum")) {
        (Some(least), _) => Some(format!("from {least}")),
        (None, Some(below)) => Some(format!("above {below}")),
        (None, None) => None,
    };
    match (least, bound("maximum"), bound("exclusiveMaximum")) {
        (Some(least), Some(most), _) => format!(" {least} to {most}"),
        (Some(least), None, Some(beyond)) => format!(" {least}, below {beyond}"),
        (Some(least), None, None) => match least.strip_prefix("from ") {
            Some(least) => format!(", {least} or more"),
            None => format!(" {least}"),
        },
        (None, Some(most), _) => format!(" up to {most}"),
        (None, None, Some(beyond)) => format!(" below {beyond}"),
        (None, None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_told_in_words() {
        for (schema, words) in [
            (json!({ "type": "integer", "minimum": 1, "maximum": 9 }), "a whole number from 1 to 9"),
            (json!({ "type": "integer", "minimum": 0 }), "a whole number, 0 or more"),
            (json!({ "type": "number", "exclusiveMinimum": 0 }), "a number above 0"),
            (json!({ "type": "number", "minimum": 0, "exclusiveMaximum": 1 }), "a number from 0, below 1"),
            (json!({ "type": "array", "items": { "type": "boolean" } }), "a list, each true or false"),
            (json!({ "oneOf": [{ "const": "layer" }, { "const": "global" }] }), "\"layer\" or \"global\""),
            (json!({ "type": "number", "minimum": 0 }), "a number, 0 or more"),
            (json!({ "$ref": "#/$defs/schedule" }), "a schedule: its name, or a table with `use`"),
            (json!({ "type": ["array", "object", "string"], "minItems": 1 }), "a list, or one value alone"),
            (json!({}), "any value"),
        ] {
            assert_eq!(takes(&schema), words);
        }
    }

    #[test]
    fn a_default_is_written_as_a_spec_would_say_it() {
        let value = json!({ "use": "sgd", "learning_rate": 0.1, "at": ["5it"], "more": {} });
        assert_eq!(written(&value), r#"{ use = "sgd", learning_rate = 0.1, at = ["5it"], more = {} }"#);
    }
}
