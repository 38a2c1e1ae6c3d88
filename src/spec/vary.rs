//! The variants of an experiment, each as the values that it sets: `[vary]`, a grid, here; `[[variant]]` in `listed`.

use std::collections::BTreeSet;

use super::Setting;
use super::diagnostic::Diagnostics;
use super::fields::Fields;
use super::listed::listed;
use super::node::{Entries, Error, Node, Origin, Value};
use super::variant_name::{labels, path, text, texts};
use crate::nearest::did_you_mean;

/// More variants than anyone compares: a sweep of more is a mistake, found before memory is.
pub const VARIANTS: usize = 1000;

/// What a variant may change. The rest is the whole experiment's.
const FIELDS: [&str; 5] = ["dataset", "model", "training", "pipeline", "seed"];

/// A variant as it was written.
#[derive(Debug)]
pub struct Written {
    pub name: String,
    pub settings: Vec<Setting>,
    /// What goes over the experiment, in this order.
    pub patches: Vec<Node>,
}

/// Takes an experiment's sweep out of it: of what is wrong, as much as shows what else is. No variant, where it has none.
pub fn take(root: &mut Node, diagnostics: &mut Diagnostics) -> Vec<Written> {
    let Value::Table(entries) = &mut root.value else { return Vec::new() };
    let (vary, variant) = (entries.shift_remove("vary"), entries.shift_remove("variant"));
    match (vary, variant) {
        (Some((first, _)), Some((second, _))) => {
            let error = Error::new(&second, "an experiment has [vary] or [[variant]], not both");
            let error = error.context(&first, "the other is here");
            diagnostics.push(error.help("write the combinations that you mean as [[variant]] each"));
            Vec::new()
        }
        (Some((_, node)), None) => grid(&node, root, diagnostics),
        (None, Some((_, node))) => listed(&node, root, diagnostics),
        (None, None) => Vec::new(),
    }
}

/// A field and the values that it takes.
struct Axis<'a> {
    keys: Vec<(&'a str, &'a Origin)>,
    values: &'a [Node],
}

/// Every combination of all lists, the first list's values changing slowest.
fn grid(node: &Node, root: &Node, diagnostics: &mut Diagnostics) -> Vec<Written> {
    let before = diagnostics.len();
    let mut axes = Vec::new();
    if Fields::of(node, "[vary]", diagnostics).is_some() {
        axes_of(node, &mut Vec::new(), &mut axes, diagnostics);
        if axes.is_empty() && diagnostics.len() == before {
            diagnostics.push(Error::at(node, "[vary] varies nothing").help(EXAMPLE));
        }
    }
    if axes.len() > AXES {
        let message = format!("[vary] varies {} fields, and {AXES} are the most", axes.len());
        diagnostics.push(Error::at(node, message).help("vary fewer fields at a time, or list [[variant]]s"));
        return Vec::new();
    }
    axes.retain(|axis| check_path(&axis.keys, root, diagnostics) && !axis.values.is_empty());
    let count = axes.iter().try_fold(1usize, |n, axis| n.checked_mul(axis.values.len()));
    if count.is_none_or(|count| count > VARIANTS) {
        let sizes = axes.iter().map(|axis| axis.values.len().to_string()).collect::<Vec<_>>().join(" × ");
        let count = axes.iter().map(|axis| axis.values.len() as f64).product::<f64>();
        let message = format!("{sizes} = {} variants, and a sweep has {VARIANTS} at most", whole(count));
        diagnostics.push(Error::at(node, message).help("vary fewer fields at a time, or list [[variant]]s"));
        return Vec::new();
    }
    if axes.is_empty() {
        return Vec::new();
    }
    let names: Vec<String> = labels(&axes.iter().map(|axis| path(&axis.keys)).collect::<Vec<_>>());
    let values: Vec<Vec<String>> = axes.iter().map(|axis| texts(axis.values)).collect();
    let longest = |values: &Vec<String>| values.iter().map(String::len).max().unwrap_or(0);
    let length = names.iter().map(String::len).sum::<usize>() + values.iter().map(longest).sum::<usize>();
    for (axis, texts) in axes.iter().zip(&values) {
        axis.values.iter().zip(texts).for_each(|(value, text)| check_made(text, length, value, diagnostics));
    }
    (0..count.unwrap_or(0)).map(|number| combination(number, &axes, &names, &values)).collect()
}

/// Bytes of a name that is made of values: a longer one fits no table.
const LONGEST: usize = 1000;

/// A name that is made of values is one line, and not too long.
pub fn check_made(text: &str, length: usize, place: &Node, diagnostics: &mut Diagnostics) {
    let message = match text.contains(char::is_control) {
        true => "this value is more than one line, and so would be its variant's name".to_string(),
        false if length > LONGEST => format!("the names of these variants would have more than {LONGEST} bytes"),
        false => return,
    };
    diagnostics.push(Error::at(place, message).help("write each variant as a [[variant]] with a `name`"));
}

