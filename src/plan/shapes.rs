//! A variant's model built, with its shapes; an error is at the layer, and the field, that is to blame.

use crate::layer::{Role, Shape, WeightKind};
use crate::model::{Misfit, Model, Param, Part, RateKind};
use crate::refusal::Refusal;
use crate::registry::Registry;
use crate::spec::node::{self, Error, Origin};
use crate::spec::{Diagnostics, Form, LayerSpec, ModelSpec, Variant};

/// Builds a variant's model and infers its shapes; an error points at the layer that does not fit.
pub fn model(variant: &Variant, registry: &Registry) -> Result<Model, Diagnostics> {
    let data = &variant.dataset;
    inferred(&variant.model, data.used_shape(), (data.used_classes(), &data.name), registry)
}

/// Builds a model for images of a shape, and of classes of a name, and infers its shapes.
pub fn inferred(
    spec: &ModelSpec,
    shape: [usize; 3],
    (classes, of): (usize, &str),
    registry: &Registry,
) -> Result<Model, Diagnostics> {
    let mut problems = Diagnostics::default();
    let parts = parts(&spec.layers, registry, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    let built = Model::infer(Shape::Image(shape), parts).map_err(|misfit| placed(misfit, spec));
    let fits = built.and_then(|model| match (model.output(), spec.layers.last()) {
        (Shape::Flat(units), _) if units == classes => Ok(model),
        (output, Some(last)) => {
            let message = format!("the last layer gives {output}, and {of} has {classes} classes");
            Err(used(Error::new(&last.origin, message), spec)
                .help("end the model with `linear = { units = \"{classes}\" }`"))
        }
        (_, None) => Ok(model),
    });
    fits.map_err(|error| {
        problems.push(error);
        problems
    })
}

/// Stands for a model that is wrong, so that what else is wrong is found at once.
pub fn any(variant: &Variant) -> Model {
    let role = Role::Weight { kind: WeightKind::Linear, fan_in: 1, fan_out: 1 };
    let weight = Param { name: String::new(), shape: vec![1 << 20], role, kind: Some(RateKind::Output) };
    Model { input: Shape::Image(variant.dataset.used_shape()), nodes: Vec::new(), params: vec![weight] }
}

/// The layers built, in the tree that they were written in.
fn parts(layers: &[LayerSpec], registry: &Registry, problems: &mut Diagnostics) -> Vec<Part> {
    let mut part = |layer: &LayerSpec| {
        let name = layer.name.clone();
        match &layer.form {
            Form::One(used) => match registry.layers.build(used) {
                Ok(built) => Some(Part::Layer { name, plugin: used.name.clone(), layer: built }),
                Err(message) => {
                    problems.push(Error::new(&layer.origin, message));
                    None
                }
            },
            Form::Residual { layers, shortcut } => {
                let body = parts(layers, registry, problems);
                Some(Part::Residual { name, body, shortcut: parts(shortcut, registry, problems) })
            }
        }
    };
    layers.iter().filter_map(&mut part).collect()
}

/// The error at the layer's place. Where that is written once for several layers, only the name says which.
fn placed(misfit: Misfit, model: &ModelSpec) -> Error {
    let Misfit { layer: name, refusal } = misfit;
    let refusal = Refusal { message: format!("`{name}`: {}", refusal.message), ..refusal };
    match model.walk().find(|layer| layer.name == name) {
        Some(layer) => used(refused(refusal, &layer.origin, &layer.written), model),
        None => Error::nowhere(refusal.to_string()),
    }
}

/// A plugin's refusal as an error at the field that is to blame, or at `origin`, where the plugin was named.
pub fn refused(refusal: Refusal, origin: &Origin, config: &node::Node) -> Error {
    let error = Error::new(blamed(&refusal.field, config).unwrap_or(origin), refusal.message);
    match refusal.help {
        Some(help) => error.help(help),
        None => error,
    }
}

/// Where the field was written, or the last one on the way to it that was.
fn blamed<'a>(field: &[&str], config: &'a node::Node) -> Option<&'a Origin> {
    let (first, rest) = field.split_first()?;
    match config.table() {
        Some(entries) => entries.get(*first).map(|(_, value)| blamed(rest, value).unwrap_or(&value.origin)),
        // Written as its only field.
        None => Some(&config.origin),
    }
}

/// An error in a shipped or local model says who uses it.
fn used(error: Error, model: &ModelSpec) -> Error {
    match (&model.used, &error.origin) {
        (Some(used), Some(origin)) if used.source != origin.source => error.context(used, "the model is used here"),
        _ => error,
    }
}
