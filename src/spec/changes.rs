//! Changes of single fields within what is used: `[model] layer.fc1.units = 200`, `[pipeline.imp] stage.train.order = …`.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::diagnostic::{Diagnostics, SHOWN};
use super::node::{Entries, Error, Node, Origin};
use super::overlay::overlay;
use crate::nearest::did_you_mean;

/// Puts a change over a configuration: a table field by field, anything else as a whole.
fn put(config: &mut Node, change: &Node) {
    match config.table().is_some() && change.table().is_some() {
        true => overlay(config, change.clone()),
        false => *config = change.clone(),
    }
}

/// The changes as a table, or what else is beside `use`.
fn table<'a>(node: &'a Node, of: &str, used: &Origin, diagnostics: &mut Diagnostics) -> Option<&'a Entries> {
    if node.table().is_none() {
        let message = format!("beside `use` this must be a table of changes by {of}, not {}", node.sort());
        let help = match used.source.extended.is_some() && node.origin.source.extended.is_none() {
            true => format!("leave out the base's `use`, by `without`, to write the {of}s out yourself"),
            false => format!("leave out `use` to write the {of}s out yourself"),
        };
        let error = Error::at(node, message).help(help);
        diagnostics.push(if used.source == node.origin.source { error } else { error.context(used, "`use` is here") });
    }
    node.table()
}

/// Changes of a pipeline's stages: of all of one kind, as "train", or of one by its number as written, as "train2".
#[derive(Default)]
pub struct StageChanges<'a> {
    changes: Option<&'a Entries>,
    seen: RefCell<Seen>,
}

#[derive(Default)]
struct Seen {
    /// By kind, where the stages are written, in order.
    places: BTreeMap<String, Vec<Origin>>,
    used: HashSet<String>,
}

impl<'a> StageChanges<'a> {
    pub fn of(node: Option<&'a Node>, used: &Node, diagnostics: &mut Diagnostics) -> StageChanges<'a> {
        let changes = node.and_then(|node| table(node, "stage", &used.origin, diagnostics));
        StageChanges { changes, ..StageChanges::default() }
    }

    /// Changes the configuration of the stage that is written at `place`.
    pub fn change(&self, kind: &str, place: &Origin, config: &mut Node, diagnostics: &mut Diagnostics) {
        let Some(changes) = self.changes else { return };
        let numbered = format!("{kind}{}", self.seen.borrow_mut().number(kind, place));
        for name in [kind, &numbered] {
            let Some((_, change)) = changes.get(name) else { continue };
            self.seen.borrow_mut().used.insert(name.to_string());
            match change.table().and_then(|entries| entries.get("stages")) {
                Some((key, _)) => diagnostics.push(
                    Error::new(key, format!("the stages within a `{kind}` are changed by their own names"))
                        .help("for example `stage.prune.rate = 0.5`"),
                ),
                None => put(config, change),
            }
        }
    }

    /// A change of a stage that there is not is an error.
    pub fn finish(&self, diagnostics: &mut Diagnostics) {
        let seen = self.seen.borrow();
        let unused = self.changes.into_iter().flatten().filter(|(name, _)| !seen.used.contains(*name));
        for (name, (key, _)) in unused.take(SHOWN + 1) {
            let valid = seen.names();
            let help = did_you_mean(name, "stages", valid.iter().map(String::as_str));
            diagnostics.push(Error::new(key, format!("there is no stage `{name}` to change")).hint(help));
        }
    }
}

impl Seen {
    /// From 1 on. A stage that is read again, as for each value of a `foreach`, keeps its number.
    fn number(&mut self, kind: &str, place: &Origin) -> usize {
        let places = self.places.entry(kind.to_string()).or_default();
        if let Some(at) = places.iter().position(|other| other == place) {
            return at + 1;
        }
        places.push(place.clone());
        places.len()
    }

    fn names(&self) -> Vec<String> {
        let named = |(kind, places): (&String, &Vec<Origin>)| {
            let numbered = (1..=places.len()).filter(|_| places.len() > 1).map(|n| format!("{kind}{n}"));
            [kind.clone()].into_iter().chain(numbered).collect::<Vec<_>>()
        };
        self.places.iter().flat_map(named).collect()
    }
}

/// Changes of a model's layers, by name; of those in a block, below the block's name.
#[derive(Default)]
pub struct LayerChanges<'a> {
    changes: Option<&'a Entries>,
}

impl<'a> LayerChanges<'a> {
    /// `used` is where the model is named; without it there is nothing to change.
    pub fn of(node: Option<&'a Node>, used: Option<&Origin>, diagnostics: &mut Diagnostics) -> LayerChanges<'a> {
        LayerChanges { changes: node.zip(used).and_then(|(node, used)| table(node, "layer", used, diagnostics)) }
    }

    /// The configuration of the layer of this name, "block1.conv1", with its changes.
    pub fn changed(&self, name: &str, config: &Node) -> Option<Node> {
        let mut config = config.clone();
        put(&mut config, self.of_layer(name)?);
        Some(config)
    }

    pub fn of_layer(&self, name: &str) -> Option<&'a Node> {
        let (mut entries, mut parts) = (self.changes?, name.split('.').peekable());
        while let Some(part) = parts.next() {
            let (_, node) = entries.get(part)?;
            if parts.peek().is_none() {
                return Some(node);
            }
            entries = node.table()?;
        }
        None
    }

    /// A change of a layer that there is not is an error. `names` are those that may be changed.
    pub fn finish(&self, names: &HashSet<String>, diagnostics: &mut Diagnostics) {
        if let Some(changes) = self.changes {
            unknown("", changes, names, diagnostics);
        }
    }
}

