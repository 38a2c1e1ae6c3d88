//! A model's layers with what each has and costs: a table for people, for `plan` and `show`.

use super::plan::text::{Table, Width, thousands};
use crate::model::{Model, Node};

/// More than these are left out, unless all were asked for.
pub const LAYERS: usize = 12;

/// A layer that has parameters: name, output, parameters, prunable weights, multiply-adds.
pub struct Layer {
    pub name: String,
    pub output: Vec<usize>,
    pub parameters: usize,
    pub prunable: usize,
    pub multiply_adds: u64,
}

pub fn of(model: &Model) -> Vec<Layer> {
    let (mut params, mut uses) = (model.params.iter(), model.uses().into_iter());
    let counted = |node: &Node| {
        let own: Vec<_> = params.by_ref().take(node.own_params()).collect();
        let Node::Layer(placed) = node else { return None };
        let weights = own.iter().filter(|param| param.kind.is_some()).map(|param| param.len());
        let (prunable, multiply_adds) =
            weights.fold((0, 0), |(all, adds), len| (all + len, adds + uses.next().unwrap_or(0) * len as u64));
        let parameters = own.iter().filter(|param| param.role.is_trained()).map(|param| param.len()).sum();
        let (name, output) = (placed.name.clone(), placed.output.dims());
        (parameters > 0).then_some(Layer { name, output, parameters, prunable, multiply_adds })
    };
    model.walk().filter_map(counted).collect()
}

/// A model's layers that have parameters, and its counts in all; where there are many and not all are asked for, the counts.
pub fn table(name: &str, model: &Model, all: bool, width: Width) -> String {
    let layers = of(model);
    let multiply_adds = layers.iter().map(|layer| layer.multiply_adds).sum::<u64>();
    let prunable: usize = layers.iter().map(|layer| layer.prunable).sum();
    let heading = format!(
        "{}{} parameters, {} prunable weights, {} multiply-adds",
        if name.is_empty() { String::new() } else { format!("{name}: ") },
        thousands(model.parameters() as u64),
        thousands(prunable as u64),
        thousands(multiply_adds)
    );
    let mut text = width.wrapped("  ", "    ", &heading);
    if layers.len() > LAYERS && !all {
        return text + &width.wrapped("  ", "    ", &format!("… {} layers: `--all` shows everything", layers.len()));
    }
    let column = |heading: &str, figure: &dyn Fn(&Layer) -> String| -> Vec<String> {
        std::iter::once(heading.to_string()).chain(layers.iter().map(figure)).collect()
    };
    let table = Table {
        names: column("layer", &|layer| layer.name.clone()),
        columns: vec![
            column("output", &|layer| layer.output.iter().map(usize::to_string).collect::<Vec<_>>().join("×")),
            column("parameters", &|layer| thousands(layer.parameters as u64)),
            column("prunable", &|layer| thousands(layer.prunable as u64)),
            column("multiply-adds", &|layer| thousands(layer.multiply_adds)),
        ],
    };
    text += &table.lines("  ", width.columns(), usize::MAX).0;
    text
}
