//! `[model]`: a shipped or local model with its parameters, or one written out, → layers and an initialiser.

use super::changes::LayerChanges;
use super::diagnostic::Diagnostics;
use super::fields::{Fields, without_use};
use super::layers;
use super::node::{Node, Origin};
use super::shipped::{Declared, Library};
use super::template::{Scope, check_names, check_used, parameters};
use super::{INIT, ModelSpec};
use crate::registry::{Kind, Registry};

pub struct Models<'a> {
    pub registry: &'a Registry,
    pub library: &'a Library<'a>,
    /// The data set's number of classes, which every model may refer to as `{classes}`.
    pub classes: Node,
}

/// What an experiment changes of the model that it uses.
#[derive(Default)]
struct Own<'a> {
    /// Where it is named.
    used: Option<&'a Origin>,
    /// Instead of the model's own.
    init: Option<&'a Node>,
    /// Fields of layers, by their names.
    layers: Option<&'a Node>,
}

impl Models<'_> {
    pub fn read(&self, node: &Node, diagnostics: &mut Diagnostics) -> Option<ModelSpec> {
        let mut fields = Fields::using(node, "[model]", diagnostics)?;
        let Some(used) = fields.node("use") else { return self.written_out(node, fields, diagnostics) };
        let (init, layers) = (fields.node("init"), fields.node("layer"));
        let (name, declared) = self.library.find(Declared::Model, used, diagnostics)?;
        diagnostics.used_by(&declared.origin.source, &used.origin, "the model is used here", |diagnostics| {
            let mut body = Fields::of(&declared, format!("the model `{name}`"), diagnostics)?;
            let declared_parameters = body.node("parameters");
            check_used(declared_parameters, &body.rest(), diagnostics);
            let parameters = parameters(declared_parameters, diagnostics);
            check_names(&parameters, declared_parameters, &["use", "init", "layer", "classes"], diagnostics);
            let scope = Scope::bind(&parameters, &fields.rest(), used, &["use", "init", "layer"], diagnostics);
            scope.reading(diagnostics, |scope, diagnostics| {
                self.body(name, body, Own { used: Some(&used.origin), init, layers }, scope, diagnostics)
            })
        })
    }

    fn written_out(&self, node: &Node, mut fields: Fields<'_>, diagnostics: &mut Diagnostics) -> Option<ModelSpec> {
        if !fields.has("layer") {
            diagnostics.push(without_use(node, "[model]", &["use", "layer"], "lenet-300-100"));
            return None;
        }
        let name = fields.read("name", diagnostics).unwrap_or_else(|| "custom".to_string());
        Scope::empty()
            .reading(diagnostics, |scope, diagnostics| self.body(name, fields, Own::default(), scope, diagnostics))
    }

    /// What a model file and a written-out model have in common.
    fn body(
        &self,
        name: String,
        mut fields: Fields<'_>,
        over: Own<'_>,
        scope: &Scope,
        diagnostics: &mut Diagnostics,
    ) -> Option<ModelSpec> {
        let scope = scope.with("classes", self.classes.clone());
        let changes = over.layers.and_then(|node| scope.fill(node, diagnostics));
        let changes = LayerChanges::of(changes.as_ref(), over.used, diagnostics);
        let summary = fields.read("summary", diagnostics).unwrap_or_default();
        let source = fields.read("source", diagnostics).unwrap_or_default();
        let own = fields.node("init").and_then(|node| scope.fill(node, diagnostics));
        let layers = fields.need_node("layer").and_then(|node| scope.fill(node, diagnostics));
        let layers = layers.map(|node| layers::read(&node, &changes, self.registry, diagnostics)).unwrap_or_default();
        let origin = fields.origin().clone();
        fields.finish(diagnostics);
        let default = Node { value: super::node::Value::String(INIT.to_string()), origin };
        let init_written = over.init.or(own.as_ref()).cloned();
        let init = self.registry.resolve(Kind::Init, init_written.as_ref().unwrap_or(&default), diagnostics)?;
        Some(ModelSpec { name, summary, source, layers, init, init_written, used: over.used.cloned() })
    }
}
