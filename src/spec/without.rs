//! `without`: what an experiment leaves out of the one that it extends, as `["pipeline.dense", "training.schedule"]`.

use std::ops::Range;

use super::diagnostic::Diagnostics;
use super::fields::list;
use super::node::{Error, Node, Value};
use super::quoted::Quoted;
use crate::nearest::did_you_mean;

/// Takes the values of these dotted keys out of the base, each of which must be there.
pub fn leave_out(base: &mut Node, keys: &Node, diagnostics: &mut Diagnostics) {
    let items = list(keys, "`without`", diagnostics);
    let mut seen: Vec<&str> = Vec::new();
    for item in items {
        let Some(text) = item.string() else {
            let message = format!("`without` is a list of keys of the base, and this is {}", item.sort());
            diagnostics.push(Error::at(item, message).help(EXAMPLE));
            continue;
        };
        match seen.contains(&text) {
            true => {
                let error = Error::at(item, format!("{} is in the list twice", item.origin.text()));
                diagnostics.push(error.help("once is enough"));
            }
            false => take_out(base, text, &Quoted::of(item, text), diagnostics),
        }
        seen.push(text);
    }
}

const EXAMPLE: &str = "for example `without = [\"pipeline.dense\", \"training.schedule\"]`";

fn take_out(base: &mut Node, text: &str, written: &Quoted, diagnostics: &mut Diagnostics) {
    let mut node = base;
    let mut parts = parts(text).into_iter().peekable();
    while let Some(part) = parts.next() {
        let (of, key) = (text[..part.start].trim_end_matches('.'), &text[part.clone()]);
        let whole = if of.is_empty() { "the base".to_string() } else { format!("the base's `{of}`") };
        let sort = node.sort();
        let Value::Table(entries) = &mut node.value else {
            let error = Error::new(&written.origin(&part), format!("{whole} is {sort}, and has no `{key}`"));
            return diagnostics.push(error.help(format!("leave out \"{of}\" as a whole")));
        };
        if !entries.contains_key(key) {
            let hint = did_you_mean(key, &format!("keys of {whole}"), entries.keys().map(String::as_str));
            let error = Error::new(&written.origin(&part), format!("{whole} has no `{key}` to leave out"));
            return diagnostics.push(error.hint(hint));
        }
        if parts.peek().is_none() {
            entries.shift_remove(key);
            return;
        }
        node = &mut entries[key].1;
    }
}

/// Where the keys of a dotted key are.
fn parts(text: &str) -> Vec<Range<usize>> {
    let mut at = 0;
    let part = |part: &str| {
        let range = at..at + part.len();
        at = range.end + 1;
        range
    };
    text.split('.').map(part).collect()
}

#[cfg(test)]
mod tests {
    use crate::spec::fixture::{DOTS, Experiment, SOUND};
    use crate::spec::{Spec, StageSpec};

    const MIDDLE: &str =
        "extends = 'sound.toml'\npipeline.imp = { use = 'imp', levels = 3 }\ntraining.schedule = 'cosine'";

    fn load(experiment: &str) -> Spec {
        let files = [
            ("experiment.toml", experiment),
            ("middle.toml", MIDDLE),
            ("sound.toml", SOUND),
            ("datasets/dots.toml", DOTS),
        ];
        Experiment::new(&files).load(&[]).unwrap_or_else(|errors| panic!("{errors}"))
    }

    fn schedule(spec: &Spec) -> serde_json::Value {
        match spec.variants[0].pipelines.values().next().map(|pipeline| &pipeline.stages[1]) {
            Some(StageSpec::One(train, _)) => train.config["schedule"]["use"].clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_pipeline_or_a_value_of_a_base_is_left_out() {
        let spec = load("extends = 'middle.toml'");
        assert_eq!((spec.variants[0].pipelines.len(), schedule(&spec)), (2, "cosine".into()));
        let spec = load("extends = 'middle.toml'\nwithout = ['pipeline.dense', 'training.schedule']");
        assert_eq!(spec.variants[0].pipelines.keys().collect::<Vec<_>>(), ["imp"]);
        assert_eq!(schedule(&spec), "constant");
    }

    #[test]
    fn what_is_left_out_may_be_said_anew_and_nothing_of_the_old_remains() {
        let anew = "extends = 'middle.toml'\nwithout = ['pipeline.imp']\n[pipeline.imp]\nuse = 'dense'";
        assert_eq!(load(anew).variants[0].pipelines["imp"].stages.len(), 2);
    }
}
