//! Models and pipelines as TOML with parameters: what `use` supplies replaces `{placeholders}`.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

use indexmap::IndexMap;
use schemars::JsonSchema;

use super::diagnostic::{Diagnostics, SHOWN};
use super::fields::{Fields, unknown_key};
use super::formula::Formula;
use super::node::{Entries, Error, Node, Value};
use crate::nearest::{did_you_mean, nearest};

/// Values that filling in one template may make, so that lists within lists end in an error, not out of memory.
const VALUES: usize = 200_000;

/// What a template lets its user choose.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Parameter {
    /// Its value where the user gives none; without one, and not optional, it must be given.
    #[schemars(with = "Option<serde_json::Value>", extend("additionalProperties" = true))]
    pub default: Option<Node>,
    /// Whether it may be left out without having a default: its keys are then absent.
    #[schemars(default)]
    pub optional: bool,
    /// A value where there is no default, for the example that `show` prints.
    #[schemars(with = "Option<serde_json::Value>", extend("additionalProperties" = true))]
    pub example: Option<Node>,
    /// A line for `show`.
    #[schemars(default)]
    pub help: String,
}

/// Reads `[parameters]`.
pub fn parameters(node: Option<&Node>, diagnostics: &mut Diagnostics) -> IndexMap<String, Parameter> {
    let Some(node) = node else { return IndexMap::new() };
    let entries = Fields::of(node, "[parameters]", diagnostics).map(|fields| fields.rest()).unwrap_or_default();
    let mut parameters = IndexMap::new();
    for (name, (_, node)) in entries {
        let Some(mut fields) = Fields::of(&node, format!("the parameter `{name}`"), diagnostics) else { continue };
        let written = fields.node("default").or_else(|| fields.meant("default"));
        let parameter = Parameter {
            default: written.cloned(),
            optional: fields.read("optional", diagnostics).unwrap_or(false),
            example: fields.node("example").cloned(),
            help: fields.read("help", diagnostics).unwrap_or_default(),
        };
        fields.finish(diagnostics);
        parameters.insert(name, parameter);
    }
    parameters
}

/// Parameters that no placeholder of the body names are errors, but for those that a mistyped one may mean.
pub fn check_used(parameters: Option<&Node>, body: &Entries, diagnostics: &mut Diagnostics) {
    let Some(declared) = parameters.and_then(Node::table) else { return };
    let mut named = BTreeSet::new();
    body.iter().filter(|(key, _)| *key != "parameters").for_each(|(_, (_, node))| placeholders(node, &mut named));
    let mistyped = named.iter().filter(|name| !declared.contains_key(**name));
    let meant: Vec<&str> = mistyped.filter_map(|name| nearest(name, declared.keys().map(String::as_str))).collect();
    for (name, (key, _)) in declared.iter().filter(|(name, _)| !named.contains(name.as_str())) {
        if !meant.contains(&name.as_str()) {
            let error = Error::new(key, format!("nothing uses the parameter `{name}`"));
            diagnostics.push(error.help(format!("write \"{{{name}}}\" where its value goes, or leave it out")));
        }
    }
}

fn placeholders<'a>(node: &'a Node, into: &mut BTreeSet<&'a str>) {
    match &node.value {
        Value::String(text) => {
            into.extend(placeholder(text));
            into.extend(Formula::read(text).iter().flat_map(Formula::names));
        }
        Value::List(items) => items.iter().for_each(|item| placeholders(item, into)),
        Value::Table(entries) => entries.values().for_each(|(_, value)| placeholders(value, into)),
        _ => {}
    }
}

/// Parameters that nobody could set, since their names mean something else beside `use` or in a placeholder.
pub fn check_names(parameters: &IndexMap<String, Parameter>, node: Option<&Node>, taken: &[&str], d: &mut Diagnostics) {
    for (name, (key, _)) in node.and_then(Node::table).into_iter().flatten() {
        if parameters.contains_key(name) && taken.contains(&name.as_str()) {
            let error = Error::new(key, format!("no parameter can be called `{name}`: that has a meaning already"));
            d.push(error.help(format!("give it another name, here and in \"{{{name}}}\"")));
        }
    }
}

