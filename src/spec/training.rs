//! `[training]`: what a train stage takes that does not say otherwise.

use super::diagnostic::Diagnostics;
use super::fields::Fields;
use super::node::{Error, Node, Origin, Value};
use crate::registry::{About, Kind, Registry, Use};

#[derive(Clone, Copy)]
pub struct Training<'a> {
    written: Option<&'a Node>,
    /// Where it would stand.
    experiment: &'a Origin,
}

impl<'a> Training<'a> {
    /// It is checked even where no stage takes it; that it is not complete is no error by itself.
    pub fn of(
        written: Option<&'a Node>,
        experiment: &'a Origin,
        registry: &Registry,
        diagnostics: &mut Diagnostics,
    ) -> Training<'a> {
        let is_table = |node: &&Node| Fields::of(node, "[training]", diagnostics).is_some();
        if let Some(node) = written.filter(is_table) {
            let mut found = Diagnostics::default();
            registry.configure(Kind::Stage, "train", &node.origin, node, &mut found);
            diagnostics.extend(found.errors().iter().filter(|error| !lacks(error, &node.origin)).cloned());
        }
        Training { written, experiment }
    }

    /// Gives a training what it does not set itself; one within an analysis, what that takes. What no training takes is
    /// given, too: what it hides is then not told.
    pub fn complete(&self, about: &About, registry: &Registry, config: &mut Node) {
        let given = self.written.and_then(Node::table);
        let train = registry.about(Kind::Stage, "train");
        let meant = |name: &str| about.takes(name) || train.is_none_or(|train| !train.takes(name));
        if let (Value::Table(entries), Some(given)) = (&mut config.value, given) {
            for (name, entry) in given.iter().filter(|(name, _)| meant(name)) {
                entries.entry(name.clone()).or_insert_with(|| entry.clone());
            }
        }
    }

    /// Reads a completed training. What it lacks, [training] lacks for all: that is one error, however many do.
    pub fn read(
        &self,
        (stage, key): (&str, &Origin),
        config: &Node,
        user: &Origin,
        registry: &Registry,
        diagnostics: &mut Diagnostics,
    ) -> Option<Use> {
        let read = |found: &mut Diagnostics| registry.configure(Kind::Stage, stage, key, config, found);
        diagnostics.amending(read, |error| match &error.missing {
            Some(field) if lacks(&error, &config.origin) => {
                let lacking = match self.written {
                    Some(written) => Error::at(written, format!("trainings need `{field}`, and nothing gives it"))
                        .help(format!("set `{field}` in [training], for every pipeline, or in each that trains"))
                        .absent(field),
                    None => Error::new(self.experiment, "trainings need more than their pipelines say")
                        .help("add [training], for every pipeline: its `optimizer`, `batch_size`, `length`, `evaluate`")
                        .absent("training"),
                };
                Some(lacking.context(user, "this trains"))
            }
            _ => Some(error),
        })
    }
}

/// Whether a field is absent of a configuration itself, not of something in it.
fn lacks(error: &Error, config: &Origin) -> bool {
    error.missing.is_some() && error.origin.as_ref() == Some(config)
}
