//! A declared model, pipeline or data set: its file, over those that it `extends`.

use std::sync::Arc;

use super::diagnostic::Diagnostics;
use super::extends::from;
use super::node::{Error, Node, Source, Value};
use super::overlay::overlay;
use super::parse::parse;
use super::shipped::{Declared, Library};
use super::spelling;

impl Library<'_> {
    /// What a file declares. A file over which it is put keeps its places, and says where it was extended.
    pub fn declaration(&self, kind: Declared, source: &Arc<Source>, diagnostics: &mut Diagnostics) -> Node {
        self.below(kind, source, &mut Vec::new(), diagnostics)
    }

    fn below(&self, kind: Declared, source: &Arc<Source>, chain: &mut Vec<String>, d: &mut Diagnostics) -> Node {
        let mut node = parse(source, d);
        spelling::check(&node, d);
        let extends = match &mut node.value {
            Value::Table(entries) => entries.shift_remove("extends"),
            _ => None,
        };
        let Some((_, name)) = extends else { return node };
        match self.base(kind, &name, chain) {
            Ok(base) => {
                let mut root = self.below(kind, &from(base, &name.origin), chain, d);
                let origin = node.origin.clone();
                overlay(&mut root, node);
                Node { origin, ..root }
            }
            Err(error) => {
                d.push(error.placed(&name.origin));
                node
            }
        }
    }

    fn base(&self, kind: Declared, extends: &Node, chain: &mut Vec<String>) -> Result<Arc<Source>, Error> {
        let Some(name) = extends.string() else {
            let error = Error::nowhere(format!("`extends` must be a {kind}'s name, not {}", extends.sort()));
            return Err(error.help(format!("{kind}s: {}", self.names(kind).join(", "))));
        };
        if chain.iter().any(|other| other == name) {
            let circle = chain.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join(" → ");
            return Err(Error::nowhere(format!("{name:?} extends itself")).help(format!("break the circle: {circle}")));
        }
        chain.push(name.to_string());
        self.source(kind, name)
    }
}

#[cfg(test)]
mod tests {
    use crate::spec::fixture::{DOTS, Experiment, SOUND};
    use crate::spec::{Form, Spec};

    fn experiment(model: &str, more: &[(&str, &str)]) -> Experiment {
        let text = SOUND.replace("lenet-300-100", model);
        let files = [("experiment.toml", text.as_str()), ("datasets/dots.toml", DOTS)];
        Experiment::new(&files.into_iter().chain(more.iter().copied()).collect::<Vec<_>>())
    }

    fn units(spec: &Spec) -> Vec<u64> {
        let linear = spec.variants[0].model.layers.iter().filter_map(|layer| match &layer.form {
            Form::One(used) if used.name == "linear" => used.config["units"].as_u64(),
            _ => None,
        });
        linear.collect()
    }

    #[test]
    fn a_model_is_another_with_other_defaults_or_with_other_layers() {
        let base = "summary = 'x'\n[parameters]\ndepth = { default = 1 }\n[[layer]]\n\
                    repeat = { times = '{depth - 1}', layers = [{ linear = { units = 7 } }] }\n\
                    [[layer]]\nlinear = { units = '{classes}' }";
        let files = [
            ("models/base.toml", base),
            ("models/three.toml", "extends = 'base'\nparameters.depth.default = 3"),
            ("models/four.toml", "extends = 'three'\nsummary = 'y'\n[parameters]\ndepth.default = 4"),
            ("models/other.toml", "extends = 'base'\nlayer = [{ linear = { units = '{depth}' } }]"),
        ];
        let read = |model| units(&experiment(model, &files).load(&[]).unwrap_or_else(|errors| panic!("{errors}")));
        assert_eq!(read("base"), [10]);
        assert_eq!(read("three"), [7, 7, 10]);
        assert_eq!(read("four"), [7, 7, 7, 10]);
        assert_eq!(read("other"), [1]);
        let wider = experiment("three", &files).load(&["model.depth=2"]).unwrap();
        assert_eq!(units(&wider), [7, 10]);
    }

    #[test]
    fn an_error_in_a_base_says_by_which_chain_it_came_in() {
        let files = [
            ("models/base.toml", "[[layer]]\nlineer = { units = 7 }"),
            ("models/middle.toml", "extends = 'base'"),
            ("models/top.toml", "extends = 'middle'"),
        ];
        let errors = experiment("top", &files).errors(&[]);
        for place in
            ["models/base.toml:2:1", "models/middle.toml:1:11", "models/top.toml:1:11", "the model is used here"]
        {
            assert!(errors.contains(place), "{place} in: {errors}");
        }
    }
}
