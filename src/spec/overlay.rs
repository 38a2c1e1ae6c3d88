//! One table over another: what a variant sets, or what an experiment changes of the one that it extends.

use indexmap::map::Entry;

use super::node::{Entries, Node, Origin, Value};

/// Puts `over` in the place of `base`. Dotted keys and `[tables]` change single values; an inline table, a list and any
/// other value replace what was there.
pub fn overlay(base: &mut Node, over: Node) {
    // `optimizer = "adam"` may be given a field: it stands for `{ use = "adam" }`.
    if let (Value::String(_), true) = (&base.value, is_open(&over)) {
        let used = (base.origin.clone(), base.clone());
        *base = Node { value: Value::Table(Entries::from([("use".to_string(), used)])), origin: over.origin.clone() };
    }
    let open = is_open(&over);
    match (&mut base.value, over.value) {
        (Value::Table(base), Value::Table(entries)) if open => {
            for (key, (origin, value)) in entries {
                match base.entry(key) {
                    Entry::Occupied(mut place) => {
                        let (old, node) = place.get_mut();
                        *old = origin;
                        overlay(node, value);
                    }
                    Entry::Vacant(place) => drop(place.insert((origin, value))),
                }
            }
        }
        (_, value) => *base = Node { value, origin: over.origin },
    }
}

/// A table to which others may add, whatever it was written as.
pub fn open(entries: Entries, origin: &Origin) -> Node {
    let start = origin.span.start;
    Node { value: Value::Table(entries), origin: Origin { span: start..start, ..origin.clone() } }
}

/// Whether a node is a table to which others may add: a `[table]` or one that dotted keys imply, and no `{ … }`.
pub fn is_open(node: &Node) -> bool {
    node.table().is_some() && !node.origin.text().starts_with('{')
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value as Json, json};

    use super::super::diagnostic::Diagnostics;
    use super::super::node::Source;
    use super::super::parse::parse;
    use super::*;

    fn over(base: &str, over: &str) -> Json {
        let mut diagnostics = Diagnostics::default();
        let [mut base, over] = [base, over].map(|text| {
            let source = Source::new("a test", text);
            parse(&Arc::new(source), &mut diagnostics)
        });
        assert!(diagnostics.is_empty(), "{diagnostics}");
        overlay(&mut base, over);
        base.deserialize().unwrap()
    }

    #[test]
    fn dotted_keys_and_tables_change_one_value_and_inline_tables_and_lists_the_whole() {
        let base = "[training]\nlength = '5it'\noptimizer = { use = 'adam', epsilon = 1 }\nlevels = [1, 2]";
        for text in ["training.optimizer.epsilon = 2", "[training.optimizer]\nepsilon = 2"] {
            let optimizer = json!({ "use": "adam", "epsilon": 2 });
            assert_eq!(
                over(base, text)["training"],
                json!({ "length": "5it", "optimizer": optimizer, "levels": [1, 2] })
            );
        }
        let whole = over(base, "[training]\noptimizer = { use = 'sgd' }\nlevels = [3]");
        assert_eq!(whole["training"], json!({ "length": "5it", "optimizer": { "use": "sgd" }, "levels": [3] }));
        assert_eq!(over(base, "training = { length = '1it' }"), json!({ "training": { "length": "1it" } }));
    }

    #[test]
    fn a_plugin_named_by_a_string_may_be_given_a_field() {
        assert_eq!(over("o = 'adam'", "o.epsilon = 1"), json!({ "o": { "use": "adam", "epsilon": 1 } }));
        assert_eq!(over("o = 'adam'", "o = { use = 'sgd' }"), json!({ "o": { "use": "sgd" } }));
    }
}
