//! What tells a step from a recorded one: the inputs that differ, with both values.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

/// An input of a step that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Change {
    /// "train.length", "seed", "model.fc1.units", "prune.version".
    pub input: String,
    pub old: String,
    pub new: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} → {}", self.input, short(&self.old), short(&self.new))
    }
}

/// A value of many characters in few: who needs it whole finds it in the spec, or in `--json`.
fn short(value: &str) -> String {
    const LONGEST: usize = 40;
    match value.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &value[..at]),
        None => value.to_string(),
    }
}

/// The inputs that differ between two steps.
pub fn changes(old: &Value, new: &Value) -> Vec<Change> {
    let mut found = Vec::new();
    differ("", old, new, &mut found);
    found
}

fn differ(path: &str, old: &Value, new: &Value, found: &mut Vec<Change>) {
    if old == new {
        return;
    }
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => tables(path, old, new, found),
        (Value::Array(old), Value::Array(new)) if named(old) && named(new) => {
            tables(path, &by_name(old), &by_name(new), found);
        }
        _ => found.push(Change { input: path.to_string(), old: text(old), new: text(new) }),
    }
}

fn tables(path: &str, old: &Map<String, Value>, new: &Map<String, Value>, found: &mut Vec<Change>) {
    let keys = old.keys().chain(new.keys().filter(|key| !old.contains_key(*key)));
    let of = |side: &Map<String, Value>, key: &str| side.get(key).cloned().unwrap_or_default();
    let whole = |key: &str| (of(old, key) != of(new, key)).then(|| (of(old, key), of(new, key)));
    // Another plugin, or other data: all that hangs on it differs with it, and says nothing more.
    for (key, place) in [("use", path.to_string()), ("files", within(path, "files"))] {
        if let Some((old, new)) = whole(key).filter(|(old, new)| key == "use" || replaced(old, new)) {
            let as_names = names(&old) != names(&new);
            return found.push(Change { input: place, old: listed(&old, as_names), new: listed(&new, as_names) });
        }
    }
    for key in keys {
        differ(&within(path, key), &of(old, key), &of(new, key), found);
    }
}

/// Whether files are others, and not one of them mended.
fn replaced(old: &Value, new: &Value) -> bool {
    let of = |files: &Value| files.as_array().cloned().unwrap_or_default();
    let (old_files, new_files) = (of(old), of(new));
    names(old) != names(new) || old_files.iter().zip(&new_files).filter(|(old, new)| old != new).count() > 1
}

/// Files by their names or checksums; any other value as it is.
fn listed(value: &Value, as_names: bool) -> String {
    let Some(files) = value.as_array() else { return text(value) };
    let file = |file: &Value| text(&file[usize::from(!as_names)]);
    files.iter().map(file).collect::<Vec<_>>().join(", ")
}

/// A place by the words that a spec has for it: a stage is called by its plugin's name, a plugin's configuration is
/// the plugin's, a parent is only where the model, data and seed stand.
fn within(path: &str, key: &str) -> String {
    match (path, key) {
        (_, "config" | "parent" | "layer") => path.to_string(),
        // A layer in a block has the block's name in its own.
        (path, "layers" | "shortcut") if path.starts_with("model.") => "model".to_string(),
        ("", _) => key.to_string(),
        _ => format!("{path}.{key}"),
    }
}

/// Whether these are layers, or files: things with names.
fn named(list: &[Value]) -> bool {
    !list.is_empty() && list.iter().all(|item| name(item).is_some())
}

fn name(item: &Value) -> Option<&str> {
    item.get("name").or_else(|| item.get(0)).and_then(Value::as_str)
}

fn names(list: &Value) -> Option<Vec<&str>> {
    list.as_array()?.iter().map(name).collect()
}

fn by_name(list: &[Value]) -> Map<String, Value> {
    let content = |item: &Value| match item.clone() {
        Value::Object(mut layer) => {
            layer.shift_remove("name");
            Value::Object(layer)
        }
        other => other.get(1).cloned().unwrap_or_default(),
    };
    list.iter().filter_map(|item| Some((name(item)?.to_string(), content(item)))).collect()
}

/// A value as a spec has it; a checksum by its beginning.
fn text(value: &Value) -> String {
    match value {
        Value::Null => "none".into(),
        Value::String(hash) if hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => hash[..8].into(),
        Value::String(text) => text.clone(),
        Value::Object(table) => match table.get("use").or_else(|| table.get("layer").and_then(|l| l.get("use"))) {
            Some(name) => text(name),
            None => value.to_string(),
        },
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(old: Value, new: Value) -> Vec<String> {
        changes(&old, &new).iter().map(Change::to_string).collect()
    }

    fn train(length: &str, optimizer: Value) -> Value {
        json!({ "train": { "use": "train", "config": { "length": length, "optimizer": optimizer }, "version": 1 } })
    }

    #[test]
    fn a_changed_field_is_named_as_in_a_spec_with_both_values() {
        let adam = |rate: f64| json!({ "use": "adam", "config": { "learning_rate": rate }, "version": 1 });
        let old = train("50000it", adam(0.1));
        assert_eq!(told(old.clone(), train("7it", adam(0.1))), ["train.length: 50000it → 7it"]);
        assert_eq!(told(old.clone(), train("50000it", adam(0.2))), ["train.optimizer.learning_rate: 0.1 → 0.2"]);
        let sgd = json!({ "use": "sgd", "config": { "learning_rate": 0.1, "momentum": 0.9 }, "version": 1 });
        assert_eq!(told(old.clone(), train("50000it", sgd)), ["train.optimizer: adam → sgd"]);
        let mut newer = old.clone();
        newer["train"]["version"] = json!(2);
        assert_eq!(told(old, newer), ["train.version: 1 → 2"]);
    }

    #[test]
    fn layers_are_compared_by_name_and_files_by_checksum() {
        let layer = |name: &str, units: u64| json!({ "name": name, "layer": { "use": "linear", "config": { "units": units }, "version": 2 } });
        let root = |layers: Vec<Value>, seed: u64| json!({ "parent": { "model": layers, "seed": seed } });
        let old = root(vec![layer("fc1", 300), layer("out", 10)], 1);
        assert_eq!(
            told(old.clone(), root(vec![layer("fc1", 200), layer("out", 10)], 1)),
            ["model.fc1.units: 300 → 200"]
        );
        let more = root(vec![layer("fc1", 300), layer("fc2", 5), layer("out", 10)], 2);
        assert_eq!(told(old, more), ["model.fc2: none → linear", "seed: 1 → 2"]);
        let files = |name: &str, hash: char| json!({ "data": { "files": [[name, hash.to_string().repeat(64)]] } });
        assert_eq!(told(files("a", '1'), files("a", '2')), ["data.files.a: 11111111 → 22222222"]);
        assert_eq!(told(files("a", '1'), files("b", '2')), ["data.files: a → b"]);
        let pair = |hash: char| {
            let hash = hash.to_string().repeat(64);
            json!({ "data": { "files": [["a", hash], ["b", hash]], "train": hash } })
        };
        assert_eq!(told(pair('1'), pair('2')), ["data.files: 11111111, 11111111 → 22222222, 22222222"]);
    }
}
