//! Overrides of the command line: `--set pipeline.imp.levels=3`.

use std::sync::Arc;

use indexmap::map::Entry;

use super::diagnostic::Diagnostics;
use super::node::{Entries, Error, Node, Origin, Source, Unread, Value};
use super::parse::parse;

/// Applies one `key.path=value` to an experiment. The value is TOML; what is not TOML is a string.
pub fn set(root: &mut Node, text: &str, diagnostics: &mut Diagnostics) {
    let source = Arc::new(Source::overriding(text));
    let Some((key, value)) = text.split_once('=') else {
        let origin = Origin { source, span: 0..text.len() };
        let error = Error::new(&origin, "an override is `key=value`").help("for example `--set replicates=1`");
        return diagnostics.push(error.hides(Unread::Value));
    };
    if let Some(at) = text.find('\n') {
        let error = Error::new(&Origin { source, span: at..at + 1 }, "an override is one line");
        return diagnostics.push(error.help("give several as `--set` each").hides(Unread::Value));
    }
    let mut errors = Diagnostics::default();
    let mut tree = parse(&source, &mut errors);
    if !errors.is_empty() && is_bare(value) {
        let Some(quoted) = quoted(&source, key, value) else { return diagnostics.extend(errors.errors().to_vec()) };
        (tree, errors) = (quoted, Diagnostics::default());
    }
    diagnostics.extend(errors.errors().to_vec());
    put(root, tree, key.matches('.').count() + 1);
}

/// Whether a value that is no TOML was not meant as TOML.
fn is_bare(value: &str) -> bool {
    !value.trim_start().starts_with(['"', '\'', '[', '{'])
}

/// The override with its value as a string.
fn quoted(source: &Arc<Source>, key: &str, value: &str) -> Option<Node> {
    let mut errors = Diagnostics::default();
    let stand_in = Source::new(source.name.clone(), format!("{key}=0"));
    let mut tree = parse(&Arc::new(stand_in), &mut errors);
    let origin = |span| Origin { source: source.clone(), span };
    replant(&mut tree, &|from| origin(from.span.clone()), value.trim(), origin(key.len() + 1..source.text.len()));
    errors.is_empty().then_some(tree)
}

/// Moves a stand-in's tables to the override's own text, and puts the string at their end.
fn replant(node: &mut Node, origin: &dyn Fn(&Origin) -> Origin, text: &str, place: Origin) {
    match &mut node.value {
        Value::Table(entries) => {
            node.origin = origin(&node.origin);
            for (key, next) in entries.values_mut() {
                *key = origin(key);
                replant(next, origin, text, place.clone());
            }
        }
        _ => *node = Node { value: Value::String(text.to_string()), origin: place },
    }
}

/// Follows the `depth` keys of a dotted key and puts the value at their end, in place of what was there.
fn put(node: &mut Node, value: Node, depth: usize) {
    // `optimizer = "adam"` may be given a field: it stands for `{ use = "adam" }`.
    if let (Value::String(_), true) = (&node.value, depth > 0) {
        let used = (node.origin.clone(), node.clone());
        *node = Node { value: Value::Table(Entries::from([("use".to_string(), used)])), origin: value.origin.clone() };
    }
    match (&mut node.value, value.value) {
        (Value::Table(base), Value::Table(entries)) if depth > 0 => {
            for (key, (origin, value)) in entries {
                match base.entry(key) {
                    Entry::Occupied(mut place) => put(&mut place.get_mut().1, value, depth - 1),
                    Entry::Vacant(place) => {
                        place.insert((origin, value));
                    }
                }
            }
        }
        (_, replacement) => *node = Node { value: replacement, origin: value.origin },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set_in(base: &str, text: &str) -> Node {
        let mut diagnostics = Diagnostics::default();
        let source = Source::new("base", base);
        let mut node = parse(&Arc::new(source), &mut diagnostics);
        set(&mut node, text, &mut diagnostics);
        assert!(diagnostics.is_empty(), "{diagnostics}");
        node
    }

    fn json(node: &Node) -> serde_json::Value {
        node.deserialize().unwrap()
    }

    #[test]
    fn an_override_of_several_lines_is_an_error() {
        let mut diagnostics = Diagnostics::default();
        let mut node = parse(&Arc::new(Source::new("base", "")), &mut diagnostics);
        set(&mut node, "replicates=2\nseed=3", &mut diagnostics);
        assert!(diagnostics.to_string().contains("give several as `--set` each"), "{diagnostics}");
        assert_eq!(json(&node), serde_json::json!({}));
    }

    #[test]
    fn a_dotted_key_changes_one_value_and_an_inline_table_the_whole() {
        let base = "[training]\noptimizer = { use = 'adam', learning_rate = 1 }";
        let one = json(&set_in(base, "training.optimizer.learning_rate=2"));
        assert_eq!(one["training"]["optimizer"], serde_json::json!({ "use": "adam", "learning_rate": 2 }));
        let whole = json(&set_in(base, "training.optimizer={ use = 'sgd' }"));
        assert_eq!(whole["training"]["optimizer"], serde_json::json!({ "use": "sgd" }));
    }

    #[test]
    fn a_plugin_named_by_a_string_may_be_given_a_field() {
        let node = json(&set_in("optimizer = 'adam'", "optimizer.epsilon=1e-7"));
        assert_eq!(node["optimizer"], serde_json::json!({ "use": "adam", "epsilon": 1e-7 }));
    }

    #[test]
    fn what_is_no_toml_is_a_string_placed_where_it_was_typed() {
        let node = set_in("", "model.title=Two words");
        assert_eq!(json(&node)["model"]["title"], "Two words");
        let title = &node.table().unwrap()["model"].1.table().unwrap()["title"].1;
        assert_eq!(
            (title.origin.text(), title.origin.source.name.as_str()),
            ("Two words", "--set model.title=Two words")
        );
    }
}
