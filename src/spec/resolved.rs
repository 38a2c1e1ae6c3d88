//! A spec with everything filled in, as TOML again: each value with where it came from, nothing used that is not there.

use serde_json::Value as Json;

use super::node::{Entries, Node, Origin, Value};
use super::toml_text::{Text, key, value};
use super::{Form, LayerSpec, ModelSpec, PipelineSpec, Spec, StageSpec, Variant, Written};
use crate::registry::Use;

/// Keys of an experiment that are said otherwise: their values are in what is written out.
const SAID: [&str; 10] =
    ["title", "question", "replicates", "seed", "matching", "tolerance", "dataset", "model", "training", "pipeline"];

/// The spec as an experiment of its own, with the same step ids. Of a sweep, what varies is in its `[[variant]]`s.
pub fn resolved(spec: &Spec) -> String {
    let mut text = Text::default();
    let first = &spec.variants[0];
    let at = |key: &str| entry(&first.written, key);
    let default = "default of experiments";
    text.line("title", &Json::from(spec.title.clone()), at("title"), default);
    text.line("question", &Json::from(spec.question.clone()), at("question"), default);
    text.line("replicates", &Json::from(spec.replicates), at("replicates"), default);
    text.line("matching", &Json::from(spec.matching), at("matching"), default);
    if let Some(tolerance) = spec.tolerance {
        text.line("tolerance", &Json::from(tolerance), at("tolerance"), default);
    }
    let varies = |section: fn(&mut Text, &str, &Variant)| {
        let written = |variant: &Variant| {
            let mut text = Text::default();
            section(&mut text, "", variant);
            text.finish()
        };
        spec.variants.iter().any(|variant| written(variant) != written(first))
    };
    let (same, differ): (Vec<_>, Vec<_>) = SECTIONS.into_iter().partition(|section| !varies(*section));
    same.iter().for_each(|section| section(&mut text, "", first));
    others(&mut text, &first.written);
    if !first.name.is_empty() {
        for variant in &spec.variants {
            text.header("[[variant]]", "");
            text.line("name", &Json::from(variant.name.clone()), None, "");
            differ.iter().for_each(|section| section(&mut text, "variant.", variant));
        }
    }
    text.finish()
}

/// What each variant has of its own: the seed first, as tables come after values.
const SECTIONS: [fn(&mut Text, &str, &Variant); 4] = [seed, dataset, model, pipelines];

fn seed(text: &mut Text, _: &str, variant: &Variant) {
    text.line("seed", &Json::from(variant.seed), entry(&variant.written, "seed"), "default of experiments");
}

fn dataset(text: &mut Text, prefix: &str, variant: &Variant) {
    let mut fields = serde_json::to_value(&variant.dataset).unwrap_or_default();
    let files = fields.as_object_mut().and_then(|fields| fields.remove("file"));
    text.header(&format!("[{prefix}dataset]"), "");
    let name = fields.as_object_mut().and_then(|fields| fields.shift_remove("name")).unwrap_or_default();
    let own = entry(&variant.written, "dataset");
    let named = own.and_then(|own| entry(own, "use").or(entry(own, "name")));
    text.line("name", &name, named, "default of data sets");
    text.fields("", &fields, Some(&variant.data), "default of data sets");
    let written: &[Node] = match entry(&variant.data, "file").map(|node| &node.value) {
        Some(Value::List(items)) => items,
        _ => &[],
    };
    for (number, file) in files.iter().filter_map(Json::as_array).flatten().enumerate() {
        text.header(&format!("[[{prefix}dataset.file]]"), "");
        text.fields("", file, written.get(number), "");
    }
}

fn model(text: &mut Text, prefix: &str, variant: &Variant) {
    let ModelSpec { name, summary, source, layers, init, usual: _, init_written, used: _ } = &variant.model;
    text.header(&format!("[{prefix}model]"), "");
    for (field, said) in [("name", name), ("summary", summary), ("source", source)] {
        text.line(field, &Json::from(said.clone()), None, "");
    }
    text.plugin("init", init, init_written.as_ref(), "default of models");
    self::layers(text, &format!("{prefix}model.layer"), "", layers);
}

/// `within` is what the names of the layers of a block begin with.
fn layers(text: &mut Text, path: &str, within: &str, of: &[LayerSpec]) {
    for layer in of {
        text.header(&format!("[[{path}]]"), "");
        let name = layer.name.strip_prefix(within).unwrap_or(&layer.name);
        text.line("name", &Json::from(name), None, "");
        match &layer.form {
            Form::One(used) => {
                text.header(&format!("[{path}.{}]", key(&used.name)), &place(&layer.origin));
                text.fields("", &used.config, Some(&layer.written), &default_of("layer", used));
            }
            Form::Residual { layers, shortcut } => {
                text.header(&format!("[{path}.residual]"), &place(&layer.origin));
                self::layers(text, &format!("{path}.residual.layers"), &format!("{}.", layer.name), layers);
                let within = format!("{}.shortcut.", layer.name);
                self::layers(text, &format!("{path}.residual.shortcut"), &within, shortcut);
            }
        }
    }
}

fn pipelines(text: &mut Text, prefix: &str, variant: &Variant) {
    for pipeline in variant.pipelines.values() {
        let PipelineSpec { name, uses, summary, source, fork, stages, origin } = pipeline;
        let used = if uses.is_empty() { String::new() } else { format!("use = {uses:?}, ") };
        let path = format!("{prefix}pipeline.{}", key(name));
        text.header(&format!("[{path}]"), &format!("{used}{}", place(origin)));
        text.line("summary", &Json::from(summary.clone()), None, "");
        text.line("source", &Json::from(source.clone()), None, "");
        if let Some(fork) = fork {
            let at = |key: &str| entry(&fork.written, key);
            text.line("each", &Json::from(fork.each.clone()), at("each"), "");
            if let Some(levels) = &fork.at {
                text.line("at", &Json::from(levels.clone()), at("at"), "");
            }
            if let Some(with) = &fork.with {
                text.line("with", &Json::from(with.clone()), at("with"), "");
            }
            let when = serde_json::to_value(fork.when).unwrap_or_default();
            text.line("when", &when, at("when"), "default of forks");
            text.line("times", &Json::from(fork.times), at("times"), "default of forks");
        }
        self::stages(text, &format!("{path}.stage"), stages);
    }
}

