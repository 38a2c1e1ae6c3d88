//! The tree of layers and blocks, before and after their shapes are known.

use std::sync::Arc;

use super::Param;
use crate::layer::{Layer, ParamSpec, Shape};
use crate::refusal::Refusal;

/// A layer or a block in its place.
#[derive(Clone)]
pub enum Node {
    Layer(Placed),
    Residual(Residual),
}

/// A layer in its place.
#[derive(Clone)]
pub struct Placed {
    pub name: String,
    /// The layer plugin's name: "linear".
    pub plugin: String,
    pub layer: Arc<dyn Layer>,
    pub output: Shape,
    /// How many of `Model::params`, in order, are this layer's.
    pub params: usize,
}

/// y = body(x) + shortcut(x); an empty shortcut is x itself. The body's parameters come before the shortcut's.
#[derive(Clone)]
pub struct Residual {
    pub body: Vec<Node>,
    pub shortcut: Vec<Node>,
    pub output: Shape,
}

/// A layer or a block whose shapes are not known yet.
pub enum Part {
    Layer {
        name: String,
        /// The layer plugin's name.
        plugin: String,
        layer: Arc<dyn Layer>,
    },
    Residual {
        name: String,
        body: Vec<Part>,
        shortcut: Vec<Part>,
    },
}

/// A layer whose input does not fit, or a block whose shapes do not add up.
#[derive(Clone, Debug, PartialEq)]
pub struct Misfit {
    /// Its name.
    pub layer: String,
    pub refusal: Refusal,
}

impl Part {
    /// Infers a part's shapes and adds its parameters to those before it.
    fn place(self, input: Shape, params: &mut Vec<Param>) -> Result<Node, Misfit> {
        match self {
            Part::Layer { name, plugin, layer } => {
                let inferred = layer.infer(input);
                let misfit = |refusal| Misfit { layer: name.clone(), refusal };
                let (output, specs) = inferred.map_err(misfit)?;
                within_reach(output, &specs, params).map_err(misfit)?;
                let own = specs.len();
                params.extend(specs.into_iter().map(|spec| Param::of(&name, spec)));
                Ok(Node::Layer(Placed { name, plugin, layer, output, params: own }))
            }
            Part::Residual { name, body, shortcut } => {
                let body = place(body, input, params)?;
                let shortcut = place(shortcut, input, params)?;
                let output = last(&body, input);
                match (output == last(&shortcut, input), shortcut.is_empty()) {
                    (true, _) => Ok(Node::Residual(Residual { body, shortcut, output })),
                    (false, is_identity) => {
                        let refusal = sum_misfit(output, last(&shortcut, input), is_identity);
                        Err(Misfit { layer: name, refusal })
                    }
                }
            }
        }
    }
}

/// More values than any machine that this runs on holds, in a model or between two layers of it: sums and products of
/// sizes stay within their types.
const LARGEST: u128 = 1 << 36;

fn within_reach(output: Shape, specs: &[ParamSpec], before: &[Param]) -> Result<(), Refusal> {
    let values = |shape: &[usize]| shape.iter().map(|length| *length as u128).product::<u128>();
    let own: u128 = specs.iter().map(|spec| values(&spec.shape)).sum();
    let all = own + before.iter().map(|param| param.len() as u128).sum::<u128>();
    if all > LARGEST {
        let message = format!("with this layer the model has {all} parameters, and {LARGEST} are too many");
        return Err(Refusal::new(message).help("make it smaller"));
    }
    match values(&output.dims()) {
        flowing if flowing > LARGEST => {
            let message = format!("{output} are {flowing} values, and {LARGEST} are too many");
            Err(Refusal::new(message).help("make it smaller"))
        }
        _ => Ok(()),
    }
}

pub(super) fn place(parts: Vec<Part>, input: Shape, params: &mut Vec<Param>) -> Result<Vec<Node>, Misfit> {
    let mut nodes: Vec<Node> = Vec::with_capacity(parts.len());
    for part in parts {
        let input = last(&nodes, input);
        nodes.push(part.place(input, params)?);
    }
    Ok(nodes)
}

/// The shape that leaves the last of the nodes, the input's where there are none.
pub(super) fn last(nodes: &[Node], input: Shape) -> Shape {
    nodes.last().map_or(input, Node::output)
}

