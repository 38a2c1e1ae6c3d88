//! Units that can go without the rest: neurons of linear layers, channels of convolutions, of which one layer knows alone.

use std::ops::Range;

use super::{Model, Node, Param};
use crate::layer::{Role, Shape, WeightKind};
use crate::mask::Mask;
use crate::ticket::Ticket;

/// The units that one layer makes and the next prunable layer reads, and nothing else: what is between keeps each apart.
///
/// Channels that a block adds to others belong to several layers, and are in no such group; nor are a model's outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitGroup {
    /// Among the model's parameters, the weight that makes them.
    pub made: usize,
    /// The weight that reads them.
    pub read: usize,
    pub count: usize,
    /// Parameters of the layer that makes them and of those between; but for the weight, each has as many values a unit.
    pub params: Range<usize>,
}

impl Model {
    /// All such groups, in graph order.
    pub fn unit_groups(&self) -> Vec<UnitGroup> {
        let mut walk = Walk { params: &self.params, next: 0, found: Vec::new() };
        walk.through(&self.nodes);
        walk.found
    }

    /// The prunable layers whose units belong to no group, by the names of their weights; the last makes the outputs.
    pub fn shared_units(&self) -> Vec<&str> {
        let units = self.unit_groups();
        let alone = |number: usize| units.iter().any(|units| units.made == number);
        let weights = self.params.iter().enumerate().filter(|(number, param)| param.kind.is_some() && !alone(*number));
        weights.map(|(_, param)| param.name.as_str()).collect()
    }
}

impl UnitGroup {
    /// Of each unit, how many of its incoming weights, and how many of its outgoing ones, a ticket keeps.
    pub fn degrees(&self, model: &Model, ticket: &Ticket) -> Vec<[usize; 2]> {
        let mut degrees = vec![[0; 2]; self.count];
        for (side, number) in [self.made, self.read].into_iter().enumerate() {
            let param = &model.params[number];
            let unit = self.unit_of(param, side == 0);
            let mut count = |index: usize| degrees[unit(index)][side] += 1;
            match ticket.masks.get(&param.name) {
                Some(mask) => mask.indices().for_each(&mut count),
                None => (0..param.len()).for_each(&mut count),
            }
        }
        degrees
    }

    /// Of a weight's index, the unit that it makes, or that it reads.
    pub fn unit_of(&self, param: &Param, makes: bool) -> impl Fn(usize) -> usize + use<> {
        let (count, shape) = (self.count, &param.shape);
        let kind = match param.role {
            Role::Weight { kind, .. } => kind,
            _ => unreachable!("units are made and read by weights"),
        };
        // An index is divided by how many weights in a row are of one unit, and starts anew after so many units.
        let row = match (kind, makes) {
            (WeightKind::Linear, true) => 1,
            (WeightKind::Linear, false) => param.len() / count,
            (WeightKind::Conv, true) => param.len() / count,
            (WeightKind::Conv, false) => shape[2..].iter().product(),
        };
        move |index| index / row % count
    }

    /// Masks all weights that make or read a unit that is gone.
    pub fn mask(&self, model: &Model, ticket: &mut Ticket, gone: &Mask) {
        for (number, makes) in [(self.made, true), (self.read, false)] {
            let param = &model.params[number];
            let unit = self.unit_of(param, makes);
            if let Some(mask) = ticket.masks.get_mut(&param.name) {
                (0..mask.len()).filter(|index| gone.keeps(unit(*index))).for_each(|index| mask.remove(index));
            }
        }
    }
}

struct Walk<'a> {
    params: &'a [Param],
    next: usize,
    found: Vec<UnitGroup>,
}

/// Units on the way from the layer that made them.
struct Open {
    made: usize,
    count: usize,
    first: usize,
}

