//! A resolved model: a tree of layers, with the parameters that they have. Plan, stages and graph share it.

mod cost;
mod paths;
mod shrunk;
#[cfg(test)]
pub mod testing;
mod tree;
mod unit_groups;

pub use paths::{Paths, Units};
pub use tree::{Misfit, Node, Part, Placed, Residual};
pub use unit_groups::UnitGroup;

use std::fmt;
use std::sync::Arc;

use crate::layer::{Layer, ParamSpec, Role, Shape, WeightKind};
use crate::record::LayerCount;
use crate::ticket::Ticket;

/// Layers and blocks in order, every shape inferred.
#[derive(Clone)]
pub struct Model {
    pub input: Shape,
    pub nodes: Vec<Node>,
    /// All parameters and buffers, in graph order: a ticket's arrays have these names, in this order.
    pub params: Vec<Param>,
}

/// A parameter or buffer with its full name: "fc1.weight".
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    pub name: String,
    pub shape: Vec<usize>,
    pub role: Role,
    /// Of a prunable weight, the kind that prune rates are given by.
    pub kind: Option<RateKind>,
}

/// What prune rates may differ by: `Output` is the last prunable layer in graph order and overrides its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateKind {
    Conv,
    Linear,
    Output,
}

impl fmt::Display for RateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RateKind::Conv => "conv",
            RateKind::Linear => "linear",
            RateKind::Output => "output",
        })
    }
}

impl Model {
    /// Infers every shape from the input's on.
    pub fn infer(input: Shape, parts: Vec<Part>) -> Result<Model, Misfit> {
        let mut params = Vec::new();
        let nodes = tree::place(parts, input, &mut params)?;
        if let Some(last) = params.iter_mut().rev().find(|p: &&mut Param| p.kind.is_some()) {
            last.kind = Some(RateKind::Output);
        }
        Ok(Model { input, nodes, params })
    }

    /// Replaces layers that have a prunable weight by what `with` makes of them: given the layer, the shape of its
    /// input, and the weight, which it may change too.
    pub fn replace(&mut self, with: &mut impl FnMut(&dyn Layer, Shape, &mut Param) -> Option<Arc<dyn Layer>>) {
        tree::replace(&mut self.nodes, self.input, &mut self.params.iter_mut(), with);
    }

    /// The shape that leaves the last layer.
    pub fn output(&self) -> Shape {
        tree::last(&self.nodes, self.input)
    }

    /// Every layer and block in graph order, each block after its layers.
    pub fn walk(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().flat_map(Node::walk)
    }

    /// The weights that masks are on, in graph order.
    pub fn prunable(&self) -> impl Iterator<Item = (&Param, RateKind)> {
        self.params.iter().filter_map(|p| Some((p, p.kind?)))
    }

    /// How many values training may move: all but buffers.
    pub fn parameters(&self) -> usize {
        self.params.iter().filter(|p| p.role.is_trained()).map(Param::len).sum()
    }

    /// Kept and prunable weights of a ticket of this model, tensor by tensor.
    pub fn counts(&self, ticket: &Ticket) -> Vec<LayerCount> {
        let count = |(param, kind): (&Param, RateKind)| LayerCount {
            name: param.name.clone(),
            kind: kind.to_string(),
            kept: ticket.masks.get(&param.name).map_or(param.len(), |mask| mask.kept()),
            prunable: param.len(),
        };
        self.prunable().map(count).collect()
    }
}

impl Param {
    fn of(layer: &str, spec: ParamSpec) -> Param {
        let kind = match spec.role {
            Role::Weight { kind: WeightKind::Conv, .. } => Some(RateKind::Conv),
            Role::Weight { kind: WeightKind::Linear, .. } => Some(RateKind::Linear),
            Role::Bias | Role::Scale | Role::Shift | Role::Buffer { .. } => None,
        };
        Param { name: format!("{layer}.{}", spec.name), shape: spec.shape, role: spec.role, kind }
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
