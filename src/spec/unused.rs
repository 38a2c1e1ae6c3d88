//! An experiment's own models, pipelines and data sets that nothing uses: read as if something did, so that what is
//! wrong in them is found before.

use std::sync::Arc;

use super::changes::StageChanges;
use super::dataset::dataset;
use super::diagnostic::Diagnostics;
use super::model::Models;
use super::node::{Entries, Error, Node, Origin, Source, Value};
use super::pipeline::Pipelines;
use super::shipped::{Declared, Library};
use super::template;
use super::training::Training;
use super::{LayerSpec, StageSpec};
use crate::registry::Registry;

/// More layers and stages than any experiment leaves unused: beyond them no file is read, so that thousands of
/// repetitions end soon.
const PARTS: usize = 20_000;

/// Says what is wrong in each file by itself. What its user may give or choose is no error, nor are shapes, which need
/// the user's data.
pub fn check_unused(library: &Library<'_>, registry: &Registry, diagnostics: &mut Diagnostics) {
    let mut parts = 0;
    for (kind, name) in library.unused() {
        let source = match library.source(kind, &name) {
            Ok(source) => source,
            Err(error) => {
                diagnostics.push(error);
                continue;
            }
        };
        let mut found = Diagnostics::default();
        parts += read(kind, &user(kind, &name, &source, library), library, registry, &mut found);
        diagnostics.extend(found.errors().iter().filter(|error| is_within(error, &source)).cloned().map(alone));
        if parts > PARTS || diagnostics.is_full() {
            return;
        }
    }
}

/// Reads what `user` uses, and says of how many layers or stages it is made.
fn read(kind: Declared, user: &Node, library: &Library<'_>, registry: &Registry, d: &mut Diagnostics) -> usize {
    match kind {
        Declared::Model => {
            let classes = Node { value: Value::Integer(1), origin: user.origin.clone() };
            let model = Models { registry, library, classes }.read(user, d);
            model.iter().flat_map(|model| model.layers.iter().flat_map(LayerSpec::walk)).count()
        }
        Declared::Pipeline => {
            let (training, changes) = (Training::of(None, &user.origin, registry, d), StageChanges::default());
            let reader = Pipelines { registry, library, training, model: None, changes: &changes, user: &user.origin };
            reader.read("unused", &user.origin, user, d).map_or(0, |pipeline| count(&pipeline.stages))
        }
        Declared::Dataset => {
            dataset(user, library, registry, d);
            1
        }
    }
}

fn count(stages: &[StageSpec]) -> usize {
    let parts = |stage: &StageSpec| match stage {
        StageSpec::One(..) => 1,
        StageSpec::Repeat { stages, .. } => 1 + count(stages),
        StageSpec::Branch(branches) => 1 + branches.iter().map(|stages| count(stages)).sum::<usize>(),
    };
    stages.iter().map(parts).sum()
}

/// A text that nobody wrote.
const NOWHERE: &str = "";

/// What would use a file: its name, and for parameters without a default the examples that the file gives.
fn user(kind: Declared, name: &str, source: &Arc<Source>, library: &Library<'_>) -> Node {
    let origin = Origin { source: Arc::new(Source::new(NOWHERE, NOWHERE)), span: 0..0 };
    let file = library.declaration(kind, source, &mut Diagnostics::default());
    let declared = file.table().and_then(|entries| entries.get("parameters")).map(|(_, node)| node);
    let parameters = template::parameters(declared, &mut Diagnostics::default());
    let given = parameters.into_iter().filter(|(_, parameter)| parameter.default.is_none());
    let examples = given.filter_map(|(name, parameter)| Some((name, (origin.clone(), parameter.example?))));
    let mut entries: Entries = examples.collect();
    let name = Node { value: Value::String(name.to_string()), origin: origin.clone() };
    entries.insert("use".to_string(), (origin.clone(), name));
    Node { value: Value::Table(entries), origin }
}

fn is_within(error: &Error, source: &Source) -> bool {
    error.origin.as_ref().is_some_and(|origin| *origin.source == *source)
}

/// The error without what it says of its user.
fn alone(mut error: Error) -> Error {
    error.context.retain(|(origin, _)| origin.source.name != NOWHERE);
    error
}

#[cfg(test)]
mod tests {
    use crate::registry::Registry;
    use crate::spec::fixture::{DOTS, Experiment, SOUND};
    use crate::spec::load;
    use crate::spec::shipped::{Declared, Library};

    /// A sound experiment with files that it does not use.
    fn with(files: &[(String, String)]) -> Experiment {
        let files = files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        let own = [("experiment.toml", SOUND), ("datasets/dots.toml", DOTS)];
        Experiment::new(&own.into_iter().chain(files).collect::<Vec<_>>())
    }

    #[test]
    fn nothing_is_wrong_with_what_ships_where_nothing_uses_it() {
        let library = Library::shipped();
        let file = |kind: Declared, name: &String| {
            (format!("{}/own-{name}.toml", kind.folder()), library.source(kind, name).unwrap().text.clone())
        };
        let of = |kind| library.names(kind).iter().map(|name| file(kind, name)).collect::<Vec<_>>();
        let files: Vec<_> = Declared::ALL.into_iter().flat_map(of).collect();
        assert!(files.len() > 15);
        load(&with(&files).folder(), &Registry::builtin(), &[]).unwrap_or_else(|errors| panic!("{errors}"));
    }

    #[test]
    fn what_is_wrong_in_the_experiment_only_is_not_told_of_its_files_again() {
        let own = "[[stage]]\ninit = {}\n[[stage]]\ntrain = { length = '5it' }";
        let experiment = with(&[("pipelines/own.toml".into(), own.into())]);
        let errors = experiment.errors(&["training={ batch_size = 0 }"]);
        assert!(!errors.contains("own.toml"), "{errors}");
    }

    #[test]
    fn of_endless_repetitions_that_nothing_uses_no_more_are_read() {
        let large = "[[layer]]\nrepeat = { times = 1000, layers = [{ relu = {} }, { relu = {} }, { relu = {} }, \
                     { relu = {} }, { relu = {} }, { relu = {} }, { relu = {} }, { relu = {} }] }";
        let wrong = ("models/z.toml".to_string(), "[[layer]]\nrely = {}".to_string());
        let large = |names: &[&str]| {
            let files = names.iter().map(|name| (format!("models/{name}.toml"), large.to_string()));
            files.chain([wrong.clone()]).collect::<Vec<_>>()
        };
        assert!(with(&large(&["a", "b"])).errors(&[]).contains("no layer is named \"rely\""));
        with(&large(&["a", "b", "c"])).load(&[]).unwrap_or_else(|errors| panic!("{errors}"));
    }
}
