//! `show`: one thing that a spec may name, with its parameters, defaults and source.

use std::fmt::Write;

use clap::Args;
use serde_json::Value;

use super::list::{DECLARED, kinds};
use super::{Ended, print};
use crate::registry::{About, Kind, Registry};
use crate::spec::catalogue::{self, Declaration};

#[derive(Args)]
pub struct Show {
    /// pipeline, model, dataset, criterion, stage, learn, layer, format, init, optimizer, schedule or figure
    kind: String,
    /// Its name, as `list` prints it
    name: String,
}

impl Show {
    pub fn run(&self, registry: &Registry) -> Result<(), Ended> {
        if let Some((_, declared)) = DECLARED.into_iter().find(|(name, _)| *name == self.kind) {
            let found = catalogue::show(declared, &self.name, None);
            return print(&declaration(&found.map_err(|problems| Ended::Wrong(problems.render(false)))?));
        }
        let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.to_string() == self.kind) else {
            return Err(format!("{:?} is not a kind: choose among {}", self.kind, kinds().join(", ")).into());
        };
        match registry.about(kind, &self.name) {
            Some(about) => print(&plugin(about)),
            None => {
                let names: Vec<&str> = registry.abouts(kind).into_iter().map(|about| about.name).collect();
                Err(format!("no {kind} is named {:?}: there are {}", self.name, names.join(", ")).into())
            }
        }
    }
}

fn declaration(found: &Declaration) -> String {
    let mut text = heading(&found.name, &found.summary, &found.source);
    for parameter in &found.parameters {
        let default = match (&parameter.default, parameter.optional) {
            (Some(default), _) => format!("default {default}"),
            (None, true) => "optional".into(),
            (None, false) => "required".into(),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {:<18} {}  ({default})", parameter.name, parameter.help);
    }
    text + "\n" + &found.text
}

fn plugin(about: &About) -> String {
    let schema = about.schema.as_value();
    let mut text = heading(about.name, about.summary, about.source);
    let _ = writeln!(text, "version {}\n", about.version);
    if let Some(description) = schema["description"].as_str() {
        let _ = writeln!(text, "{description}\n");
    }
    let required = |name: &str| schema["required"].as_array().is_some_and(|r| r.iter().any(|v| v == name));
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let help = property["description"].as_str().unwrap_or("").replace('\n', " ");
        let default = match (&property["default"], required(name)) {
            (_, true) => "required".into(),
            (Value::Null, false) => "optional".into(),
            (default, false) => format!("default {}", written(default)),
        };
        let _ = writeln!(text, "  {name:<18} {help}  ({default})");
    }
    text
}

/// A default as a spec would say it: of a plugin, its name.
fn written(default: &Value) -> String {
    match &default["use"] {
        Value::String(name) => format!("{name:?}"),
        _ => default.to_string(),
    }
}

fn heading(name: &str, summary: &str, source: &str) -> String {
    let source = if source.is_empty() { String::new() } else { format!("{source}\n") };
    format!("{name}: {summary}\n{source}\n")
}
