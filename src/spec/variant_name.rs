//! What variants are called, by the fields that they set.

use std::collections::BTreeSet;

use super::node::{Node, Origin, Value};

/// A field's full path: "model.width".
pub fn path(keys: &[(&str, &Origin)]) -> String {
    keys.iter().map(|(key, _)| *key).collect::<Vec<_>>().join(".")
}

/// What fields are called in a variant's name: the last key where no other field has it, the full path otherwise. A
/// `use` is called by what uses it: `model=conv-2`.
pub fn labels(paths: &[String]) -> Vec<String> {
    let short = |path: &String| {
        let path = path.strip_suffix(".use").unwrap_or(path);
        path.rsplit('.').next().unwrap_or(path).to_string()
    };
    let all: Vec<String> = paths.iter().map(short).collect();
    let alone = |label: &String| all.iter().filter(|other| *other == label).count() == 1;
    all.iter().zip(paths).map(|(label, path)| if alone(label) { label.clone() } else { path.clone() }).collect()
}

/// The values of one field, as short as tells them apart.
pub fn texts(values: &[Node]) -> Vec<String> {
    let used = |value: &Node| Some(value.table()?.get("use")?.1.string()?.to_string());
    let names: Option<Vec<String>> = values.iter().map(used).collect();
    let distinct = |names: &Vec<String>| names.iter().collect::<BTreeSet<_>>().len() == names.len();
    names.filter(distinct).unwrap_or_else(|| values.iter().map(text).collect())
}

/// A value in a line: a number as it was written, a string without its quotes.
pub fn text(value: &Node) -> String {
    match &value.value {
        Value::String(text) => text.clone(),
        Value::List(items) => format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(" ")),
        Value::Table(entries) => {
            let entry = |(key, (_, value)): (&String, &(Origin, Node))| format!("{key}={}", text(value));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(" "))
        }
        Value::Boolean(_) | Value::Integer(_) | Value::Float(_) => value.origin.text().to_string(),
    }
}
