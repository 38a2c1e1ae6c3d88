//! The types of a template's parameters: those of the places that they fill.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::definitions::bare;
use super::dialect::joined;
use super::of as schema_of;
use crate::spec::diagnostic::Diagnostics;
use crate::spec::formula::Formula;
use crate::spec::node::{self, Node};
use crate::spec::shipped::{Declared, Library};
use crate::spec::template::{self, Parameter, placeholder};
use crate::spec::{ModelSpec, PipelineSpec};

#[derive(Default)]
pub struct Parameters {
    pub properties: Map<String, Value>,
    pub required: Vec<String>,
}

/// Of the model or pipeline `name`, whose file is read in `strict` definitions: those without placeholders.
pub fn of(
    kind: Declared,
    name: &str,
    library: &Library<'_>,
    strict: &Map<String, Value>,
    diagnostics: &mut Diagnostics,
) -> Parameters {
    let Ok(source) = library.source(kind, name).map_err(|error| diagnostics.push(error)) else {
        return Parameters::default();
    };
    let file = library.declaration(kind, &source, diagnostics);
    let root = match kind {
        Declared::Model => schema_of::<ModelSpec>(),
        Declared::Pipeline => schema_of::<PipelineSpec>(),
        Declared::Dataset => return Parameters::default(),
    };
    let mut places = Places { strict, found: IndexMap::new() };
    places.visit(&file, &root);
    let declared = file.table().and_then(|entries| entries.get("parameters")).map(|(_, node)| node);
    let mut parameters = Parameters::default();
    for (name, parameter) in template::parameters(declared, diagnostics) {
        let place = places.found.get(&name).map(|schemas| one(schemas)).unwrap_or_else(|| json!({}));
        if parameter.default.is_none() && !parameter.optional {
            parameters.required.push(name.clone());
        }
        parameters.properties.insert(name, property(place, &parameter));
    }
    parameters
}

fn property(mut schema: Value, parameter: &Parameter) -> Value {
    schema["description"] = json!(parameter.help);
    if let Some(default) = &parameter.default {
        schema["default"] = default.deserialize().unwrap_or_default();
    }
    if let Some(example) = &parameter.example {
        schema["examples"] = json!([example.deserialize::<Value>().unwrap_or_default()]);
    }
    schema
}

/// One schema for a parameter that fills several places.
fn one(schemas: &[Value]) -> Value {
    let mut different: Vec<Value> = Vec::new();
    for schema in schemas.iter().map(bare) {
        if !different.contains(&schema) {
            different.push(schema);
        }
    }
    different.retain(|schema| !schema.is_null());
    // A type alone says nothing where another place says more of that type.
    let types: Vec<Value> = different.iter().filter(|schema| !is_type(schema)).map(|s| s["type"].clone()).collect();
    different.retain(|schema| !is_type(schema) || !types.contains(&schema["type"]));
    match &different[..] {
        [] => json!({}),
        [only] => only.clone(),
        several => json!({ "allOf": several }),
    }
}

fn is_type(schema: &Value) -> bool {
    schema.as_object().is_some_and(|entries| entries.len() == 1 && entries.contains_key("type"))
}

/// What the schema says of each place where a placeholder stands. Of what it does not know it says null, and so nothing.
struct Places<'a> {
    strict: &'a Map<String, Value>,
    found: IndexMap<String, Vec<Value>>,
}

impl Places<'_> {
    fn visit(&mut self, node: &Node, schema: &Value) {
        match &node.value {
            node::Value::String(text) => {
                if let Some(name) = placeholder(text) {
                    self.found.entry(name.to_string()).or_default().push(schema.clone());
                }
                // What is calculated with has its place's type, and other bounds.
                for name in Formula::read(text).iter().flat_map(Formula::names) {
                    let kind = self.resolved(schema)["type"].clone();
                    self.found.entry(name.to_string()).or_default().push(json!({ "type": kind }));
                }
            }
            node::Value::List(items) => {
                let within = self.resolved(schema)["items"].clone();
                items.iter().for_each(|item| self.visit(item, &within));
            }
            node::Value::Table(entries) => {
                for (key, (_, value)) in entries.iter().filter(|(key, _)| *key != "parameters") {
                    self.visit(value, &self.property(schema, node, key));
                    if key == "foreach" {
                        self.branch(value);
                    }
                }
            }
            _ => {}
        }
    }

    /// A `foreach` takes a list of what its own placeholder stands for, or one alone.
    fn branch(&mut self, foreach: &Node) {
        let value = |key: &str| foreach.table()?.get(key)?.1.string();
        let (Some(own), Some(list)) = (value("value"), value("in").and_then(placeholder)) else { return };
        let Some(item) = self.found.shift_remove(own).map(|schemas| one(&schemas)) else { return };
        let list_of = json!({ "type": "array", "items": item, "minItems": 1, "uniqueItems": true });
        let either = [item, list_of];
        let schema = joined(&either).unwrap_or_else(|| json!({ "anyOf": either }));
        self.found.insert(list.to_string(), vec![schema]);
    }

    /// What a table's schema says of one of its keys; where `use` decides, what the case that it names says.
    fn property(&self, schema: &Value, table: &Node, key: &str) -> Value {
        let schema = self.resolved(schema);
        let used = table.table().and_then(|entries| entries.get("use")).and_then(|(_, node)| node.string());
        let cases = schema["allOf"].as_array().into_iter().flatten();
        let mut named = cases.filter(|case| used.is_some_and(|used| case["if"]["properties"]["use"]["const"] == used));
        let found = named.find_map(|case| self.resolved(&case["then"])["properties"].get(key));
        let mut found = found.unwrap_or(&schema["properties"][key]).clone();
        let forks = schema["properties"]["when"].is_object() && key == "at";
        if forks && table.table().is_none_or(|entries| !entries.contains_key("when")) {
            // Controls have no level 0.
            found["items"]["minimum"] = json!(1);
        }
        found
    }

    fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let place = schema["$ref"].as_str().and_then(|place| place.strip_prefix("#/$defs/"));
        place.and_then(|name| self.strict.get(name)).unwrap_or(schema)
    }
}
