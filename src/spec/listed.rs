//! `[[variant]]`: variants one by one, each with the fields that it sets.

use std::collections::HashMap;

use super::diagnostic::Diagnostics;
use super::fields::{Fields, list};
use super::node::{Error, Node, Origin};
use super::overlay::{is_open, open};
use super::variant_name::{labels, path, text};
use super::vary::{AXES, VARIANTS, Written, check_made, check_path, nested};
use super::{Setting, is_variant_name};

/// Each variant with the values that it sets, and a name: its own, or one made of them. What is wrong is left out.
pub fn listed(node: &Node, root: &Node, diagnostics: &mut Diagnostics) -> Vec<Written> {
    let items = list(node, "[[variant]]", diagnostics);
    if items.len() > VARIANTS {
        let message = format!("{} variants, and a sweep has {VARIANTS} at most", items.len());
        diagnostics.push(Error::at(node, message).help("divide it among several experiments"));
        return Vec::new();
    }
    if items.is_empty() {
        let error = Error::at(node, "the list is empty, and so there would be no variant");
        diagnostics.push(error.help(LISTED));
    }
    let mut taken: HashMap<String, Origin> = HashMap::new();
    let mut written = Vec::new();
    for item in items {
        let Some(variant) = one(item, root, diagnostics) else { continue };
        // One that is left without a name was told of already.
        let other =
            if variant.name.is_empty() { None } else { taken.insert(variant.name.clone(), item.origin.clone()) };
        if let Some(other) = other {
            let error = Error::at(item, format!("two variants are named {:?}", variant.name));
            diagnostics.push(error.context(&other, "the other is here").help("give one of them another name"));
        }
        written.push(variant);
    }
    written
}

fn one(item: &Node, root: &Node, diagnostics: &mut Diagnostics) -> Option<Written> {
    let mut fields = Fields::of(item, "a [[variant]]", diagnostics)?;
    let rule = "a variant's name: 1 to 64 characters, without brackets";
    let name = fields.read_if("name", rule, |name: &String| is_variant_name(name), diagnostics);
    // Open, even where the item was written inline: its fields go over the experiment's one by one.
    let fields = open(fields.rest(), &item.origin);
    let mut leaves = Vec::new();
    leaves_of(&fields, &mut Vec::new(), &mut leaves);
    if leaves.is_empty() && name.is_none() {
        diagnostics.push(Error::at(item, "a variant needs a `name`, or a field that it sets").help(LISTED));
    }
    if leaves.len() > AXES {
        let message = format!("a variant sets {} fields, and {AXES} are the most", leaves.len());
        diagnostics.push(Error::at(item, message).help("make an experiment of its own of it, that `extends` this one"));
        return None;
    }
    leaves.retain(|(keys, _)| check_path(keys, root, diagnostics));
    let names = labels(&leaves.iter().map(|(keys, _)| path(keys)).collect::<Vec<_>>());
    let made =
        || names.iter().zip(&leaves).map(|(name, (_, value))| format!("{name}={}", text(value))).collect::<Vec<_>>();
    let setting = |(keys, value): &(Vec<(&str, &Origin)>, &Node)| Setting {
        field: path(keys),
        value: text(value),
        origin: value.origin.clone(),
    };
    let settings = leaves.iter().map(setting).collect();
    let name = name.unwrap_or_else(|| {
        let made = made().join(" ");
        check_made(&made, made.len(), item, diagnostics);
        made
    });
    let patches = leaves.iter().map(|(keys, value)| nested(keys, (*value).clone())).collect();
    Some(Written { name, settings, patches })
}

const LISTED: &str = "for example `name = \"narrow\"` and `model.width = 0.5`";

type Leaf<'a> = (Vec<(&'a str, &'a Origin)>, &'a Node);

fn leaves_of<'a>(node: &'a Node, keys: &mut Vec<(&'a str, &'a Origin)>, leaves: &mut Vec<Leaf<'a>>) {
    for (key, (origin, value)) in node.table().into_iter().flatten() {
        keys.push((key, origin));
        match is_open(value) {
            true => leaves_of(value, keys, leaves),
            false => leaves.push((keys.clone(), value)),
        }
        keys.pop();
    }
}
