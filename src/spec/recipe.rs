//! What an experiment takes of a data set otherwise than it is declared: read, and held against the declaration.

use super::diagnostic::Diagnostics;
use super::fields::Fields;
use super::node::{Error, Node};
use super::{DatasetSpec, LabelNoise, Subset};

/// The keys of a data set that change what its files hold.
#[derive(Default)]
pub struct Recipe {
    pub subset: Option<Subset>,
    pub average: Option<usize>,
    pub label_noise: Option<LabelNoise>,
}

impl Recipe {
    pub fn read(fields: &mut Fields<'_>, d: &mut Diagnostics) -> Recipe {
        Recipe {
            subset: fields.read("subset", d),
            average: fields.read_if("average", "1 or more", |side| *side > 0, d),
            label_noise: fields.read("label_noise", d),
        }
    }
}

/// What must hold between these and the declaration.
pub fn fits(spec: &DatasetSpec, node: &Node, diagnostics: &mut Diagnostics) {
    if let Some(subset) = &spec.subset {
        of_classes(spec, subset, node, diagnostics);
        of_sizes(spec, subset, node, diagnostics);
    }
    let [_, height, width] = spec.shape;
    if let Some(side) = spec.average.filter(|side| height % side > 0 || width % side > 0) {
        let message = format!("blocks of {side} × {side} pixels do not divide images of {height} × {width}");
        let help = "a block's side must divide height and width, the last two of `shape`";
        diagnostics.push(Error::at(at(node, &["average"]), message).help(help));
    }
}

fn of_classes(spec: &DatasetSpec, subset: &Subset, node: &Node, diagnostics: &mut Diagnostics) {
    let Some(classes) = &subset.classes else { return };
    let mut fail = |message: String, help: String| {
        diagnostics.push(Error::at(at(node, &["subset", "classes"]), message).help(help));
    };
    let last = spec.classes.saturating_sub(1);
    if classes.is_empty() {
        fail("a subset of no class".into(), format!("name some of the classes 0 to {last}, or leave `classes` out"));
    }
    if let Some(class) = classes.iter().find(|class| **class >= spec.classes) {
        fail(format!("there is no class {class}"), format!("classes are 0 to {last}"));
    }
    let twice = classes.iter().enumerate().find(|(place, class)| classes[..*place].contains(class));
    if let Some((_, class)) = twice {
        fail(format!("class {class} is there twice"), "name each class once".into());
    }
    for (size, key) in [(subset.train, "train"), (subset.test, "test")] {
        if size.is_none() {
            let error = Error::at(at(node, &["subset"]), format!("a subset of classes needs `{key}`")).absent(key);
            let help = "only the files say how many images a class has, and a plan reads none";
            diagnostics.push(error.help(help));
        }
    }
}

fn of_sizes(spec: &DatasetSpec, subset: &Subset, node: &Node, diagnostics: &mut Diagnostics) {
    for (key, size, there) in [("train", subset.train, spec.train), ("test", subset.test, spec.test)] {
        let Some(size) = size.filter(|size| *size == 0 || *size > there) else { continue };
        let error = Error::at(at(node, &["subset", key]), format!("{size} examples of a split of {there}"));
        diagnostics.push(error.help("take one or more, and no more than there are"));
    }
}

/// The value at the end of this way, or the last before it that was written.
fn at<'a>(node: &'a Node, way: &[&str]) -> &'a Node {
    let below = |node: &'a Node, key: &&str| node.table()?.get(*key).map(|(_, value)| value);
    way.iter().try_fold(node, |node, key| below(node, key).ok_or(node)).unwrap_or_else(|last| last)
}
