//! `[[layer]]`: layers, residual blocks and repetitions → a tree of named layers.

use std::collections::{HashMap, HashSet};

use super::changes::LayerChanges;
use super::diagnostic::Diagnostics;
use super::fields::{Fields, list, single};
use super::node::{Error, Node, Origin, Value};
use super::schema::compounds;
use super::{Form, LayerSpec, NAME, TIMES, is_name};
use crate::nearest::did_you_mean;
use crate::registry::{Kind, Registry, Use};

/// More layers than any model has, repetitions written out: repeats within repeats end in an error, not out of memory.
const LAYERS: usize = 10_000;

/// Reads a model's layers, their placeholders filled in already, with the changes that its user makes.
pub fn read(
    node: &Node,
    changes: &LayerChanges<'_>,
    registry: &Registry,
    diagnostics: &mut Diagnostics,
) -> Vec<LayerSpec> {
    let mut reader =
        Reader { registry, changes, diagnostics, taken: HashMap::new(), changeable: HashSet::new(), read: 0 };
    let mut layers = Vec::new();
    reader.list(node, "a model", &mut Names::within(""), &mut layers);
    changes.finish(&reader.changeable, reader.diagnostics);
    layers
}

struct Reader<'a> {
    registry: &'a Registry,
    changes: &'a LayerChanges<'a>,
    diagnostics: &'a mut Diagnostics,
    /// The names so far, and where they were written.
    taken: HashMap<String, Origin>,
    /// The names of those that are no blocks.
    changeable: HashSet<String>,
    /// Layers read so far, those of repetitions as often as they are repeated.
    read: usize,
}

/// How the layers of a model, of a block or of its shortcut are named.
struct Names {
    /// "block2." in a block, "" in a model.
    prefix: String,
    /// How often each name was numbered.
    numbers: HashMap<String, u32>,
    /// Whether the layers are repeated, and so their own names numbered too.
    repeated: bool,
}

impl Names {
    fn within(prefix: &str) -> Names {
        Names { prefix: prefix.to_string(), numbers: HashMap::new(), repeated: false }
    }

    /// The name as written, or the kind; numbered, unless it is written once for one layer.
    fn next(&mut self, written: Option<&str>, kind: &str) -> String {
        let prefix = &self.prefix;
        match written {
            Some(name) if !self.repeated => format!("{prefix}{name}"),
            _ => {
                let name = written.unwrap_or(kind);
                let number = self.numbers.entry(name.to_string()).and_modify(|n| *n += 1).or_insert(1);
                format!("{prefix}{name}{number}")
            }
        }
    }
}

