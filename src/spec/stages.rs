//! `[[stage]]`: stages, repetitions and branches → what is done to a ticket, in order.

use std::collections::HashSet;

use super::diagnostic::Diagnostics;
use super::fields::{Fields, list, single};
use super::node::{Error, Node, Origin, Value};
use super::pipeline::Pipelines;
use super::schema::{compounds, of};
use super::template::Scope;
use super::{StageSpec, Stop, TIMES, Written};
use crate::nearest::did_you_mean;
use crate::registry::{Kind, Use};
use crate::units::Rate;

impl Pipelines<'_> {
    pub fn stages(&self, node: &Node, scope: &Scope, diagnostics: &mut Diagnostics) -> Vec<StageSpec> {
        let items = list(node, "the stages", diagnostics);
        if items.is_empty() && matches!(node.value, Value::List(_)) {
            diagnostics.push(Error::at(node, "there must be at least one stage").help("for example `{ train = {} }`"));
        }
        items.iter().filter_map(|item| self.stage(item, scope, diagnostics)).collect()
    }

    /// `None` where there was an error, or the stage was an option that was left out.
    fn stage(&self, node: &Node, scope: &Scope, diagnostics: &mut Diagnostics) -> Option<StageSpec> {
        let (name, key, config) = single(node, &[], "a stage", diagnostics)?;
        match name {
            "repeat" => self.repeat(key, config, scope, diagnostics),
            "foreach" => self.foreach(key, config, scope, diagnostics),
            "branch" => self.branches(config, scope, diagnostics),
            _ => self.plugin(name, key, config, scope, diagnostics),
        }
    }

    fn plugin(
        &self,
        name: &str,
        key: &Origin,
        config: &Node,
        scope: &Scope,
        diagnostics: &mut Diagnostics,
    ) -> Option<StageSpec> {
        match self.registry.about(Kind::Stage, name) {
            None => {
                let plugins = self.registry.abouts(Kind::Stage).into_iter().map(|about| about.name);
                let help = did_you_mean(name, "stages", plugins.chain(compounds(Kind::Stage).map(|of| of.name)));
                diagnostics.push(Error::new(key, format!("no stage is named {name:?}")).hint(help));
                None
            }
            Some(about) => {
                let mut config = scope.fill(config, diagnostics)?;
                if about.trains() {
                    self.training.complete(about, self.registry, &mut config);
                }
                self.changes.change(name, key, &mut config, diagnostics);
                let used = match about.trains() {
                    true => self.training.read((name, key), &config, self.user, self.registry, diagnostics),
                    false => self.registry.configure(Kind::Stage, name, key, &config, diagnostics),
                };
                let used = self.initialised(used?, &mut config);
                Some(StageSpec::One(used, Written { origin: key.clone(), config }))
            }
        }
    }

    /// A stage that draws weights and names no initialiser takes the model's.
    fn initialised(&self, mut used: Use, written: &mut Node) -> Use {
        let about = self.registry.about(Kind::Stage, &used.name);
        let draws = about.is_some_and(|about| about.references.contains(&("init", Kind::Init)));
        let (Some(model), Some(config), true) = (self.model, used.config.as_object_mut(), draws) else { return used };
        if let (serde_json::map::Entry::Vacant(place), Value::Table(entries)) =
            (config.entry("init"), &mut written.value)
        {
            place.insert(serde_json::json!(model.init));
            entries.extend(model.init_written.iter().map(|node| ("init".into(), (node.origin.clone(), node.clone()))));
        }
        used
    }

    fn repeat(&self, key: &Origin, node: &Node, scope: &Scope, diagnostics: &mut Diagnostics) -> Option<StageSpec> {
        // The stages are filled in one by one: a `foreach` among them has a placeholder of its own.
        let stages = Fields::of(node, "`repeat`", diagnostics)?.node("stages");
        let stages = stages.map(|node| self.stages(node, scope, diagnostics));
        let mut filled = scope.fill(&without(node, "stages"), diagnostics)?;
        self.changes.change("repeat", key, &mut filled, diagnostics);
        if let (Value::Table(filled), Some(entries)) = (&mut filled.value, node.table()) {
            filled.extend(entries.get_key_value("stages").map(|(key, entry)| (key.clone(), entry.clone())));
        }
        let written = without(&filled, "stages");
        let mut fields = Fields::of(&filled, "`repeat`", diagnostics)?;
        fields.need_node("stages");
        let rule = format!("from 1 to {TIMES}");
        fields.need_node("times");
        let times = fields.read_if("times", &rule, |times| (1..=TIMES).contains(times), diagnostics);
        let until = fields.node("until").and_then(|node| stop(node, diagnostics)).unwrap_or_default();
        fields.finish(diagnostics);
        Some(StageSpec::Repeat { times: times?, until, stages: stages?, written })
    }

    /// Branches written out, all from the same ticket: `branch = [{ stages = […] }, …]`.
    fn branches(&self, node: &Node, scope: &Scope, diagnostics: &mut Diagnostics) -> Option<StageSpec> {
        let items = list(node, "`branch`", diagnostics);
        if items.is_empty() {
            let error = Error::at(node, "`branch` needs at least one branch");
            diagnostics.push(error.help("a branch is a table: `{ stages = [{ train = {} }] }`"));
            return None;
        }
        let branch = |item: &Node| {
            let mut fields = Fields::of(item, "a branch", diagnostics)?;
            let stages = fields.need_node("stages");
            let stages = stages.map(|node| self.stages(node, scope, diagnostics));
            fields.finish(diagnostics);
            stages
        };
        Some(StageSpec::Branch(items.iter().filter_map(branch).collect()))
    }

    /// One branch for each value of a list, all from the same ticket.
    fn foreach(&self, key: &Origin, node: &Node, scope: &Scope, diagnostics: &mut Diagnostics) -> Option<StageSpec> {
        let mut node = node.clone();
        self.changes.change("foreach", key, &mut node, diagnostics);
        let mut fields = Fields::of(&node, "`foreach`", diagnostics)?;
        let name = fields.need::<String>("value", diagnostics);
        let values = fields.need_node("in").and_then(|node| scope.fill(node, diagnostics));
        let stages = fields.need_node("stages");
        fields.finish(diagnostics);
        let (name, values, stages) = (name?, values?, stages?);
        let origin = values.origin.clone();
        let values = match &values.value {
            Value::List(items) => items.as_slice(),
            _ => std::slice::from_ref(&values),
        };
        if values.is_empty() {
            let error = Error::new(&origin, "the list is empty, and so nothing would be run");
            diagnostics.push(error.help("give it a value for each branch"));
        }
        let mut seen = HashSet::new();
        for value in values {
            if !seen.insert(plain(value).to_string()) {
                let error = Error::at(value, format!("{} is in the list twice", value.origin.text()));
                diagnostics.push(error.help("leave it out: nothing runs twice"));
            }
        }
        let branch = |value: &Node| self.stages(stages, &scope.with(&name, value.clone()), diagnostics);
        Some(StageSpec::Branch(values.iter().map(branch).collect()))
    }
}

/// What a value is, wherever it was written.
fn plain(node: &Node) -> serde_json::Value {
    node.deserialize().unwrap_or_default()
}

/// A table without one of its keys.
fn without(node: &Node, key: &str) -> Node {
    let mut node = node.clone();
    if let Value::Table(entries) = &mut node.value {
        entries.shift_remove(key);
    }
    node
}

fn stop(node: &Node, diagnostics: &mut Diagnostics) -> Option<Stop> {
    let mut fields = Fields::of(node, "a stop rule", diagnostics)?.documented(of::<Stop>);
    let weights_remaining = fields.read::<Rate>("weights_remaining", diagnostics);
    let points = |drop: &f64| (0.0..=1.0).contains(drop);
    let accuracy_drop = fields.read_if("accuracy_drop", "from 0 to 1: 0.02 is two points", points, diagnostics);
    if !["weights_remaining", "accuracy_drop"].iter().any(|key| fields.has(key)) && fields.rest().is_empty() {
        let error = Error::at(node, "a stop rule that says nothing stops nothing").absent("a rule");
        diagnostics.push(error.help("give `weights_remaining`, `accuracy_drop`, or both"));
    }
    fields.finish(diagnostics);
    Some(Stop { weights_remaining, accuracy_drop })
}