/// More fields than a person can tell variants apart by.
pub const AXES: usize = 100;

const EXAMPLE: &str = "give a field the values that it takes: `model.width = [0.5, 1.0, 2.0]`";

/// A count that may be beyond all integers.
fn whole(count: f64) -> String {
    if count < 1e15 { format!("{count:.0}") } else { format!("{count:.1e}") }
}

fn axes_of<'a>(
    node: &'a Node,
    keys: &mut Vec<(&'a str, &'a Origin)>,
    axes: &mut Vec<Axis<'a>>,
    diagnostics: &mut Diagnostics,
) {
    for (key, (origin, value)) in node.table().into_iter().flatten() {
        keys.push((key, origin));
        match &value.value {
            Value::Table(_) => axes_of(value, keys, axes, diagnostics),
            Value::List(values) => {
                check_values(value, values, diagnostics);
                axes.push(Axis { keys: keys.clone(), values });
            }
            _ => {
                let message = format!("`{}` must be a list in [vary], not {}", path(keys), value.sort());
                diagnostics.push(Error::at(value, message).help(EXAMPLE));
            }
        }
        keys.pop();
    }
}

fn check_values(list: &Node, values: &[Node], diagnostics: &mut Diagnostics) {
    if values.is_empty() {
        let error = Error::at(list, "the list is empty, and so there would be no variant");
        diagnostics.push(error.help("give the field its values, or leave it out"));
    }
    let mut seen = BTreeSet::new();
    for value in values {
        // However a number is written.
        let number = value.deserialize::<f64>().map(|number| number.to_string());
        if !seen.insert(number.unwrap_or_else(|_| text(value))) {
            let error = Error::at(value, format!("{} is in the list twice", value.origin.text()));
            diagnostics.push(error.help("leave it out: nothing runs twice"));
        }
    }
}

fn combination(number: usize, axes: &[Axis<'_>], names: &[String], values: &[Vec<String>]) -> Written {
    let chosen = chosen(number, axes);
    let parts = names.iter().zip(values).zip(&chosen).map(|((name, values), at)| format!("{name}={}", values[*at]));
    let of_axis = |(axis, at): (&Axis<'_>, &usize)| {
        let value = &axis.values[*at];
        Setting { field: path(&axis.keys), value: text(value), origin: value.origin.clone() }
    };
    let patch = |(axis, at): (&Axis<'_>, &usize)| nested(&axis.keys, axis.values[*at].clone());
    Written {
        name: parts.collect::<Vec<_>>().join(" "),
        settings: axes.iter().zip(&chosen).map(of_axis).collect(),
        patches: axes.iter().zip(&chosen).map(patch).collect(),
    }
}

/// Of each axis the value's place in the combination of this number: as digits, the last axis's changing fastest.
fn chosen(number: usize, axes: &[Axis<'_>]) -> Vec<usize> {
    let mut left = number;
    let mut chosen = Vec::new();
    for axis in axes.iter().rev() {
        chosen.push(left % axis.values.len());
        left /= axis.values.len();
    }
    chosen.reverse();
    chosen
}

/// The value at the end of tables that only its keys imply.
pub fn nested(keys: &[(&str, &Origin)], value: Node) -> Node {
    keys.iter().rev().fold(value, |value, (key, origin)| {
        let entries = Entries::from([(key.to_string(), (Origin::clone(origin), value))]);
        Node { value: Value::Table(entries), origin: Origin::clone(origin) }
    })
}

/// Whether a variant may change what these keys name; what its fields may be called, reading them tells.
pub fn check_path(keys: &[(&str, &Origin)], root: &Node, diagnostics: &mut Diagnostics) -> bool {
    let Some((first, origin)) = keys.first() else { return false };
    if !FIELDS.contains(first) {
        let whole = ["title", "question", "replicates", "matching", "tolerance", "about"].contains(first);
        let message = match whole {
            true => format!("`{first}` is the whole experiment's, and no variant's"),
            false => format!("a variant has no field `{first}`"),
        };
        diagnostics.push(Error::new(origin, message).hint(did_you_mean(first, "fields of a variant", FIELDS)));
        return false;
    }
    let pipelines = root.table().and_then(|entries| entries.get("pipeline")).and_then(|(_, node)| node.table());
    if let ("pipeline", Some((name, origin)), Some(pipelines)) = (*first, keys.get(1), pipelines)
        && !pipelines.contains_key(*name)
    {
        let help = did_you_mean(name, "pipelines", pipelines.keys().map(String::as_str));
        diagnostics.push(Error::new(origin, format!("no pipeline is named {name:?}")).hint(help).absent(*name));
        return false;
    }
    true
}