impl Walk<'_> {
    fn through(&mut self, nodes: &[Node]) {
        let mut open: Option<Open> = None;
        for node in nodes {
            let placed = match node {
                Node::Layer(placed) => placed,
                Node::Residual(block) => {
                    open = None;
                    self.through(&block.body);
                    self.through(&block.shortcut);
                    continue;
                }
            };
            let own = self.next..self.next + placed.params;
            self.next = own.end;
            let weight = own.clone().find(|number| self.params[*number].kind.is_some());
            open = match (weight, open) {
                (Some(read), before) if placed.layer.of_units(1).is_some() => {
                    if let Some(Open { made, count, first }) = before {
                        self.found.push(UnitGroup { made, read, count, params: first..own.start });
                    }
                    let count = match placed.output {
                        Shape::Flat(features) => features,
                        Shape::Image([channels, ..]) => channels,
                    };
                    Some(Open { made: read, count, first: own.start })
                }
                (None, open) if placed.layer.keeps_units_apart() => open,
                _ => None,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::Part;
    use super::super::testing::{block, conv, linear, model, part};
    use super::*;
    use crate::layer::{BatchNorm, Dropout, Flatten, MaxPool, Relu};

    fn groups(model: &Model) -> Vec<(&str, &str, usize)> {
        let name = |number: usize| model.params[number].name.as_str();
        model.unit_groups().iter().map(|units| (name(units.made), name(units.read), units.count)).collect()
    }

    #[test]
    fn units_are_what_one_layer_makes_and_one_reads_whatever_keeps_them_apart_between() {
        let model = model(
            [2, 4, 4],
            vec![
                conv("a", 3),
                part("norm", serde_json::from_str::<BatchNorm>("{}").unwrap()),
                part("relu", Relu {}),
                part("pool", serde_json::from_str::<MaxPool>(r#"{ "window": 2 }"#).unwrap()),
                conv("b", 5),
                part("flat", Flatten {}),
                part("drop", serde_json::from_str::<Dropout>(r#"{ "rate": 0.5 }"#).unwrap()),
                linear("c", 6),
                linear("out", 10),
            ],
        );
        assert_eq!(
            groups(&model),
            [("a.weight", "b.weight", 3), ("b.weight", "c.weight", 5), ("c.weight", "out.weight", 6)]
        );
        assert_eq!(model.shared_units(), ["out.weight"]);
        let names: Vec<&str> =
            model.unit_groups()[0].params.clone().map(|number| model.params[number].name.as_str()).collect();
        assert_eq!(
            names,
            ["a.weight", "a.bias", "norm.scale", "norm.shift", "norm.running_mean", "norm.running_variance"]
        );
    }

    #[test]
    fn channels_that_are_added_are_left_alone() {
        let model = model(
            [2, 4, 4],
            vec![
                conv("first", 4),
                block("block", vec![conv("block.a", 3), part("block.relu", Relu {}), conv("block.b", 4)], vec![]),
                block("wider", vec![conv("wider.a", 6)], vec![conv("wider.s", 6)]),
                part("flat", Flatten {}),
                linear("out", 10),
            ],
        );
        assert_eq!(groups(&model), [("block.a.weight", "block.b.weight", 3)]);
        assert_eq!(
            model.shared_units(),
            ["first.weight", "block.b.weight", "wider.a.weight", "wider.s.weight", "out.weight"]
        );
    }

    #[test]
    fn weights_of_a_unit_worked_by_hand() {
        // 1 × 2 × 2 → conv of kernel 1 to 2 channels → flatten to 2 · 4 features → linear to 3.
        let mut conv = serde_json::from_str::<crate::layer::Conv>(r#"{ "channels": 2, "kernel": 1 }"#).unwrap();
        conv.bias = false;
        let model = model(
            [1, 2, 2],
            vec![
                Part::Layer { name: "a".into(), plugin: "conv".into(), layer: Arc::new(conv) },
                part("flat", Flatten {}),
                linear("out", 3),
            ],
        );
        let units = &model.unit_groups()[0];
        let made = units.unit_of(&model.params[0], true);
        assert_eq!((0..2).map(made).collect::<Vec<_>>(), [0, 1]);
        // Rows of 3 weights each: 4 rows of the first channel, then 4 of the second.
        let read = units.unit_of(&model.params[1], false);
        assert_eq!((0..24).map(read).collect::<Vec<_>>(), [[0; 12], [1; 12]].concat());
        let mut ticket = Ticket::default();
        ticket.masks.insert("a.weight".into(), Mask::from_fn(2, |i| i == 0));
        ticket.masks.insert("out.weight".into(), Mask::from_fn(24, |i| i > 10));
        assert_eq!(units.degrees(&model, &ticket), [[1, 1], [0, 12]]);
        units.mask(&model, &mut ticket, &Mask::from_fn(2, |unit| unit == 0));
        assert_eq!(units.degrees(&model, &ticket), [[0, 0], [0, 12]]);
    }

    #[test]
    fn a_convolutions_inputs_are_planes_of_each_of_its_kernels() {
        let model = model([1, 3, 3], vec![conv("a", 2), conv("b", 2), part("flat", Flatten {}), linear("out", 2)]);
        let units = &model.unit_groups()[0];
        let (made, read) = (&model.params[units.made], &model.params[units.read]);
        assert_eq!((0..18).map(units.unit_of(made, true)).collect::<Vec<_>>(), [[0; 9], [1; 9]].concat());
        let planes: Vec<usize> = (0..36).map(units.unit_of(read, false)).collect();
        assert_eq!(planes, [[0; 9], [1; 9], [0; 9], [1; 9]].concat());
    }
}
