//! What a spec may name: the registry's plugins, the layers and stages made of others, what ships as TOML and what an
//! experiment declares of its own, each with its parameters and an example, for `list`, `show` and the pages of
//! docs/reference.

mod dataset;
mod example;
mod model;
mod page;
mod parameter;
#[cfg(test)]
mod tests;

pub use super::shipped::{Declared, shipped_names};
pub use dataset::dataset;
pub use example::Example;
pub use model::{Counted, model};
pub use page::page;
pub use parameter::Parameter;

use std::fmt;
use std::path::Path;

use serde_json::Value;

use super::diagnostic::Diagnostics;
use super::fields::Fields;
use super::folder::Folder;
use super::merge::merged;
use super::node::Error;
use super::schema::{self, Compound};
use super::shipped::Library;
use crate::nearest::did_you_mean;
use crate::prediction::spelled;
use crate::record::Heading;
use crate::registry::{About, Kind, Registry};

/// What a name is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    Declared(Declared),
    Plugin(Kind),
}

impl Sort {
    /// Declared ones first.
    pub fn all() -> impl Iterator<Item = Sort> {
        let declared = [Declared::Pipeline, Declared::Model, Declared::Dataset].map(Sort::Declared);
        declared.into_iter().chain(Kind::ALL.map(Sort::Plugin))
    }

    /// The sort that a person typed, or what there is to choose among.
    pub fn named(text: &str) -> Result<Sort, String> {
        let names: Vec<String> = Sort::all().map(|sort| sort.to_string()).collect();
        let help = || did_you_mean(text, "kinds", names.iter().map(String::as_str));
        Sort::all().find(|sort| sort.to_string() == text).ok_or_else(|| format!("{text:?} is not a kind: {}", help()))
    }
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Sort::Declared(Declared::Dataset) => f.write_str("dataset"),
            Sort::Declared(kind) => kind.fmt(f),
            Sort::Plugin(kind) => kind.fmt(f),
        }
    }
}

/// One name, as a person chooses among them.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub sort: Sort,
    pub name: String,
    pub summary: String,
    /// The paper and section; a data set's citation.
    pub source: String,
    /// What it does, at more length than the summary.
    pub details: String,
    /// Of a plugin that is code.
    pub version: Option<u32>,
    pub parameters: Vec<Parameter>,
    /// What an analysis measures, as a prediction names it: `barrier (fraction)`, `overlap_by_layer[layer] (fraction)`.
    pub measures: Vec<String>,
    /// `None` where no spec names it.
    pub example: Option<Example>,
    /// The file that declares it, and its text.
    pub file: Option<(String, String)>,
}

/// Everything of one sort, by name. `folder` is an experiment whose own declarations are listed too.
pub fn list(sort: Sort, registry: &Registry, folder: Option<&Path>) -> Result<Vec<Entry>, Diagnostics> {
    match sort {
        Sort::Plugin(kind) => {
            let plugins = registry.abouts(kind).into_iter().map(plugin);
            let mut entries: Vec<Entry> = plugins.chain(schema::compounds(kind).map(compound)).collect();
            entries.sort_by(|a, b| a.name.cmp(&b.name));
            Ok(entries)
        }
        Sort::Declared(kind) => with_library(folder, |library, diagnostics| {
            let names = library.names(kind);
            names.iter().filter_map(|name| declared(library, registry, kind, name, diagnostics)).collect()
        }),
    }
}

/// One of them; an unknown name is an error that lists the valid ones.
pub fn show(sort: Sort, name: &str, registry: &Registry, folder: Option<&Path>) -> Result<Entry, Diagnostics> {
    let fail = |message: String, help: String| {
        let mut diagnostics = Diagnostics::default();
        diagnostics.push(Error::nowhere(message).help(help));
        diagnostics
    };
    match sort {
        Sort::Plugin(kind) => {
            let found = registry.about(kind, name).map(plugin);
            let found = found.or_else(|| schema::compounds(kind).find(|of| of.name == name).map(compound));
            found.ok_or_else(|| {
                let plugins = registry.abouts(kind).into_iter().map(|about| about.name);
                let names = plugins.chain(schema::compounds(kind).map(|of| of.name));
                fail(format!("no {kind} is named {name:?}"), did_you_mean(name, &format!("{kind} names"), names).text)
            })
        }
        Sort::Declared(kind) => {
            let found = with_library(folder, |library, found| declared(library, registry, kind, name, found))?;
            found.ok_or_else(Diagnostics::default)
        }
    }
}

pub(super) fn with_library<T>(
    folder: Option<&Path>,
    work: impl FnOnce(&Library<'_>, &mut Diagnostics) -> T,
) -> Result<T, Diagnostics> {
    let mut diagnostics = Diagnostics::default();
    let fail = |error: Error| {
        let mut diagnostics = Diagnostics::default();
        diagnostics.push(error);
        diagnostics
    };
    let folder = folder.map(Folder::open).transpose().map_err(fail)?;
    let library = match &folder {
        Some(folder) => {
            // What is wrong with the experiment itself, `check` says.
            let bases = merged(folder, &mut Diagnostics::default()).map(|merged| merged.bases);
            Library::of(folder, &bases.unwrap_or_default(), &mut diagnostics)
        }
        None => Library::shipped(),
    };
    let result = work(&library, &mut diagnostics);
    if diagnostics.is_empty() { Ok(result) } else { Err(diagnostics) }
}

fn plugin(about: &About) -> Entry {
    let schema = schema::configuration(about);
    let details = about.schema.get("description").and_then(Value::as_str).unwrap_or_default();
    Entry {
        sort: Sort::Plugin(about.kind),
        name: about.name.to_string(),
        summary: about.summary.to_string(),
        source: about.source.to_string(),
        details: details.to_string(),
        version: Some(about.version),
        parameters: parameter::of(&schema),
        measures: about.measures.iter().map(measured).collect(),
        example: example::of_plugin(about),
        file: None,
    }
}

fn measured(heading: &Heading) -> String {
    let point = if heading.over.is_empty() { String::new() } else { format!("[{}]", heading.over) };
    format!("{}{point} ({})", spelled(heading.name), heading.unit)
}

fn compound(of: &Compound) -> Entry {
    Entry {
        sort: Sort::Plugin(of.kind),
        name: of.name.to_string(),
        summary: of.summary.to_string(),
        source: of.source.to_string(),
        details: of.details(),
        version: None,
        parameters: parameter::of(&of.schema()),
        measures: Vec::new(),
        example: Some(example::of_compound(of)),
        file: None,
    }
}

fn declared(
    library: &Library<'_>,
    registry: &Registry,
    kind: Declared,
    name: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Entry> {
    let source = library.source(kind, name).map_err(|error| diagnostics.push(error)).ok()?;
    let node = library.declaration(kind, &source, diagnostics);
    let mut fields = Fields::of(&node, format!("the {kind} `{name}`"), diagnostics)?;
    let citation = if kind == Declared::Dataset { "citation" } else { "source" };
    let (summary, citation) = (fields.read("summary", diagnostics), fields.read(citation, diagnostics));
    let parameters = parameter::of(&schema::parameters(kind, name, library, registry, diagnostics));
    Some(Entry {
        sort: Sort::Declared(kind),
        name: name.to_string(),
        summary: summary.unwrap_or_default(),
        source: citation.unwrap_or_default(),
        details: String::new(),
        version: None,
        example: Some(example::of_declared(kind, name, &parameters)),
        parameters,
        measures: Vec::new(),
        file: Some((source.name.clone(), source.text.clone())),
    })
}
