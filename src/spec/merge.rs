//! The TOML files of an experiment's folder → one table.

use indexmap::map::Entry;

use super::diagnostic::Diagnostics;
use super::folder::Folder;
use super::node::{Error, Node, Value};
use super::parse::parse;

/// All TOML files directly in the folder as one table.
pub fn merged(folder: &Folder, diagnostics: &mut Diagnostics) -> Option<Node> {
    let files = folder.top();
    if !files.first().is_some_and(|file| file.ends_with("experiment.toml")) {
        let message = format!("{}: no experiment.toml", folder.path.display());
        diagnostics.push(Error { message, ..Error::default() }.help("an experiment is a folder with experiment.toml"));
        return None;
    }
    let mut merged: Option<Node> = None;
    for file in files {
        let Some(source) = folder.try_read(&file, diagnostics) else { continue };
        let node = parse(&source, diagnostics);
        match &mut merged {
            None => merged = Some(node),
            Some(merged) => merge(merged, node, diagnostics),
        }
    }
    merged
}

/// Adds another file's entries: tables join, anything else may be written once only.
fn merge(base: &mut Node, other: Node, diagnostics: &mut Diagnostics) {
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
                    let mut error = Error::new(&origin, format!("`{key}` is written twice"));
                    error.context.push((first.clone(), "first here".to_string()));
                    diagnostics.push(error);
                }
            }
        }
    }
}
