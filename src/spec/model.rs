//! `[model]`: a shipped or local model with its parameters, or one written out, → layers and an initialiser.

use indexmap::IndexMap;

use super::diagnostic::Diagnostics;
use super::fields::{Fields, list, single};
use super::node::{Entries, Error, Node};
use super::shipped::{Declared, Library};
use super::template::{Scope, parameters};
use super::{LayerSpec, ModelSpec, is_name};
use crate::registry::{Kind, Registry};

/// The initialiser where neither experiment nor model names one.
const INIT: &str = "kaiming-normal";

pub struct Models<'a> {
    pub registry: &'a Registry,
    pub library: &'a Library<'a>,
    /// The data set's number of classes, which every model may refer to as `{classes}`.
    pub classes: Node,
}

impl Models<'_> {
    pub fn read(&self, node: &Node, diagnostics: &mut Diagnostics) -> Option<ModelSpec> {
        let mut fields = Fields::of(node, "[model]", diagnostics)?;
        let Some(used) = fields.node("use") else { return self.written_out(fields, diagnostics) };
        let init = fields.node("init");
        let (name, declared) = self.library.find(Declared::Model, used, diagnostics)?;
        diagnostics.used_by(&declared.origin.source, &used.origin, "the model is used here", |diagnostics| {
            let mut body = Fields::of(&declared, format!("the model `{name}`"), diagnostics)?;
            let parameters = parameters(body.node("parameters"), diagnostics);
            let scope = Scope::bind(&parameters, &fields.rest(), used, &["use", "init"], diagnostics);
            scope.reading(diagnostics, |scope, diagnostics| self.body(name, body, init, scope, diagnostics))
        })
    }

    fn written_out(&self, mut fields: Fields<'_>, diagnostics: &mut Diagnostics) -> Option<ModelSpec> {
        if !fields.has("layer") {
            fields.need_node("use");
            fields.finish(diagnostics);
            return None;
        }
        let name = fields.read("name", diagnostics).unwrap_or_else(|| "custom".to_string());
        Scope::empty().reading(diagnostics, |scope, diagnostics| self.body(name, fields, None, scope, diagnostics))
    }

    /// What a model file and a written-out model have in common. `init` overrides the model's own.
    fn body(
        &self,
        name: String,
        mut fields: Fields<'_>,
        init: Option<&Node>,
        scope: &Scope,
        diagnostics: &mut Diagnostics,
    ) -> Option<ModelSpec> {
        let scope = scope.with("classes", self.classes.clone());
        let summary = fields.read("summary", diagnostics).unwrap_or_default();
        let source = fields.read("source", diagnostics).unwrap_or_default();
        let own = fields.node("init").and_then(|node| scope.fill(node, diagnostics));
        let layers = fields.need_node("layer");
        let layers = layers.map(|node| self.layers(node, &scope, diagnostics)).unwrap_or_default();
        let origin = fields.origin().clone();
        fields.finish(diagnostics);
        let default = Node { value: super::node::Value::String(INIT.to_string()), origin };
        let init = self.registry.resolve(Kind::Init, init.or(own.as_ref()).unwrap_or(&default), diagnostics)?;
        Some(ModelSpec { name, summary, source, layers, init })
    }

    fn layers(&self, node: &Node, scope: &Scope, diagnostics: &mut Diagnostics) -> Vec<LayerSpec> {
        let items = list(node, "`layer`", diagnostics);
        if items.is_empty() {
            diagnostics.push(Error::at(node, "a model needs at least one layer"));
        }
        let mut layers: Vec<LayerSpec> = Vec::new();
        let mut numbers = IndexMap::new();
        for item in items.iter().filter_map(|item| scope.fill(item, diagnostics)).collect::<Vec<_>>() {
            let Some(layer) = self.layer(&item, &mut numbers, diagnostics) else { continue };
            if let Some(other) = layers.iter().find(|other| other.name == layer.name) {
                let mut error = Error::new(&layer.origin, format!("two layers are named `{}`", layer.name));
                error.context.push((other.origin.clone(), "the other is here".to_string()));
                diagnostics.push(error);
            }
            layers.push(layer);
        }
        layers
    }

    fn layer(
        &self,
        node: &Node,
        numbers: &mut IndexMap<String, u32>,
        diagnostics: &mut Diagnostics,
    ) -> Option<LayerSpec> {
        let (kind, origin, config) = single(node, &["name"], "a [[layer]]", diagnostics)?;
        let number = numbers.entry(kind.to_string()).and_modify(|n| *n += 1).or_insert(1);
        let name = match node.table().and_then(|entries: &Entries| entries.get("name")) {
            None => format!("{kind}{number}"),
            Some((_, name)) => match name.string().filter(|text| is_name(text)) {
                Some(text) => text.to_string(),
                None => {
                    diagnostics.push(Error::at(name, "a layer's name is of letters, digits, `-` and `_`"));
                    return None;
                }
            },
        };
        let layer = self.registry.configure(Kind::Layer, kind, origin, config, diagnostics)?;
        Some(LayerSpec { name, layer, origin: origin.clone() })
    }
}