impl Reader<'_> {
    fn list(&mut self, node: &Node, of: &str, names: &mut Names, into: &mut Vec<LayerSpec>) {
        let items = list(node, "the layers", self.diagnostics);
        if items.is_empty() && matches!(node.value, Value::List(_)) {
            let error = Error::at(node, format!("{of} needs at least one layer"));
            self.diagnostics.push(error.help("for example `{ relu = {} }`"));
        }
        for item in items {
            self.read += 1;
            if self.read > LAYERS {
                return self.too_many(item);
            }
            self.item(item, names, into);
        }
    }

    fn too_many(&mut self, item: &Node) {
        // Said where it happens, and not by the lists around it again.
        if self.read == LAYERS + 1 {
            let message = format!("with its repetitions written out, this model has more than {LAYERS} layers");
            self.diagnostics.push(Error::at(item, message).help("repeat less"));
        }
    }

    /// Nothing is added where there was an error.
    fn item(&mut self, node: &Node, names: &mut Names, into: &mut Vec<LayerSpec>) {
        let Some((kind, origin, config)) = single(node, &["name"], "a [[layer]]", self.diagnostics) else { return };
        if kind == "repeat" {
            return self.repeat(node, config, names, into);
        }
        let Some(name) = self.name(node, kind, names) else { return };
        if let Some(other) = self.taken.insert(name.clone(), origin.clone()) {
            let error =
                Error::new(origin, format!("two layers are named `{name}`")).context(&other, "the other is here");
            self.diagnostics.push(error.help("give one of them another name"));
        }
        let form = match kind {
            "residual" => self.residual(config, &name),
            _ => {
                let changed = self.changes.changed(&name, config);
                self.changeable.insert(name.clone());
                if self.is_of_another_kind(&name, kind) {
                    return;
                }
                self.plugin(kind, origin, changed.as_ref().unwrap_or(config)).map(Form::One)
            }
        };
        let written = self.changes.changed(&name, config).unwrap_or_else(|| config.clone());
        into.extend(form.map(|form| LayerSpec { name, form, origin: origin.clone(), written }));
    }

    /// Whether a change would make a layer one of another kind, which is an error.
    fn is_of_another_kind(&mut self, name: &str, kind: &str) -> bool {
        let is_kind = |key: &str| self.registry.about(Kind::Layer, key).is_some();
        let change = self.changes.of_layer(name).and_then(Node::table).into_iter().flatten();
        let Some((other, (place, _))) = change.into_iter().find(|(key, _)| is_kind(key)) else { return false };
        let error = Error::new(place, format!("`{name}` is a `{kind}`, and a change makes no `{other}` of it"));
        self.diagnostics.push(error.help("change its fields, or write the layers out yourself, without `use`"));
        true
    }

    fn name(&mut self, node: &Node, kind: &str, names: &mut Names) -> Option<String> {
        let Some((_, written)) = node.table().and_then(|entries| entries.get("name")) else {
            return Some(names.next(None, kind));
        };
        let Some(text) = written.string().filter(|text| is_name(text)) else {
            let error = Error::at(written, "this is no name for a layer");
            self.diagnostics.push(error.help(NAME));
            return None;
        };
        Some(names.next(Some(text), kind))
    }

    fn plugin(&mut self, kind: &str, origin: &Origin, config: &Node) -> Option<Use> {
        if self.registry.about(Kind::Layer, kind).is_none() {
            let plugins = self.registry.abouts(Kind::Layer).into_iter().map(|about| about.name);
            let help = did_you_mean(kind, "layers", plugins.chain(compounds(Kind::Layer).map(|of| of.name)));
            self.diagnostics.push(Error::new(origin, format!("no layer is named {kind:?}")).hint(help));
            return None;
        }
        self.registry.configure(Kind::Layer, kind, origin, config, self.diagnostics)
    }

    /// y = layers(x) + shortcut(x); without a shortcut, y = layers(x) + x.
    fn residual(&mut self, node: &Node, name: &str) -> Option<Form> {
        let mut fields = Fields::of(node, "`residual`", self.diagnostics)?;
        let (body, other) = (fields.need_node("layers"), fields.node("shortcut"));
        fields.finish(self.diagnostics);
        let (mut layers, mut shortcut) = (Vec::new(), Vec::new());
        self.list(body?, "a residual block", &mut Names::within(&format!("{name}.")), &mut layers);
        if let Some(other) = other {
            let remedy = "a shortcut (leave it out for the identity)";
            self.list(other, remedy, &mut Names::within(&format!("{name}.shortcut.")), &mut shortcut);
        }
        Some(Form::Residual { layers, shortcut })
    }

    fn repeat(&mut self, item: &Node, node: &Node, names: &mut Names, into: &mut Vec<LayerSpec>) {
        if let Some((key, _)) = item.table().and_then(|entries| entries.get("name")) {
            let error = Error::new(key, "a `repeat` has no name of its own");
            self.diagnostics.push(error.help("name the layers in it: their names get numbers"));
        }
        let Some(mut fields) = Fields::of(node, "`repeat`", self.diagnostics) else { return };
        fields.need_node("times");
        let times = fields.read_if("times", &format!("from 0 to {TIMES}"), |times| *times <= TIMES, self.diagnostics);
        let layers = fields.need_node("layers");
        fields.finish(self.diagnostics);
        let Some(layers) = layers else { return };
        let outer = std::mem::replace(&mut names.repeated, true);
        for _ in 0..times.unwrap_or(1) {
            let before = self.diagnostics.len();
            self.list(layers, "a `repeat`", names, into);
            // What is wrong once is wrong every time.
            if self.diagnostics.len() > before || self.read > LAYERS {
                break;
            }
        }
        names.repeated = outer;
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{DOTS, Experiment, SOUND};
    use super::*;

    /// The model of these layers, in an experiment that is sound otherwise.
    fn load(layers: &str) -> Result<Vec<LayerSpec>, String> {
        let text = SOUND.replace("use = \"lenet-300-100\"", &format!("layer = [{layers}]"));
        let experiment = Experiment::new(&[("experiment.toml", &text), ("datasets/dots.toml", DOTS)]);
        experiment.load(&[]).map(|mut spec| spec.variants.remove(0).model.layers).map_err(|errors| errors.to_string())
    }

    /// What the author of layers that are wrong is told.
    fn refused(layers: &str) -> String {
        load(layers).err().unwrap_or_else(|| panic!("nothing is wrong with {layers}"))
    }

    /// Every name, blocks after their layers.
    fn names(layers: &str) -> Vec<String> {
        let layers = load(layers).unwrap_or_else(|errors| panic!("{errors}"));
        layers.iter().flat_map(LayerSpec::walk).map(|layer| layer.name.clone()).collect()
    }

    #[test]
    fn a_blocks_layers_have_names_of_their_own_after_the_blocks() {
        let block = "{ residual = { layers = [{ linear = { units = 3 } }, { relu = {} }, { linear = { units = 3 } }], \
                     shortcut = [{ linear = { units = 3 } }] }, name = \"block\" }";
        let own = ["block.linear1", "block.relu1", "block.linear2", "block.shortcut.linear1", "block", "relu1"];
        assert_eq!(names(&format!("{block}, {{ relu = {{}} }}")), own);
        assert_eq!(names("{ residual = { layers = [{ relu = {} }] } }"), ["residual1.relu1", "residual1"]);
    }

    #[test]
    fn what_is_repeated_is_numbered_on_and_on() {
        let inner = "{ relu = {} }, { linear = { units = 3 }, name = \"fc\" }";
        let twice = |layers: &str| format!("{{ repeat = {{ times = 2, layers = [{layers}] }} }}");
        assert_eq!(names(&twice(inner)), ["relu1", "fc1", "relu2", "fc2"]);
        assert_eq!(names(&twice(&twice("{ linear = { units = 3 }, name = \"fc\" }"))), ["fc1", "fc2", "fc3", "fc4"]);
        let more = format!("{}, {{ relu = {{}} }}, {}", twice(inner), twice("{ relu = {} }"));
        assert_eq!(names(&more), ["relu1", "fc1", "relu2", "fc2", "relu3", "relu4", "relu5"]);
        let block = twice("{ name = \"block\", residual = { layers = [{ relu = {} }] } }");
        assert_eq!(names(&block), ["block1.relu1", "block1", "block2.relu1", "block2"]);
    }

    #[test]
    fn errors_are_told_once_however_often_they_are_repeated() {
        let errors = refused("{ repeat = { times = 9, layers = [{ rely = {} }, { linear = {} }] } }");
        assert!(errors.ends_with("2 errors"), "{errors}");
        // Wherever the line is broken.
        let errors = errors.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(errors.contains("did you mean `relu`?") && errors.contains("residual, repeat"), "{errors}");
    }

    #[test]
    fn unknown_and_missing_keys_of_blocks_are_errors() {
        for (layers, told) in [
            ("{ residual = { layer = [{ relu = {} }] } }", "did you mean `layers`?"),
            ("{ residual = { layers = [] } }", "a residual block needs at least one layer"),
            ("{ residual = { layers = [{ relu = {} }], shortcut = [] } }", "leave it out for the identity"),
            ("{ residual = [] }", "`residual` must be a table"),
            ("{ repeat = { times = 1001, layers = [{ relu = {} }] } }", "it must be from 0 to 1000"),
            ("{ repeat = { layers = [{ relu = {} }] } }", "`repeat` needs `times`"),
            ("{ repeat = { times = 2, layers = [{ relu = {} }] }, name = \"a\" }", "name the layers in it"),
        ] {
            let errors = refused(layers);
            assert!(errors.contains(told) && errors.ends_with("1 error"), "{layers}: {errors}");
        }
    }

    #[test]
    fn two_layers_of_one_name_are_an_error_wherever_they_stand() {
        let twice = "{ relu = {}, name = \"a\" }, { linear = { units = 3 }, name = \"a\" }";
        assert!(refused(twice).contains("two layers are named `a`"));
        let inner = "{ name = \"shortcut\", residual = { layers = [{ relu = {} }] } }";
        let hidden = format!("{{ name = \"b\", residual = {{ layers = [{inner}], shortcut = [{{ relu = {{}} }}] }} }}");
        assert!(refused(&hidden).contains("two layers are named `b.shortcut.relu1`"));
    }

    #[test]
    fn too_many_layers_and_too_deep_blocks_are_errors() {
        let thousand = |layers: &str| format!("{{ repeat = {{ times = 1000, layers = [{layers}] }} }}");
        let errors = refused(&thousand(&thousand(&thousand("{ relu = {} }"))));
        assert!(errors.contains("more than 10000 layers") && errors.ends_with("1 error"), "{errors}");
        let deep = format!("{}{{ relu = {{}} }}{}", "{ residual = { layers = [".repeat(500), "] } }".repeat(500));
        assert!(load(&deep).is_err());
    }
}
