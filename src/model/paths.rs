//! Which kept weights lie on a path of kept weights from input to output, and which units are dead.
//!
//! A unit is a channel of an image, or a feature. Layers without weights pass units on, one by one, or, as `flatten`
//! does, each as several in a row. Where a residual block's branches are added, a unit is reached by either. Biases are
//! left aside: a unit that only its bias feeds is on no path.

use super::{Model, Node, Placed};
use crate::layer::{Role, Shape};
use crate::mask::Mask;
use crate::ticket::Ticket;

/// What a ticket's masks leave of its network (Vysogorets & Kempe 2023, §3).
#[derive(Clone, Debug, PartialEq)]
pub struct Paths {
    /// Of each prunable tensor, in graph order, the kept weights on a path of kept weights from input to output.
    pub effective: Vec<Mask>,
    /// Of each prunable tensor, what became of the units that it leads to.
    pub units: Vec<Units>,
}

/// Units that a layer's weights lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Units {
    pub all: usize,
    /// Those to which no kept weight leads, or from which none does.
    pub dead: usize,
    /// Those on no path from input to output: dead ones, and those that only dead ones feed or follow.
    pub cut_off: usize,
}

impl Model {
    /// Follows a ticket's kept weights. Tensors without a mask are kept whole.
    pub fn paths(&self, ticket: &Ticket) -> Paths {
        let edges: Vec<Edges> =
            self.prunable().map(|(param, _)| Edges::of(&param.shape, ticket.masks.get(&param.name))).collect();
        let flow = |whole: bool| {
            let mut ahead = Flow { edges: &edges, next: 0, whole, seen: Vec::new() };
            ahead.forward(&self.nodes, self.input, vec![true; units(self.input)]);
            let mut back = Flow { edges: &edges, next: edges.len(), whole, seen: Vec::new() };
            back.backward(&self.nodes, self.input, vec![true; units(self.output())]);
            back.seen.reverse();
            (ahead.seen, back.seen)
        };
        // Whole: as if all units before and behind a layer's neighbours were there.
        let ((reached, needed), (fed, followed)) = (flow(false), flow(true));
        let at = |tensor: usize| {
            let edges = &edges[tensor];
            let on_path = |edge| {
                let (from, to) = edges.ends(edge);
                reached[tensor].before[from] && needed[tensor].behind[to]
            };
            let count = |ahead: &Seen, back: &Seen| {
                (0..edges.outputs).filter(|unit| !(ahead.behind[*unit] && back.behind[*unit])).count()
            };
            let units = Units {
                all: edges.outputs,
                dead: count(&fed[tensor], &followed[tensor]),
                cut_off: count(&reached[tensor], &needed[tensor]),
            };
            (Mask::from_fn(edges.len, |edge| edges.keeps(edge) && on_path(edge)), units)
        };
        let (effective, units) = (0..edges.len()).map(at).unzip();
        Paths { effective, units }
    }
}

/// How many units flow in this shape.
fn units(shape: Shape) -> usize {
    shape.dims()[0]
}

fn has_weight(placed: &Placed, input: Shape) -> bool {
    let specs = placed.layer.infer(input).map_or(Vec::new(), |(_, specs)| specs);
    specs.iter().any(|spec| matches!(spec.role, Role::Weight { .. }))
}

/// A weight tensor as edges between units: `[inputs, units]`, or `[channels, inputs, kernel, kernel]`.
struct Edges<'a> {
    inputs: usize,
    outputs: usize,
    /// Edges between the same two units.
    area: usize,
    conv: bool,
    len: usize,
    mask: Option<&'a Mask>,
}

impl<'a> Edges<'a> {
    fn of(shape: &[usize], mask: Option<&'a Mask>) -> Edges<'a> {
        let len: usize = shape.iter().product();
        match *shape {
            [outputs, inputs, height, width] => Edges { inputs, outputs, area: height * width, conv: true, len, mask },
            [inputs, outputs] => Edges { inputs, outputs, area: 1, conv: false, len, mask },
            // No layer that ships has another: what it leads to is not known, and nothing is dead.
            _ => Edges { inputs: 1, outputs: 1, area: len.max(1), conv: true, len, mask },
        }
    }

    fn keeps(&self, edge: usize) -> bool {
        self.mask.is_none_or(|mask| mask.keeps(edge))
    }

    /// The units that an edge leads from and to.
    fn ends(&self, edge: usize) -> (usize, usize) {
        let pair = edge / self.area;
        match self.conv {
            true => (pair % self.inputs, pair / self.inputs),
            false => (pair / self.outputs, pair % self.outputs),
        }
    }

    fn kept(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        (0..self.len).filter(|edge| self.keeps(*edge)).map(|edge| self.ends(edge))
    }
}

/// The units before and behind a tensor that a sweep has reached.
struct Seen {
    before: Vec<bool>,
    behind: Vec<bool>,
}

/// A sweep through the network: forward over the tensors from 0 on, or backward from the last.
struct Flow<'e, 'm> {
    edges: &'e [Edges<'m>],
    next: usize,
    /// Whether each tensor is looked at as if all units on its other side were reached.
    whole: bool,
    /// Of each tensor, in the order of the sweep.
    seen: Vec<Seen>,
}