fn stages(text: &mut Text, path: &str, of: &[StageSpec]) {
    for stage in of {
        text.header(&format!("[[{path}]]"), "");
        match stage {
            StageSpec::One(used, Written { origin, config }) => {
                text.header(&format!("[{path}.{}]", key(&used.name)), &place(origin));
                text.fields("", &used.config, Some(config), &default_of("stage", used));
            }
            StageSpec::Repeat { times, until, stages, written } => {
                let at = |key: &str| entry(written, key);
                text.header(&format!("[{path}.repeat]"), "");
                text.line("times", &Json::from(*times), at("times"), "");
                let until = serde_json::json!({
                    "weights_remaining": until.weights_remaining, "accuracy_drop": until.accuracy_drop,
                });
                text.fields("until", &until, at("until"), "");
                self::stages(text, &format!("{path}.repeat.stages"), stages);
            }
            StageSpec::Branch(branches) => {
                for branch in branches {
                    text.header(&format!("[[{path}.branch]]"), "");
                    self::stages(text, &format!("{path}.branch.stages"), branch);
                }
            }
        }
    }
}

/// What this file does not know of, as it was written.
fn others(text: &mut Text, root: &Node) {
    let none = Entries::new();
    let other = |(key, _): &(&String, &(Origin, Node))| !SAID.contains(&key.as_str());
    for (name, (_, node)) in root.table().unwrap_or(&none).iter().filter(other) {
        let tables: Vec<&Node> = match &node.value {
            Value::List(items) if items.is_empty() => continue,
            Value::List(items) if items.iter().all(|item| item.table().is_some()) => items.iter().collect(),
            _ => Vec::new(),
        };
        for table in &tables {
            text.header(&format!("[[{}]]", key(name)), "");
            text.fields("", &table.deserialize().unwrap_or_default(), Some(table), "");
        }
        if tables.is_empty() {
            text.header(&format!("[{}]", key(name)), "");
            text.fields("", &node.deserialize().unwrap_or_default(), Some(node), "");
        }
    }
}

fn default_of(kind: &str, used: &Use) -> String {
    format!("default of {kind} {}", used.name)
}

/// What a table has for a key.
fn entry<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    node.table()?.get(key).map(|(_, node)| node)
}

/// "experiments/quickstart/experiment.toml:12".
fn place(origin: &Origin) -> String {
    let before = origin.source.text.get(..origin.span.start).unwrap_or_default();
    match origin.source.name.starts_with("--set ") {
        true => origin.source.name.clone(),
        false => format!("{}:{}", origin.source.name, before.matches('\n').count() + 1),
    }
}

impl Text {
    /// A value, with where it was written, or what it is where it was not.
    fn line(&mut self, name: &str, json: &Json, written: Option<&Node>, default: &str) {
        let comment = written.map_or_else(|| default.to_string(), |node| place(&node.origin));
        self.push(format!("{name} = {}", value(&as_written(json))), comment);
    }

    /// The fields of a configuration as dotted keys, those of other plugins' within it too.
    fn fields(&mut self, prefix: &str, config: &Json, written: Option<&Node>, default: &str) {
        for (name, json) in config.as_object().into_iter().flatten().filter(|(_, json)| !json.is_null()) {
            let dotted = if prefix.is_empty() { key(name) } else { format!("{prefix}.{}", key(name)) };
            // A value that was not written as a table stands for all of its fields.
            let written = match written.map(|node| (node, node.table())) {
                Some((_, Some(entries))) => entries.get(name).map(|(_, node)| node),
                other => other.map(|(node, _)| node),
            };
            match (plugin(json), json.as_object()) {
                (Some(used), _) => self.plugin(&dotted, &used, written, default),
                (None, Some(table)) if !table.is_empty() => self.fields(&dotted, json, written, default),
                _ => self.line(&dotted, json, written, default),
            }
        }
    }

    fn plugin(&mut self, name: &str, used: &Use, written: Option<&Node>, default: &str) {
        let table = written.filter(|node| node.table().is_some());
        let named = table.and_then(|table| entry(table, "use"));
        self.line(&format!("{name}.use"), &Json::from(used.name.clone()), named.or(written), default);
        self.fields(name, &used.config, table, &format!("default of {}", used.name));
    }
}

/// A value with each plugin of a list as a table of its own: `[{ use = "crop", padding = 4 }]`.
fn as_written(json: &Json) -> Json {
    let Json::Array(items) = json else { return json.clone() };
    let item = |item: &Json| match plugin(item) {
        Some(used) => {
            let config = used.config.as_object().cloned().unwrap_or_default();
            let fields = config.into_iter().map(|(key, value)| (key, as_written(&value)));
            Json::Object(std::iter::once(("use".to_string(), Json::from(used.name))).chain(fields).collect())
        }
        None => as_written(item),
    };
    Json::Array(items.iter().map(item).collect())
}

/// A configuration within another, as the registry resolves references to plugins.
fn plugin(json: &Json) -> Option<Use> {
    let keys: Vec<&String> = json.as_object()?.keys().collect();
    (keys == ["use", "config", "version"]).then(|| serde_json::from_value(json.clone()).ok())?
}
