//! What ships and what an experiment declares of its own, for `list` and `show`.

use std::path::Path;

use super::diagnostic::Diagnostics;
use super::fields::Fields;
use super::folder::Folder;
use super::node::{Error, Origin};
use super::parse::parse;
use super::shipped::Library;
use super::template::parameters;

pub use super::shipped::Declared;

/// A declared model, pipeline or data set, as a person chooses among them.
#[derive(Clone, Debug, PartialEq)]
pub struct Declaration {
    pub kind: Declared,
    pub name: String,
    pub summary: String,
    /// The paper and section; a data set's citation.
    pub source: String,
    pub parameters: Vec<ParameterHelp>,
    /// The file that declares it.
    pub file: String,
    pub text: String,
}

/// A parameter, as `show` prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterHelp {
    pub name: String,
    /// As written in the file.
    pub default: Option<String>,
    pub optional: bool,
    pub help: String,
}

/// Everything of one kind, by name. `folder` is an experiment whose own declarations are listed too.
pub fn list(kind: Declared, folder: Option<&Path>) -> Result<Vec<Declaration>, Diagnostics> {
    with_library(folder, |library, diagnostics| {
        library.names(kind).iter().filter_map(|name| declaration(library, kind, name, diagnostics)).collect()
    })
}

/// One declaration; an unknown name is an error that lists the valid ones.
pub fn show(kind: Declared, name: &str, folder: Option<&Path>) -> Result<Declaration, Diagnostics> {
    let found = with_library(folder, |library, diagnostics| declaration(library, kind, name, diagnostics))?;
    found.ok_or_else(Diagnostics::default)
}

fn with_library<T>(
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
        Some(folder) => Library::of(folder, &mut diagnostics),
        None => Library::shipped(),
    };
    let result = work(&library, &mut diagnostics);
    if diagnostics.is_empty() { Ok(result) } else { Err(diagnostics) }
}

fn declaration(
    library: &Library<'_>,
    kind: Declared,
    name: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Declaration> {
    let source = library.source(kind, name).map_err(|error| diagnostics.push(error)).ok()?;
    let node = parse(&source, diagnostics);
    let mut fields = Fields::of(&node, format!("the {kind} `{name}`"), diagnostics)?;
    let citation = if kind == Declared::Dataset { "citation" } else { "source" };
    let help = |(name, parameter): (String, super::template::Parameter)| ParameterHelp {
        name,
        default: parameter.default.map(|node| Origin::text(&node.origin).to_string()),
        optional: parameter.optional,
        help: parameter.help,
    };
    Some(Declaration {
        kind,
        name: name.to_string(),
        summary: fields.read("summary", diagnostics).unwrap_or_default(),
        source: fields.read(citation, diagnostics).unwrap_or_default(),
        parameters: parameters(fields.node("parameters"), diagnostics).into_iter().map(help).collect(),
        file: source.name.clone(),
        text: source.text.clone(),
    })
}
