//! JSON Schemas of the files that an author writes, for editors: made from what the parser itself reads by, the
//! configurations of plugins, the structs of a spec and the shipped TOML. They say keys, types, names, defaults and
//! help; what needs more than one value to judge, `check` says.
//!
//! A new key of an experiment is a field in `experiment.rs`; a test holds that the keys there are the parser's.

mod compound;
mod declared;
mod definitions;
mod dialect;
mod experiment;
mod parameters;
mod part;
mod refer;
mod stages;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;

pub(super) use refer::{format, init, layers, stages as stage_list};

use std::fmt;
use std::path::Path;

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};

use super::catalogue::with_library;
use super::diagnostic::Diagnostics;
use super::shipped::{Declared, Library};
use crate::registry::Registry;
pub use compound::{Compound, compounds};
use definitions::Definitions;
pub use definitions::configuration;

/// A kind of file that has a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Experiment,
    Declared(Declared),
}

impl Subject {
    pub const ALL: [Subject; 4] = [
        Subject::Experiment,
        Subject::Declared(Declared::Model),
        Subject::Declared(Declared::Pipeline),
        Subject::Declared(Declared::Dataset),
    ];

    /// The name of the file under `schema/`, which a `#:schema` line ends in.
    pub fn file(self) -> String {
        format!("{self}.schema.json")
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Subject::Experiment => "experiment",
            Subject::Declared(Declared::Model) => "model",
            Subject::Declared(Declared::Pipeline) => "pipeline",
            Subject::Declared(Declared::Dataset) => "dataset",
        })
    }
}

/// The schema of one kind of file, for these plugins and, where a folder is given, what an experiment declares itself.
pub fn schema(subject: Subject, registry: &Registry, folder: Option<&Path>) -> Result<Value, Diagnostics> {
    with_library(folder, |library, diagnostics| {
        let definitions = Definitions::new(registry, library, diagnostics);
        let root = match subject {
            Subject::Experiment => experiment::experiment(),
            Subject::Declared(kind) => declared::file(kind),
        };
        complete(subject, root, definitions)
    })
}

/// A table of the parameters of a model or a pipeline, each with the type of what it fills.
pub fn parameters(
    kind: Declared,
    name: &str,
    library: &Library<'_>,
    registry: &Registry,
    diagnostics: &mut Diagnostics,
) -> Value {
    let strict = definitions::plugins(registry, false);
    let parameters = parameters::of(kind, name, library, &strict, diagnostics);
    json!({ "type": "object", "properties": parameters.properties, "required": parameters.required })
}

/// What the keys of an experiment mean.
pub(super) fn fields() -> Value {
    experiment::experiment()
}

/// What the keys of a prediction mean.
pub(super) fn prediction() -> Value {
    of::<experiment::Prediction>()
}

/// What the keys of `[about]` mean.
pub(super) fn about() -> Value {
    of::<experiment::About>()
}

/// What the keys of one of its authors mean.
pub(super) fn author() -> Value {
    of::<experiment::Author>()
}

/// The schema of a struct, all in one piece.
pub(super) fn of<T: JsonSchema>() -> Value {
    let mut schema = dialect::plain(SchemaGenerator::default().into_root_schema_for::<T>().to_value());
    if let Some(entries) = schema.as_object_mut() {
        entries.retain(|key, _| !["$schema", "title"].contains(&key.as_str()));
    }
    schema
}

/// Adds the head, and those definitions that the schema needs.
fn complete(subject: Subject, root: Value, definitions: Definitions) -> Value {
    let mut whole = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("Tombola: {subject}"),
    });
    let defs = definitions.reached_from(&root);
    if let (Value::Object(whole), Value::Object(root)) = (&mut whole, root) {
        whole.extend(root);
        whole.insert("$defs".into(), Value::Object(defs));
    }
    whole
}