/// As `Model::replace`; `params` are those from the nodes' first on.
pub(super) fn replace(
    nodes: &mut [Node],
    mut input: Shape,
    params: &mut std::slice::IterMut<'_, Param>,
    with: &mut impl FnMut(&dyn Layer, Shape, &mut Param) -> Option<Arc<dyn Layer>>,
) {
    for node in nodes {
        match node {
            Node::Layer(placed) => {
                let weight = params.by_ref().take(placed.params).fold(None, |weight, param| match param.kind {
                    Some(_) => Some(param),
                    None => weight,
                });
                if let Some(other) = weight.and_then(|weight| with(&*placed.layer, input, weight)) {
                    placed.layer = other;
                }
            }
            Node::Residual(block) => {
                replace(&mut block.body, input, params, with);
                replace(&mut block.shortcut, input, params, with);
            }
        }
        input = node.output();
    }
}

fn sum_misfit(body: Shape, shortcut: Shape, is_identity: bool) -> Refusal {
    match is_identity {
        true => Refusal::new(format!("the block's layers give {body}, and its input is {shortcut}")).help(
            "only equal shapes can be added: give it a `shortcut` that makes one the other, as a `conv` of kernel 1",
        ),
        false => Refusal::new(format!("the block's layers give {body}, and its shortcut {shortcut}"))
            .help("only equal shapes can be added"),
    }
}

impl Node {
    pub fn output(&self) -> Shape {
        match self {
            Node::Layer(placed) => placed.output,
            Node::Residual(block) => block.output,
        }
    }

    /// How many of `Model::params` are its own, and not those of layers in it.
    pub fn own_params(&self) -> usize {
        match self {
            Node::Layer(placed) => placed.params,
            Node::Residual(_) => 0,
        }
    }

    pub(super) fn walk(&self) -> Vec<&Node> {
        let within = match self {
            Node::Layer(_) => Vec::new(),
            Node::Residual(block) => block.body.iter().chain(&block.shortcut).flat_map(Node::walk).collect(),
        };
        within.into_iter().chain([self]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Model, RateKind};
    use super::*;
    use crate::layer::{Conv, GlobalAveragePool, Linear};

    fn conv(name: &str, config: &str) -> Part {
        let conv: Conv = serde_json::from_str(config).unwrap();
        Part::Layer { name: name.into(), plugin: "conv".into(), layer: Arc::new(conv) }
    }

    fn block(body: Vec<Part>, shortcut: Vec<Part>) -> Result<Model, Misfit> {
        let linear = Linear { units: 10, width: 1.0, bias: true };
        let parts = vec![
            Part::Residual { name: "block".into(), body, shortcut },
            Part::Layer { name: "pool".into(), plugin: String::new(), layer: Arc::new(GlobalAveragePool {}) },
            Part::Layer { name: "out".into(), plugin: String::new(), layer: Arc::new(linear) },
        ];
        Model::infer(Shape::Image([4, 8, 8]), parts)
    }

    #[test]
    fn parameters_are_in_graph_order_a_body_before_its_shortcut() {
        let half = r#"{ "channels": 6, "stride": 2, "bias": false }"#;
        let model = block(vec![conv("block.a", half)], vec![conv("block.shortcut.a", half)])
            .unwrap_or_else(|e| panic!("{e:?}"));
        let names: Vec<&str> = model.params.iter().map(|param| param.name.as_str()).collect();
        assert_eq!(names, ["block.a.weight", "block.shortcut.a.weight", "out.weight", "out.bias"]);
        let kinds: Vec<RateKind> = model.prunable().map(|(_, kind)| kind).collect();
        assert_eq!(kinds, [RateKind::Conv, RateKind::Conv, RateKind::Output]);
        let outputs: Vec<Shape> = model.walk().map(Node::output).collect();
        let (image, flat) = (Shape::Image([6, 4, 4]), Shape::Flat);
        assert_eq!(outputs, [image, image, image, flat(6), flat(10)]);
        assert_eq!(model.parameters(), 2 * 6 * 4 * 9 + 6 * 10 + 10);
    }

    #[test]
    fn a_block_adds_equal_shapes_only() {
        let wider = || vec![conv("a", r#"{ "channels": 5 }"#)];
        let misfit = |shortcut| block(wider(), shortcut).err().unwrap();
        let identity = misfit(Vec::new());
        assert_eq!(identity.layer, "block");
        assert!(identity.refusal.message.contains("5×8×8, and its input is an image of 4×8×8"), "{identity:?}");
        let shortcut = misfit(vec![conv("b", r#"{ "channels": 5, "stride": 2 }"#)]);
        assert!(shortcut.refusal.message.contains("its shortcut an image of 5×4×4"), "{shortcut:?}");
    }
}
