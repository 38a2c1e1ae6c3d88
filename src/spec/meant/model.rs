//! What is trained: a model's layers and initialiser.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::registry::Use;
use crate::spec::{INIT, node, schema};

#[derive(Clone, Debug, PartialEq, JsonSchema)]
#[schemars(deny_unknown_fields, description = "a model")]
pub struct ModelSpec {
    /// What tables and figures call it.
    #[schemars(default)]
    pub name: String,
    /// A line for `list`.
    #[schemars(default)]
    pub summary: String,
    /// The paper and section.
    #[schemars(default)]
    pub source: String,
    /// From input to output.
    #[schemars(rename = "layer", schema_with = "schema::layers")]
    pub layers: Vec<LayerSpec>,
    /// The initialiser of weight tensors.
    #[schemars(default = "init_by_default", schema_with = "schema::init")]
    pub init: Use,
    /// The images that it is usually given; an experiment's data set says its own.
    pub usual: Option<Usual>,
    /// `None` where neither experiment nor model names one.
    #[schemars(skip)]
    pub init_written: Option<node::Node>,
    /// Where the experiment names it; `None` where it is written out there.
    #[schemars(skip)]
    pub used: Option<node::Origin>,
}

/// The images for which `show` counts what a model has and costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Usual {
    /// Channels, height, width.
    #[schemars(inner(range(min = 1)))]
    pub shape: [usize; 3],
    #[schemars(range(min = 1))]
    pub classes: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LayerSpec {
    /// As written, or the layer's kind and its number among its kind: "linear1". In a block, after the block's:
    /// "block2.conv1".
    pub name: String,
    pub form: Form,
    /// Where it was written, for errors about shapes.
    pub origin: node::Origin,
    /// Its configuration as it was written.
    pub written: node::Node,
}

/// What a layer is. Repetitions are written out.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    One(Use),
    /// y = layers(x) + shortcut(x); where the shortcut is empty, y = layers(x) + x.
    Residual {
        layers: Vec<LayerSpec>,
        shortcut: Vec<LayerSpec>,
    },
}

impl LayerSpec {
    /// The layer itself, after those that it is made of, in graph order.
    pub fn walk(&self) -> Vec<&LayerSpec> {
        let within = match &self.form {
            Form::One(_) => Vec::new(),
            Form::Residual { layers, shortcut } => layers.iter().chain(shortcut).flat_map(LayerSpec::walk).collect(),
        };
        within.into_iter().chain([self]).collect()
    }
}

impl ModelSpec {
    /// Every layer and block in graph order, each block after its layers.
    pub fn walk(&self) -> impl Iterator<Item = &LayerSpec> {
        self.layers.iter().flat_map(LayerSpec::walk)
    }
}

fn init_by_default() -> &'static str {
    INIT
}