impl Flow<'_, '_> {
    fn forward(&mut self, nodes: &[Node], mut input: Shape, mut reached: Vec<bool>) -> Vec<bool> {
        for node in nodes {
            reached = match node {
                Node::Layer(placed) if has_weight(placed, input) => {
                    let edges = &self.edges[self.next];
                    self.next += 1;
                    let mut behind = vec![false; edges.outputs];
                    let kept = edges.kept().filter(|(from, _)| self.whole || reached[*from]);
                    kept.for_each(|(_, to)| behind[to] = true);
                    self.seen.push(Seen { before: reached, behind: behind.clone() });
                    behind
                }
                Node::Layer(placed) => spread(&reached, units(placed.output)),
                Node::Residual(block) => {
                    let body = self.forward(&block.body, input, reached.clone());
                    either(&body, &self.forward(&block.shortcut, input, reached))
                }
            };
            input = node.output();
        }
        reached
    }

    fn backward(&mut self, nodes: &[Node], input: Shape, mut needed: Vec<bool>) -> Vec<bool> {
        for (at, node) in nodes.iter().enumerate().rev() {
            let input = if at == 0 { input } else { nodes[at - 1].output() };
            needed = match node {
                Node::Layer(placed) if has_weight(placed, input) => {
                    self.next -= 1;
                    let edges = &self.edges[self.next];
                    let mut before = vec![false; edges.inputs];
                    let kept = edges.kept().filter(|(_, to)| self.whole || needed[*to]);
                    kept.for_each(|(from, _)| before[from] = true);
                    self.seen.push(Seen { before: before.clone(), behind: needed });
                    before
                }
                Node::Layer(_) => gathered(&needed, units(input)),
                Node::Residual(block) => {
                    // The shortcut's tensors come last.
                    let shortcut = self.backward(&block.shortcut, input, needed.clone());
                    either(&shortcut, &self.backward(&block.body, input, needed))
                }
            };
        }
        needed
    }
}

fn either(one: &[bool], other: &[bool]) -> Vec<bool> {
    one.iter().zip(other).map(|(a, b)| *a || *b).collect()
}

/// Each unit as several in a row, so that they are `n`.
fn spread(units: &[bool], n: usize) -> Vec<bool> {
    let each = (n / units.len().max(1)).max(1);
    (0..n).map(|unit| units[(unit / each).min(units.len() - 1)]).collect()
}