fn unknown(prefix: &str, changes: &Entries, names: &HashSet<String>, diagnostics: &mut Diagnostics) {
    for (key, (origin, node)) in changes {
        let name = format!("{prefix}{key}");
        let within = format!("{name}.");
        if diagnostics.is_full() {
            return;
        }
        if names.contains(&name) {
            continue;
        }
        match node.table() {
            Some(inner) if names.iter().any(|other| other.starts_with(&within)) => {
                unknown(&within, inner, names, diagnostics)
            }
            _ => {
                let here = names.iter().filter_map(|name| name.strip_prefix(prefix)?.split('.').next());
                let help = did_you_mean(key, "layers", here.collect::<BTreeSet<_>>());
                diagnostics.push(Error::new(origin, format!("there is no layer `{name}` to change")).hint(help));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use crate::spec::fixture::lottery;
    use crate::spec::{Form, Spec, StageSpec};

    fn load(more: &str, sets: &[&str]) -> Spec {
        lottery(more).load(sets).unwrap_or_else(|errors| panic!("{errors}"))
    }

    fn stages(stages: &[StageSpec]) -> Vec<(String, Json)> {
        let told = |stage: &StageSpec| match stage {
            StageSpec::One(used, ..) => vec![(used.name.clone(), used.config.clone())],
            StageSpec::Repeat { stages, .. } => self::stages(stages),
            StageSpec::Branch(branches) => branches.iter().flat_map(|branch| self::stages(branch)).collect(),
        };
        stages.iter().flat_map(told).collect()
    }

    /// A field of the stages of one kind.
    fn field(pipeline: &str, kind: &str, field: &str) -> Vec<Json> {
        let spec = load(pipeline, &[]);
        let all = stages(&spec.variants[0].pipelines["p"].stages);
        all.into_iter().filter(|(name, _)| name == kind).map(|(_, config)| config[field].clone()).collect()
    }

    #[test]
    fn a_stage_is_changed_by_its_kind_or_by_its_number() {
        let imp = "[pipeline.p]\nuse = 'imp'\nlevels = 2\n";
        assert_eq!(field(&format!("{imp}stage.train.length = '7it'"), "train", "length"), ["7it", "7it"]);
        assert_eq!(field(&format!("{imp}stage.train2.length = '7it'"), "train", "length"), ["500it", "7it"]);
        assert_eq!(field(&format!("{imp}stage.rewind = '7it'"), "rewind", "to"), ["7it"]);
        assert_eq!(field(&format!("{imp}stage.rewind.to = '7it'"), "rewind", "to"), ["7it"]);
        let rate =
            field(&format!("{imp}[pipeline.p.stage.prune]\nrate = {{ linear = 0.3, output = 0 }}"), "prune", "rate");
        assert_eq!(rate[0]["linear"], json!(0.3));
    }

    #[test]
    fn a_field_within_a_field_that_training_gives_is_changed_alone() {
        let text = "[pipeline.p]\nuse = 'dense'\nstage.train.optimizer.learning_rate = 1";
        let optimizer = &field(text, "train", "optimizer")[0];
        assert_eq!((&optimizer["use"], &optimizer["config"]["learning_rate"]), (&json!("adam"), &json!(1.0)));
    }

    #[test]
    fn repetitions_and_lists_are_changed_too() {
        let text = "[pipeline.p]\nuse = 'imp'\nstage.repeat.times = 3";
        let spec = load(text, &[]);
        let StageSpec::Repeat { times, .. } = &spec.variants[0].pipelines["p"].stages[2] else { panic!() };
        assert_eq!(*times, 3);
        let popup = "[pipeline.p]\nuse = 'edge-popup'\nstage.foreach.in = [0.25, 0.75]\nstage.train.batch_size = 9";
        assert_eq!(field(popup, "train", "batch_size"), [9, 9]);
    }

    #[test]
    fn a_layer_is_changed_by_its_name_and_one_in_a_block_below_the_blocks() {
        let units = |spec: &Spec, at: usize| match &spec.variants[0].model.layers[at].form {
            Form::One(used) => used.config["units"].clone(),
            Form::Residual { layers, .. } => match &layers[0].form {
                Form::One(used) => used.config["units"].clone(),
                other => panic!("{other:?}"),
            },
        };
        let spec = load("", &["model.layer.fc1.units=200"]);
        assert_eq!((units(&spec, 1), units(&spec, 3)), (json!(200), json!(100)));
        let own = "layer = [{ repeat = { times = 2, layers = [{ name = 'b', residual = { layers = [{ linear = { units = 3 } }] } }] } }]";
        let files = [
            (
                "experiment.toml",
                crate::spec::fixture::SOUND.replace("lenet-300-100\"", "own\"\nlayer.b2.linear1.units = 9"),
            ),
            ("datasets/dots.toml", crate::spec::fixture::DOTS.to_string()),
            ("models/own.toml", own.to_string()),
        ];
        let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
        let spec = crate::spec::fixture::Experiment::new(&files).load(&[]).unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!((units(&spec, 0), units(&spec, 1)), (json!(3), json!(9)));
    }

    #[test]
    fn a_data_sets_inner_field_is_changed_alone() {
        let spec = load("", &["dataset.normalise.mean=[0.5]"]);
        let normalise = &spec.variants[0].dataset.normalise;
        assert_eq!((normalise.mean.as_slice(), normalise.std.as_slice()), (&[0.5f32][..], &[1.0f32][..]));
    }
}
