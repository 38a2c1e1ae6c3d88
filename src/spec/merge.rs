//! The TOML files of an experiment's folder → one table.

use indexmap::map::Entry;

use super::diagnostic::Diagnostics;
use super::extends::{Base, Extended, extended};
use super::folder::Folder;
use super::node::{Error, Node, Value};
use super::overlay::overlay;
use super::parse::parse;
use super::without::LeftOut;

/// An experiment as its files and its bases say it.
pub struct Merged {
    pub root: Node,
    /// The shipped experiments that it extends, the nearest first.
    pub bases: Vec<Base>,
    /// What it leaves out of them.
    pub left_out: Vec<LeftOut>,
}

/// What an experiment says of its base, in one place only.
const KEYS: [&str; 2] = ["extends", "without"];

/// All TOML files directly in the folder as one table, over the experiment that they extend.
pub fn merged(folder: &Folder, diagnostics: &mut Diagnostics) -> Option<Merged> {
    let before = diagnostics.len();
    let files = folder.top(diagnostics);
    if !files.first().is_some_and(|file| file.ends_with("experiment.toml")) {
        if diagnostics.len() == before {
            let message = format!("{}: no experiment.toml", folder.path.display());
            diagnostics.push(Error::nowhere(message).help("an experiment is a folder with experiment.toml"));
        }
        return None;
    }
    let mut files = files.into_iter();
    let source = folder.try_read(&files.next()?, diagnostics)?;
    let mut experiment = parse(&source, diagnostics);
    let Extended { base, files: extended, shipped: bases, left_out } = extended(&mut experiment, folder, diagnostics);
    for file in files.filter(|file| !extended.contains(file)) {
        let Some(source) = folder.try_read(&file, diagnostics) else { continue };
        let node = parse(&source, diagnostics);
        for name in KEYS {
            let Some((key, _)) = node.table().and_then(|entries| entries.get(name)) else { continue };
            let error = Error::new(key, format!("`{name}` stands in experiment.toml, or in a file that it extends"));
            diagnostics.push(error.help("move it there"));
        }
        merge(&mut experiment, without(node, &KEYS), diagnostics);
    }
    let Some(mut root) = base else { return Some(Merged { root: experiment, bases, left_out }) };
    let origin = experiment.origin.clone();
    overlay(&mut root, experiment);
    root.origin = origin;
    Some(Merged { root, bases, left_out })
}

fn without(mut node: Node, keys: &[&str]) -> Node {
    if let Value::Table(entries) = &mut node.value {
        entries.retain(|key, _| !keys.contains(&key.as_str()));
    }
    node
}

/// Adds another file's entries: tables join, anything else may be written once only.
pub fn merge(base: &mut Node, other: Node, diagnostics: &mut Diagnostics) {
    let (Value::Table(base), Value::Table(other)) = (&mut base.value, other.value) else { return };
    for (key, (origin, node)) in other {
        match base.entry(key) {
            Entry::Vacant(place) => {
                place.insert((origin, node));
            }
            Entry::Occupied(mut place) => {
                let key = place.key().clone();
                let (first, present) = place.get_mut();
                if present.table().is_some() && node.table().is_some() {
                    merge(present, node, diagnostics);
                } else {
                    let error = Error::new(&origin, format!("`{key}` is written twice")).context(first, "first here");
                    diagnostics.push(error.help("leave one of them out: the files of a folder are one experiment"));
                }
            }
        }
    }
}