/// What placeholders stand for; `None` for an optional parameter that was left out.
#[derive(Clone)]
pub struct Scope {
    values: IndexMap<String, Option<Rc<Node>>>,
    left: Rc<Cell<usize>>,
    /// Whether a value is missing that should be there: an argument, or what a mistyped placeholder stands for.
    incomplete: Rc<Cell<bool>>,
}

impl Scope {
    /// No placeholders at all, as in what an experiment writes out itself.
    pub fn empty() -> Scope {
        Scope { values: IndexMap::new(), left: Rc::new(Cell::new(VALUES)), incomplete: Rc::default() }
    }

    /// The parameters with the arguments that `used` gives. `other` are keys beside them, for messages.
    pub fn bind(
        parameters: &IndexMap<String, Parameter>,
        arguments: &Entries,
        used: &Node,
        other: &[&str],
        diagnostics: &mut Diagnostics,
    ) -> Scope {
        let name = used.string().unwrap_or_default();
        let what = format!("the parameters of `{name}`");
        let unknown = arguments.iter().filter(|(key, _)| !parameters.contains_key(*key));
        for (key, (origin, _)) in unknown.take(SHOWN + 1) {
            let valid = parameters.keys().map(String::as_str).chain(other.iter().copied());
            diagnostics.push(unknown_key(key, origin, &what, valid));
        }
        let mut scope = Scope::empty();
        for (parameter_name, parameter) in parameters {
            let value = arguments.get(parameter_name).map(|(_, node)| node).or(parameter.default.as_ref());
            if value.is_none() && !parameter.optional {
                let error = Error::at(used, format!("`{name}` needs `{parameter_name}`")).absent(parameter_name);
                let meaning = if parameter.help.is_empty() { "" } else { &format!(": {}", parameter.help) };
                diagnostics.push(error.help(format!("write `{parameter_name} = …` beside `use`{meaning}")));
                scope.incomplete.set(true);
            }
            scope.values.insert(parameter_name.clone(), value.cloned().map(Rc::new));
        }
        scope
    }

