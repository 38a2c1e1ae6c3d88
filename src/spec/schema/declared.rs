//! Models, pipelines and data sets: the files that declare them, and how an experiment uses them.

use serde_json::{Map, Value, json};

use super::definitions::dispatch;
use super::dialect::with_placeholders_within;
use super::of;
use super::parameters::{self, Parameters};
use super::refer::NAME;
use crate::spec::diagnostic::Diagnostics;
use crate::spec::shipped::{Declared, Library};
use crate::spec::template::Parameter;
use crate::spec::{DatasetSpec, Fork, ModelSpec, PipelineSpec};

/// The schema of a file that declares one.
pub fn file(kind: Declared) -> Value {
    let mut file = match kind {
        Declared::Dataset => return of::<DatasetSpec>(),
        Declared::Model => without(of::<ModelSpec>(), "name"),
        Declared::Pipeline => of::<PipelineSpec>(),
    };
    let own = with_placeholders_within(json!({ "properties": file["properties"] }));
    file["properties"] = own["properties"].clone();
    file["properties"]["parameters"] = json!({
        "description": "what an experiment may choose: each fills the strings \"{name}\" of this file",
        "type": "object",
        "propertyNames": { "pattern": "^[A-Za-z0-9_-]+$" },
        "additionalProperties": of::<Parameter>(),
    });
    file
}

/// Definitions of how an experiment uses them: `[model]`, `[dataset]` and `[pipeline.NAME]`.
pub fn uses(library: &Library<'_>, strict: &Map<String, Value>, diagnostics: &mut Diagnostics) -> Map<String, Value> {
    let mut all = Map::new();
    all.insert("dataset".into(), dataset(library));
    let init = json!({ "$ref": "#/$defs/init", "description": "overrides the model's own initialiser" });
    let mut written = of::<PipelineSpec>();
    written = without(written, "fork");
    if let (Some(properties), Value::Object(fork)) =
        (written["properties"].as_object_mut(), of::<Fork>()["properties"].clone())
    {
        properties.extend(fork);
    }
    for (kind, written, beside) in
        [(Declared::Model, of::<ModelSpec>(), Some(("init", init))), (Declared::Pipeline, written, None)]
    {
        let names = library.names(kind);
        let mut tables = Vec::new();
        for name in &names {
            let Parameters { mut properties, mut required } = parameters::of(kind, name, library, strict, diagnostics);
            if let Some((key, schema)) = &beside {
                properties.entry(key.to_string()).or_insert_with(|| schema.clone());
            }
            tables.push(properties.clone());
            properties.insert("use".into(), json!({ "const": name }));
            required.insert(0, "use".into());
            let case = json!({
                "type": "object", "properties": properties, "required": required, "additionalProperties": false,
            });
            all.insert(format!("{kind}.{name}"), case);
        }
        tables.extend(written["properties"].as_object().cloned());
        let cases = names.iter().map(|name| (name.as_str(), format!("{kind}.{name}")));
        let mut used = dispatch(name(kind, library), tables.iter(), cases);
        // What names none is written out.
        used.as_object_mut().map(|used| used.remove("required"));
        if let Some(Value::Array(cases)) = used.get_mut("allOf") {
            cases.push(json!({ "if": { "not": { "required": ["use"] } }, "then": { "$ref": format!("#/$defs/{kind}.written-out") } }));
        }
        all.insert(kind.to_string(), used);
        all.insert(format!("{kind}.written-out"), written);
    }
    all
}

/// A data set's declaration may be overridden key by key.
fn dataset(library: &Library<'_>) -> Value {
    let mut schema = of::<DatasetSpec>();
    let mut properties = Map::from_iter([("use".to_string(), name(Declared::Dataset, library))]);
    properties.extend(schema["properties"].as_object().cloned().unwrap_or_default());
    schema["properties"] = Value::Object(properties);
    schema["required"] = json!(["use"]);
    schema["description"] = json!("a declared data set, and what this experiment changes of it");
    schema
}

/// The value of `use`. An experiment may declare its own: only where they are known, another name is an error.
fn name(kind: Declared, library: &Library<'_>) -> Value {
    let names = library.names(kind);
    let description = format!("which {kind}: one that ships, or the experiment's own {}/NAME.toml", kind.folder());
    match library.is_whole() {
        true => json!({ "description": description, "enum": names }),
        false => {
            json!({ "description": description, "anyOf": [{ "enum": names }, { "type": "string", "pattern": NAME }] })
        }
    }
}

fn without(mut schema: Value, key: &str) -> Value {
    schema["properties"].as_object_mut().map(|properties| properties.remove(key));
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.retain(|name| name != key);
    }
    schema
}
