//! For tests: models in a line.

use std::sync::Arc;

use super::{Model, Part};
use crate::layer::{Conv, Layer, Linear, Shape};

pub fn part(name: &str, layer: impl Layer + 'static) -> Part {
    Part::Layer { name: name.into(), plugin: name.into(), layer: Arc::new(layer) }
}

/// Of kernel 3.
pub fn conv(name: &str, channels: usize) -> Part {
    part(name, serde_json::from_value::<Conv>(serde_json::json!({ "channels": channels })).unwrap())
}

pub fn linear(name: &str, units: usize) -> Part {
    part(name, Linear { units, width: 1.0, bias: true })
}

pub fn block(name: &str, body: Vec<Part>, shortcut: Vec<Part>) -> Part {
    Part::Residual { name: name.into(), body, shortcut }
}

pub fn model(image: [usize; 3], parts: Vec<Part>) -> Model {
    Model::infer(Shape::Image(image), parts).unwrap_or_else(|misfit| panic!("{misfit:?}"))
}
