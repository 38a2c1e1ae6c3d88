//! Models, pipelines and data sets: the files that declare them, and how an experiment uses them.

use serde_json::{Map, Value, json};

use super::definitions::dispatch;
use super::dialect::with_placeholders_within;
use super::of;
use super::parameters::{self, Parameters};
use super::refer::NAME;
use super::stages::one;
use crate::spec::diagnostic::Diagnostics;
use crate::spec::shipped::{Declared, Library};
use crate::spec::template::Parameter;
use crate::spec::{DatasetSpec, Fork, ModelSpec, PipelineSpec};

/// The schema of a file that declares one.
pub fn file(kind: Declared) -> Value {
    let mut file = match kind {
        Declared::Dataset => return extending(kind, of::<DatasetSpec>()),
        Declared::Model => without(of::<ModelSpec>(), "name"),
        Declared::Pipeline => of::<PipelineSpec>(),
    };
    let own = with_placeholders_within(json!({ "properties": file["properties"] }));
    file["properties"] = own["properties"].clone();
    let list = if kind == Declared::Model { "layer" } else { "stage" };
    file["properties"][list]["items"] = one(file["properties"][list]["items"].take());
    file["properties"]["parameters"] = json!({
        "description": "what an experiment may choose: each fills the strings \"{name}\" of this file",
        "type": "object",
        "propertyNames": { "pattern": "^[A-Za-z0-9_-]+$" },
        "additionalProperties": of::<Parameter>(),
    });
    extending(kind, file)
}

/// A file may be put over another, which then has what the first lacks.
fn extending(kind: Declared, mut file: Value) -> Value {
    file["properties"]["extends"] = json!({
        "description": format!("the {kind} that this one is, but for what this file says otherwise"),
        "type": "string",
        "pattern": NAME,
    });
    if let Some(required) = file.as_object_mut().and_then(|file| file.remove("required")) {
        let says = |what: Value| json!({ "required": what, "additionalProperties": true });
        file["if"] = says(json!(["extends"]));
        file["else"] = says(required);
    }
    file
}

/// Definitions of how an experiment uses them: `[model]`, `[dataset]` and `[pipeline.NAME]`.
pub fn uses(library: &Library<'_>, strict: &Map<String, Value>, diagnostics: &mut Diagnostics) -> Map<String, Value> {
    let mut all = Map::new();
    all.extend(datasets(library));
    let init = json!({ "$ref": "#/$defs/init", "description": "overrides the model's own initialiser" });
    let mut written = of::<PipelineSpec>();
    written = without(written, "fork");
    if let (Some(properties), Value::Object(fork)) =
        (written["properties"].as_object_mut(), of::<Fork>()["properties"].clone())
    {
        properties.extend(fork);
    }
    let beside_model = vec![("init", init), ("layer", changes("layer", "fc1"))];
    let beside_pipeline = vec![("stage", changes("stage", "train"))];
    for (kind, written, beside) in
        [(Declared::Model, of::<ModelSpec>(), beside_model), (Declared::Pipeline, written, beside_pipeline)]
    {
        let names = library.names(kind);
        let mut tables = Vec::new();
        for name in &names {
            let Parameters { mut properties, mut required } = parameters::of(kind, name, library, strict, diagnostics);
            for (key, schema) in &beside {
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

/// Fields of what is used, by the name of what they are in.
fn changes(of: &str, example: &str) -> Value {
    json!({
        "description": format!("changes of single {of}s, by name: `{of}.{example}.FIELD = VALUE`"),
        "type": "object",
        "additionalProperties": { "type": "object", "additionalProperties": true },
    })
}

/// A declared data set, whose declaration may be overridden key by key; or one written out.
fn datasets(library: &Library<'_>) -> [(String, Value); 3] {
    let mut written = of::<DatasetSpec>();
    let mut used = written.clone();
    written["properties"]["name"] = json!({ "type": "string", "description": "what tables and figures call it" });
    used["properties"]["use"] = name(Declared::Dataset, library);
    used["required"] = json!(["use"]);
    let mut properties = Map::from_iter([("use".to_string(), used["properties"]["use"].clone())]);
    properties.extend(written["properties"].as_object().cloned().unwrap_or_default());
    let dispatched = json!({
        "description": "a declared data set, and what this experiment changes of it; or one written out",
        "type": "object",
        "properties": properties,
        "additionalProperties": true,
        "if": { "required": ["use"], "additionalProperties": true },
        "then": { "$ref": "#/$defs/dataset.used" },
        "else": { "$ref": "#/$defs/dataset.written-out" },
    });
    [("dataset", dispatched), ("dataset.used", used), ("dataset.written-out", written)]
        .map(|(name, schema)| (name.to_string(), schema))
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