    /// Reads a template in this scope. Where a value is missing, so are the fields that it fills: that was said already.
    pub fn reading<T>(&self, diagnostics: &mut Diagnostics, work: impl FnOnce(&Scope, &mut Diagnostics) -> T) -> T {
        let news = |error: Error| (!self.incomplete.get() || error.missing.is_none()).then_some(error);
        diagnostics.amending(|diagnostics| work(self, diagnostics), news)
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
            Value::String(text) => match (placeholder(text), Formula::read(text)) {
                (Some(name), _) => return self.value(name, node, diagnostics),
                (None, Some(formula)) => self.calculated(&formula, node, diagnostics)?,
                (None, None) => Value::String(text.clone()),
            },
            Value::List(items) => {
                let filled: Vec<Node> = items.iter().filter_map(|item| self.fill(item, diagnostics)).collect();
                // Nobody knows what a list says that lacks a value.
                if filled.len() < items.len() && self.incomplete.get() {
                    return None;
                }
                Value::List(filled)
            }
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

    /// The value of a formula whose names are all known.
    fn calculated(&self, formula: &Formula<'_>, node: &Node, diagnostics: &mut Diagnostics) -> Option<Value> {
        let mut known = true;
        for name in formula.names() {
            known &= self.known(name, node, diagnostics).is_some();
        }
        // A parameter that was not given was told of.
        let is_given = |name: &str| self.values.get(name).is_some_and(Option::is_some);
        if !known || (self.incomplete.get() && !formula.names().all(is_given)) {
            return None;
        }
        let value = formula.value(|name| self.values.get(name)?.as_deref());
        let help = "a calculation has numbers and parameters that are numbers";
        if let Err(message) = &value {
            diagnostics.push(Error::at(node, message).help(help));
            self.incomplete.set(true);
        }
        value.ok()
    }

    fn value(&self, name: &str, node: &Node, diagnostics: &mut Diagnostics) -> Option<Node> {
        let value = self.known(name, node, diagnostics)?.as_ref()?;
        self.spend(1, node, diagnostics)?;
        self.spend(value.size(), node, diagnostics)?;
        Some(Node::clone(value))
    }

    /// What a name stands for, or an error where nothing is named so.
    fn known(&self, name: &str, node: &Node, diagnostics: &mut Diagnostics) -> Option<&Option<Rc<Node>>> {
        let value = self.values.get(name);
        if value.is_none() {
            let mut hint = did_you_mean(name, "parameters", self.values.keys().map(String::as_str));
            if self.values.is_empty() {
                let declared =
                    format!("a file of models/ or pipelines/ has [parameters], as `{name} = {{ default = 0.5 }}`");
                hint = hint.and(&format!("; {declared}"));
            }
            diagnostics.push(Error::at(node, format!("no parameter is named `{name}`")).hint(hint));
            self.incomplete.set(true);
        }
        value
    }

    fn spend(&self, values: usize, node: &Node, diagnostics: &mut Diagnostics) -> Option<()> {
        let left = self.left.get().checked_sub(values);
        self.left.set(left.unwrap_or(0));
        if left.is_none() {
            let error = Error::at(node, format!("filled in, this has more than {VALUES} values"));
            diagnostics.push(error.help("give shorter lists"));
        }
        left.map(|_| ())
    }
}

/// The name in a string that is exactly "{name}".
pub fn placeholder(text: &str) -> Option<&str> {
    let name = text.strip_prefix('{')?.strip_suffix('}')?;
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    (!name.is_empty() && name.chars().all(word)).then_some(name)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::node::Source;
    use super::super::parse::parse;
    use super::*;

    fn node(name: &str, text: &str) -> Node {
        let mut diagnostics = Diagnostics::default();
        let node = parse(&Arc::new(Source::new(name, text)), &mut diagnostics);
        assert!(diagnostics.is_empty(), "{diagnostics}");
        node
    }

    fn filled(template: &str, arguments: &str) -> Node {
        let (template, arguments) = (node("template", template), node("experiment", arguments));
        let mut diagnostics = Diagnostics::default();
        let mut body = Fields::of(&template, "the template", &mut diagnostics).unwrap();
        let parameters = parameters(body.node("parameters"), &mut diagnostics);
        let scope = Scope::bind(&parameters, arguments.table().unwrap(), &template, &[], &mut diagnostics);
        let filled = scope.fill(body.node("body").unwrap(), &mut diagnostics).unwrap();
        assert!(diagnostics.is_empty(), "{diagnostics}");
        filled
    }

    #[test]
    fn a_value_keeps_its_type_and_the_place_where_it_was_written() {
        let template = "[parameters]\nrate = {}\nscope = { default = 'layer' }\n[body]\na = '{rate}'\nb = '{scope}'";
        let filled = filled(template, "rate = { linear = 0.2 }");
        let entries = filled.table().unwrap();
        let place = |key: &str| (entries[key].1.origin.source.name.clone(), entries[key].1.origin.text().to_string());
        assert_eq!(place("a"), ("experiment".into(), "{ linear = 0.2 }".into()));
        assert_eq!(place("b"), ("template".into(), "'layer'".into()));
        assert_eq!(entries["a"].1.table().unwrap()["linear"].1.value, Value::Float(0.2));
    }

    #[test]
    fn an_option_left_out_removes_its_key_and_a_longer_string_is_left_as_it_is() {
        let template = "[parameters]\nstop = { optional = true }\n[body]\nuntil = '{stop}'\ntitle = 'a {stop}'";
        let filled = filled(template, "");
        assert_eq!(filled.table().unwrap().keys().collect::<Vec<_>>(), ["title"]);
        assert_eq!(filled.table().unwrap()["title"].1.string(), Some("a {stop}"));
    }

    #[test]
    fn an_argument_that_looks_like_a_placeholder_is_not_filled_in_again() {
        let template = "[parameters]\na = {}\nb = { default = 1 }\n[body]\nx = '{a}'";
        assert_eq!(filled(template, "a = '{b}'").table().unwrap()["x"].1.string(), Some("{b}"));
    }
}
