//! The smaller network that a ticket leaves: without the units that nothing reads.

use std::ops::Range;

use super::unit_groups::UnitGroup;
use super::{Misfit, Model, Node, Param, Part};
use crate::mask::Mask;
use crate::ticket::{Array, Ticket};

/// Which units of each group are kept.
struct Kept {
    units: UnitGroup,
    kept: Mask,
}

impl Model {
    /// The same function of its input with fewer units, and its ticket: units of which every outgoing weight is masked, or
    /// leads to such units only, are not there. At least one a layer is. A unit that reads nothing and is read is a
    /// constant, and stays.
    pub fn shrunk(&self, ticket: &Ticket) -> Result<(Model, Ticket), Misfit> {
        let kept = self.kept(ticket);
        let mut next = 0;
        let parts = self.nodes.iter().map(|node| part(node, &kept, &mut next)).collect();
        let model = Model::infer(self.input, parts)?;
        let mut small = Ticket::default();
        for (number, (param, smaller)) in self.params.iter().zip(&model.params).enumerate() {
            let stays = stays(number, param, &kept);
            if let Some(array) = ticket.arrays.get(&param.name) {
                let values =
                    array.values.iter().enumerate().filter(|(index, _)| stays(*index)).map(|(_, value)| *value);
                let array = Array { shape: smaller.shape.clone(), values: values.collect() };
                small.arrays.insert(param.name.clone(), array);
            }
            if let Some(mask) = ticket.masks.get(&param.name) {
                let keeps: Vec<bool> =
                    (0..mask.len()).filter(|index| stays(*index)).map(|index| mask.keeps(index)).collect();
                small.masks.insert(param.name.clone(), Mask::from_fn(keeps.len(), |index| keeps[index]));
            }
        }
        Ok((model, small))
    }

    /// From the last group to the first: what nothing reads may have been all that read units before it.
    fn kept(&self, ticket: &Ticket) -> Vec<Kept> {
        let mut found: Vec<Kept> = Vec::new();
        for units in self.unit_groups().into_iter().rev() {
            let param = &self.params[units.read];
            let after = found.iter().find(|after| after.units.made == units.read);
            let (unit, makes) = (units.unit_of(param, false), after.map(|after| after.units.unit_of(param, true)));
            let mut read = vec![false; units.count];
            for index in 0..param.len() {
                let kept = ticket.masks.get(&param.name).is_none_or(|mask| mask.keeps(index));
                let leads = after.zip(makes.as_ref()).is_none_or(|(after, makes)| after.kept.keeps(makes(index)));
                read[unit(index)] |= kept && leads;
            }
            // A layer without units is none.
            read[0] |= !read.contains(&true);
            found.push(Kept { kept: Mask::from_fn(units.count, |unit| read[unit]), units });
        }
        found
    }
}

/// A layer or block as it was written, but for how many units it makes.
fn part(node: &Node, kept: &[Kept], next: &mut usize) -> Part {
    let mut parts = |nodes: &[Node]| nodes.iter().map(|node| part(node, kept, next)).collect();
    match node {
        Node::Residual(block) => {
            let body = parts(&block.body);
            Part::Residual { name: String::new(), body, shortcut: parts(&block.shortcut) }
        }
        Node::Layer(placed) => {
            let own: Range<usize> = *next..*next + placed.params;
            *next = own.end;
            let fewer = kept.iter().find(|kept| own.contains(&kept.units.made));
            let layer = fewer.and_then(|fewer| placed.layer.of_units(fewer.kept.kept()));
            let layer = layer.unwrap_or_else(|| placed.layer.clone());
            Part::Layer { name: placed.name.clone(), plugin: placed.plugin.clone(), layer }
        }
    }
}

/// Whether a value of parameter `number` is part of the smaller network.
fn stays<'a>(number: usize, param: &'a Param, kept: &'a [Kept]) -> impl Fn(usize) -> bool + 'a {
    let made = kept.iter().find(|kept| kept.units.params.contains(&number));
    let read = kept.iter().find(|kept| kept.units.read == number);
    let own = made.map(|Kept { units, kept }| {
        let each = param.len() / units.count;
        let unit: Box<dyn Fn(usize) -> usize> = match units.made == number {
            true => Box::new(units.unit_of(param, true)),
            false => Box::new(move |index| index / each),
        };
        (unit, kept)
    });
    let reads = read.map(|Kept { units, kept }| (units.unit_of(param, false), kept));
    move |index| {
        own.as_ref().is_none_or(|(unit, kept)| kept.keeps(unit(index)))
            && reads.as_ref().is_none_or(|(unit, kept)| kept.keeps(unit(index)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{block, conv, linear, model, part};
    use super::*;
    use crate::layer::{Flatten, Relu};

    fn ticket(model: &Model, keeps: impl Fn(&str, usize) -> bool) -> Ticket {
        let mut ticket = Ticket::default();
        for param in &model.params {
            let values = (0..param.len()).map(|index| index as f32 + 1.0).collect();
            ticket.arrays.insert(param.name.clone(), Array { shape: param.shape.clone(), values });
            if param.kind.is_some() {
                ticket.masks.insert(param.name.clone(), Mask::from_fn(param.len(), |index| keeps(&param.name, index)));
            }
        }
        ticket.apply_masks();
        ticket
    }

    #[test]
    fn what_nothing_reads_goes_with_what_it_alone_read() {
        // 2 inputs → 3 → 2 → 2; the second layer's unit 1 is not read, and it alone read the first layer's unit 2.
        let model = model(
            [1, 1, 2],
            vec![part("flat", Flatten {}), linear("a", 3), part("relu", Relu {}), linear("b", 2), linear("out", 2)],
        );
        let keeps = |name: &str, index: usize| match name {
            "b.weight" => index != 4,
            "out.weight" => index < 2,
            _ => true,
        };
        let (small, found) = model.shrunk(&ticket(&model, keeps)).unwrap();
        let shapes: Vec<(&str, &[usize])> =
            small.params.iter().map(|p| (p.name.as_str(), p.shape.as_slice())).collect();
        let expected: [(&str, &[usize]); 6] = [
            ("a.weight", &[2, 2]),
            ("a.bias", &[2]),
            ("b.weight", &[2, 1]),
            ("b.bias", &[1]),
            ("out.weight", &[1, 2]),
            ("out.bias", &[2]),
        ];
        assert_eq!(shapes, expected);
        assert_eq!(found.arrays["a.weight"].values, [1.0, 2.0, 4.0, 5.0], "rows of 3, of which the last is gone");
        assert_eq!(
            (&found.arrays["b.weight"].values[..], &found.arrays["a.bias"].values[..]),
            (&[1.0, 3.0][..], &[1.0, 2.0][..])
        );
        assert_eq!(found.kept(), found.prunable());
    }

    #[test]
    fn one_unit_a_layer_stays_and_blocks_stay_blocks() {
        let model = model(
            [1, 2, 2],
            vec![
                block("block", vec![conv("block.a", 4), conv("block.b", 1)], vec![]),
                part("flat", Flatten {}),
                linear("out", 2),
            ],
        );
        let (small, found) = model.shrunk(&ticket(&model, |name, _| name != "block.b.weight")).unwrap();
        assert!(matches!(&small.nodes[0], Node::Residual(_)));
        assert_eq!(small.params[0].shape, [1, 1, 3, 3]);
        assert_eq!((found.kept(), found.prunable()), (9 + 8, 9 + 9 + 8));
    }
}
