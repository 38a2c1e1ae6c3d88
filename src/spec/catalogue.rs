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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::fixture::{DOTS, Experiment, SOUND, experiment};

    fn names(kind: Declared) -> Vec<String> {
        list(kind, None).unwrap().into_iter().map(|declaration| declaration.name).collect()
    }

    #[test]
    fn what_ships_is_listed_by_name() {
        assert!(names(Declared::Model).contains(&"lenet-300-100".to_string()));
        let pipelines = names(Declared::Pipeline);
        assert!(pipelines.is_sorted());
        for name in ["dense", "edge-popup", "imp", "one-shot", "random-sparse", "reinitialise", "shuffle", "zero-init"]
        {
            assert!(pipelines.iter().any(|other| other == name), "{name}");
        }
    }

    #[test]
    fn every_shipped_pipeline_loads_with_nothing_but_what_it_needs() {
        for Declaration { name, parameters, .. } in list(Declared::Pipeline, None).unwrap() {
            let each = if parameters.iter().any(|p| p.name == "each") { "each = 'dense'" } else { "" };
            let text = experiment(&format!("[pipeline.tried]\nuse = '{name}'\n{each}"));
            let experiment = Experiment::new(&[("experiment.toml", &text), ("datasets/dots.toml", DOTS)]);
            let spec = experiment.load(&[]).unwrap_or_else(|errors| panic!("{name}: {errors}"));
            assert!(!spec.variants[0].pipelines["tried"].stages.is_empty(), "{name}");
        }
    }

    #[test]
    fn every_shipped_data_set_loads_as_it_is_declared() {
        for Declaration { name, .. } in list(Declared::Dataset, None).unwrap() {
            let text = SOUND.replace("dots", &name);
            let spec = Experiment::new(&[("experiment.toml", &text)]).load(&[]);
            let dataset = spec.unwrap_or_else(|errors| panic!("{name}: {errors}")).variants.remove(0).dataset;
            assert!(dataset.validation < dataset.train && !dataset.files.is_empty(), "{name}");
        }
    }

    #[test]
    fn every_parameter_of_what_ships_says_what_it_is_for() {
        for kind in [Declared::Model, Declared::Pipeline] {
            for declaration in list(kind, None).unwrap() {
                assert!(!declaration.summary.is_empty(), "{}", declaration.name);
                let silent = declaration.parameters.iter().find(|parameter| parameter.help.is_empty());
                assert_eq!(silent, None, "{}", declaration.name);
            }
        }
    }

    #[test]
    fn a_default_is_shown_as_it_is_written() {
        let imp = show(Declared::Pipeline, "imp", None).unwrap();
        let default = |name: &str| imp.parameters.iter().find(|p| p.name == name).unwrap().default.clone();
        assert_eq!(default("rewind").as_deref(), Some("\"0it\""));
        assert_eq!(default("stop"), None);
    }

    #[test]
    fn an_experiments_own_are_listed_too_and_an_unknown_name_gets_the_nearest() {
        let experiment = Experiment::new(&[("datasets/dots.toml", DOTS)]);
        assert_eq!(show(Declared::Dataset, "dots", Some(&experiment.folder())).unwrap().source, "none");
        let errors = show(Declared::Pipeline, "imps", None).unwrap_err().to_string();
        assert!(errors.contains("did you mean `imp`?"), "{errors}");
    }
}
