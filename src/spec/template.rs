//! Models and pipelines as TOML with parameters: what `use` supplies replaces `{placeholders}`.

use std::cell::Cell;
use std::rc::Rc;

use indexmap::IndexMap;

use super::diagnostic::{Diagnostics, did_you_mean};
use super::fields::{Fields, unknown_key};
use super::node::{Entries, Error, Node, Value};

/// Values that filling in one template may make, so that lists within lists end in an error, not out of memory.
const VALUES: usize = 200_000;

/// What a template lets its user choose.
#[derive(Clone, Debug)]
pub struct Parameter {
    pub default: Option<Node>,
    /// Whether it may be left out without having a default: its keys are then absent.
    pub optional: bool,
    pub help: String,
}

/// Reads `[parameters]`.
pub fn parameters(node: Option<&Node>, diagnostics: &mut Diagnostics) -> IndexMap<String, Parameter> {
    let Some(node) = node else { return IndexMap::new() };
    let entries = Fields::of(node, "[parameters]", diagnostics).map(|fields| fields.rest()).unwrap_or_default();
    let mut parameters = IndexMap::new();
    for (name, (_, node)) in entries {
        let Some(mut fields) = Fields::of(&node, format!("the parameter `{name}`"), diagnostics) else { continue };
        let parameter = Parameter {
            default: fields.node("default").cloned(),
            optional: fields.read("optional", diagnostics).unwrap_or(false),
            help: fields.read("help", diagnostics).unwrap_or_default(),
        };
        fields.finish(diagnostics);
        parameters.insert(name, parameter);
    }
    parameters
}

/// What placeholders stand for; `None` for an optional parameter that was left out.
#[derive(Clone)]
pub struct Scope {
    values: IndexMap<String, Option<Rc<Node>>>,
    left: Rc<Cell<usize>>,
}

impl Scope {
    /// No placeholders at all, as in what an experiment writes out itself.
    pub fn empty() -> Scope {
        Scope { values: IndexMap::new(), left: Rc::new(Cell::new(VALUES)) }
    }

    /// The parameters with the arguments that `used` gives. `other` are keys beside them, for messages.
    pub fn bind(
        parameters: &IndexMap<String, Parameter>,
        arguments: &Entries,
        used: &Node,
        other: &[&str],
        diagnostics: &mut Diagnostics,
    ) -> Scope {
        let what = used.string().map_or("this".to_string(), |name| format!("what `{name}` takes"));
        for (key, (origin, _)) in arguments.iter().filter(|(key, _)| !parameters.contains_key(*key)) {
            let valid = parameters.keys().map(String::as_str).chain(other.iter().copied());
            diagnostics.push(unknown_key(key, origin, &what, valid));
        }
        let mut scope = Scope::empty();
        for (name, parameter) in parameters {
            let value = arguments.get(name).map(|(_, node)| node).or(parameter.default.as_ref());
            if value.is_none() && !parameter.optional {
                let error = Error::at(used, format!("{} needs `{name}`", used.origin.text()));
                diagnostics.push(Error { help: (!parameter.help.is_empty()).then(|| parameter.help.clone()), ..error });
            }
            scope.values.insert(name.clone(), value.cloned().map(Rc::new));
        }
        scope
    }

    /// This scope with one more value.
    pub fn with(&self, name: &str, value: Node) -> Scope {
        let mut scope = self.clone();
        scope.values.insert(name.to_string(), Some(Rc::new(value)));
        scope
    }

    /// The node with every placeholder replaced by what it stands for, which keeps its own origin. `None` where
    /// nothing is left: an absent option removes its key.
    pub fn fill(&self, node: &Node, diagnostics: &mut Diagnostics) -> Option<Node> {
        let filled = match &node.value {
            Value::String(text) => match placeholder(text) {
                Some(name) => return self.value(name, node, diagnostics),
                None => Value::String(text.clone()),
            },
            Value::List(items) => Value::List(items.iter().filter_map(|item| self.fill(item, diagnostics)).collect()),
            Value::Table(entries) => {
                let mut filled = Entries::with_capacity(entries.len());
                for (key, (origin, value)) in entries {
                    if let Some(value) = self.fill(value, diagnostics) {
                        filled.insert(key.clone(), (origin.clone(), value));
                    }
                }
                Value::Table(filled)
            }
            scalar => scalar.clone(),
        };
        self.spend(1, node, diagnostics)?;
        Some(Node { value: filled, origin: node.origin.clone() })
    }

    fn value(&self, name: &str, node: &Node, diagnostics: &mut Diagnostics) -> Option<Node> {
        let Some(value) = self.values.get(name) else {
            let help = did_you_mean(name, "parameters", self.values.keys().map(String::as_str));
            diagnostics.push(Error::at(node, format!("no parameter is named `{name}`")).help(help));
            return None;
        };
        let value = value.as_ref()?;
        self.spend(1, node, diagnostics)?;
        self.spend(size(value), node, diagnostics)?;
        Some(Node::clone(value))
    }

    fn spend(&self, values: usize, node: &Node, diagnostics: &mut Diagnostics) -> Option<()> {
        let left = self.left.get().checked_sub(values);
        self.left.set(left.unwrap_or(0));
        if left.is_none() {
            diagnostics.push(Error::at(node, format!("filled in, this has more than {VALUES} values")));
        }
        left.map(|_| ())
    }
}

/// The name in a string that is exactly "{name}".
fn placeholder(text: &str) -> Option<&str> {
    let name = text.strip_prefix('{')?.strip_suffix('}')?;
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    (!name.is_empty() && name.chars().all(word)).then_some(name)
}

fn size(node: &Node) -> usize {
    1 + match &node.value {
        Value::List(items) => items.iter().map(size).sum(),
        Value::Table(entries) => entries.values().map(|(_, value)| size(value)).sum(),
        _ => 0,
    }
}