/// The way back: a unit is needed where one of those that it became is.
fn gathered(units: &[bool], n: usize) -> Vec<bool> {
    let each = (units.len() / n.max(1)).max(1);
    (0..n)
        .map(|unit| units[(unit * each).min(units.len())..((unit + 1) * each).min(units.len())].contains(&true))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::super::Part;
    use super::*;
    use crate::layer::{Conv, Flatten, Linear, Relu};

    fn linear(name: &str, units: usize) -> Part {
        let layer = Linear { units, width: 1.0, bias: false };
        Part::Layer { name: name.into(), plugin: "linear".into(), layer: Arc::new(layer) }
    }

    fn conv(name: &str, channels: usize) -> Part {
        let layer: Conv = serde_json::from_value(serde_json::json!({ "channels": channels })).unwrap();
        Part::Layer { name: name.into(), plugin: "conv".into(), layer: Arc::new(layer) }
    }

    fn flatten() -> Part {
        Part::Layer { name: "flatten".into(), plugin: "flatten".into(), layer: Arc::new(Flatten {}) }
    }

    fn model(input: Shape, parts: Vec<Part>) -> Model {
        Model::infer(input, parts).unwrap_or_else(|misfit| panic!("{misfit:?}"))
    }

    /// A ticket that keeps these weights of each prunable tensor.
    fn ticket(model: &Model, kept: &[&[usize]]) -> Ticket {
        let mask = |((param, _), kept): ((&super::super::Param, _), &&[usize])| {
            (param.name.clone(), Mask::from_fn(param.len(), |weight| kept.contains(&weight)))
        };
        Ticket { masks: model.prunable().zip(kept).map(mask).collect(), ..Ticket::default() }
    }

    fn effective(paths: &Paths) -> Vec<Vec<usize>> {
        paths.effective.iter().map(|mask| mask.indices().collect()).collect()
    }

    #[test]
    fn a_network_of_2_3_2_units_worked_by_hand() {
        // Weights 0 to 5 lead from inputs 0 and 1 to hidden units 0, 1, 2; then 0 to 5 from these to outputs 0 and 1.
        let relu = Part::Layer { name: "relu".into(), plugin: "relu".into(), layer: Arc::new(Relu {}) };
        let model = model(Shape::Flat(2), vec![linear("a", 3), relu, linear("b", 2)]);
        // Input 0 → hidden 0 and 1; hidden 0 → output 1; hidden 2 → output 0. Nothing leads on from hidden 1, nothing
        // to hidden 2.
        let paths = model.paths(&ticket(&model, &[&[0, 1], &[1, 4]]));
        assert_eq!(effective(&paths), [vec![0], vec![1]]);
        assert_eq!(paths.units[0], Units { all: 3, dead: 2, cut_off: 2 });
        // Output 0 is fed by a unit that is dead: itself it is not.
        assert_eq!(paths.units[1], Units { all: 2, dead: 0, cut_off: 1 });
        let whole = model.paths(&Ticket::default());
        assert_eq!(effective(&whole), [vec![0, 1, 2, 3, 4, 5], vec![0, 1, 2, 3, 4, 5]]);
        assert!(whole.units.iter().all(|units| units.dead + units.cut_off == 0));
    }

    #[test]
    fn a_channel_becomes_several_features_and_one_that_is_needed_keeps_it() {
        // One channel to two of 2 × 2, flattened to eight features, to one output.
        let parts = vec![conv("c", 2), flatten(), linear("out", 1)];
        let model = model(Shape::Image([1, 2, 2]), parts);
        // The first channel's last feature is used, and none of the second's.
        let paths = model.paths(&ticket(&model, &[&[4, 13], &[3]]));
        assert_eq!(effective(&paths), [vec![4], vec![3]]);
        assert_eq!(paths.units[0], Units { all: 2, dead: 1, cut_off: 1 });
    }

    #[test]
    fn what_a_shortcut_feeds_is_reached_without_the_body() {
        let block = Part::Residual { name: "block".into(), body: vec![linear("body", 2)], shortcut: Vec::new() };
        let model = model(Shape::Flat(2), vec![linear("a", 2), block, linear("out", 1)]);
        // Only input 0 → unit 0, through the shortcut to the output; the body leads from unit 0 to unit 1, which the
        // output does not take.
        let paths = model.paths(&ticket(&model, &[&[0], &[1], &[0]]));
        assert_eq!(effective(&paths), [vec![0], vec![], vec![0]]);
        assert_eq!(paths.units.iter().map(|units| units.dead).collect::<Vec<_>>(), [1, 2, 0]);
    }

    /// The output of a network of linear layers without biases, on an input of ones, in whole numbers.
    fn output(sizes: &[usize], masks: &[Mask], weights: &dyn Fn(usize, usize) -> i64) -> Vec<i64> {
        let mut x = vec![1; sizes[0]];
        for (layer, mask) in masks.iter().enumerate() {
            let (inputs, outputs) = (sizes[layer], sizes[layer + 1]);
            let weight = |edge: usize| if mask.keeps(edge) { weights(layer, edge) } else { 0 };
            x = (0..outputs).map(|to| (0..inputs).map(|from| x[from] * weight(from * outputs + to)).sum()).collect();
        }
        x
    }

    proptest! {
        #[test]
        fn effective_weights_are_kept_and_the_others_change_no_output(
            bits in prop::collection::vec(any::<bool>(), 3 * 4 + 4 * 4 + 4 * 2),
            values in prop::collection::vec(-9i64..10, 3 * 4 + 4 * 4 + 4 * 2),
        ) {
            let sizes = [3, 4, 4, 2];
            let model = model(Shape::Flat(3), vec![linear("a", 4), linear("b", 4), linear("c", 2)]);
            let starts = [0, 12, 28];
            let mut ticket = Ticket::default();
            for ((param, _), start) in model.prunable().zip(starts) {
                ticket.masks.insert(param.name.clone(), Mask::from_fn(param.len(), |weight| bits[start + weight]));
            }
            let paths = model.paths(&ticket);
            let masks: Vec<Mask> = ticket.masks.values().cloned().collect();
            prop_assert!(paths.effective.iter().zip(&masks).all(|(effective, kept)| effective.is_within(kept)));
            let weights = |layer: usize, edge: usize| values[starts[layer] + edge];
            prop_assert_eq!(output(&sizes, &paths.effective, &weights), output(&sizes, &masks, &weights));
            let sum: usize = paths.units.iter().map(|units| units.cut_off).sum();
            prop_assert!(paths.units.iter().all(|units| units.dead <= units.cut_off), "{sum}");
        }
    }
}
