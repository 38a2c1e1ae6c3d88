//! `without`: what an experiment leaves out of the one that it extends, as `["pipeline.dense", "training.schedule"]`.

use std::ops::Range;

use super::diagnostic::Diagnostics;
use super::fields::list;
use super::node::{Error, Node, Origin, Value};
use super::quoted::Quoted;
use crate::nearest::did_you_mean;

/// A value that an experiment leaves out of its base.
pub struct LeftOut {
    /// Its dotted key.
    key: String,
    /// Where the experiment says so.
    origin: Origin,
}

/// Takes the values of these dotted keys out of the base, each of which must be there.
pub fn leave_out(base: &mut Node, keys: &Node, diagnostics: &mut Diagnostics) -> Vec<LeftOut> {
    let items = list(keys, "`without`", diagnostics);
    let mut left_out: Vec<LeftOut> = Vec::new();
    for item in items {
        let Some(text) = item.string() else {
            let message = format!("`without` is a list of keys of the base, and this is {}", item.sort());
            diagnostics.push(Error::at(item, message).help(EXAMPLE));
            continue;
        };
        match left_out.iter().any(|other| other.key == text) {
            true => {
                let error = Error::at(item, format!("{} is in the list twice", item.origin.text()));
                diagnostics.push(error.help("once is enough"));
            }
            false => diagnostics.extend(take_out(base, text, &Quoted::of(item, text)).err()),
        }
        left_out.push(LeftOut { key: text.to_string(), origin: item.origin.clone() });
    }
    left_out
}

const EXAMPLE: &str = "for example `without = [\"pipeline.dense\", \"training.schedule\"]`";

fn take_out(base: &mut Node, text: &str, written: &Quoted) -> Result<(), Error> {
    let mut node = base;
    let mut parts = parts(text).into_iter().peekable();
    while let Some(part) = parts.next() {
        let (of, key) = (text[..part.start].trim_end_matches('.'), &text[part.clone()]);
        let whole = if of.is_empty() { "the base".to_string() } else { format!("the base's `{of}`") };
        let sort = node.sort();
        let Value::Table(entries) = &mut node.value else {
            let error = Error::new(&written.origin(&part), format!("{whole} is {sort}, and has no `{key}`"));
            return Err(error.help(format!("leave out \"{of}\" as a whole")));
        };
        if !entries.contains_key(key) {
            let hint = did_you_mean(key, &format!("keys of {whole}"), entries.keys().map(String::as_str));
            let error = Error::new(&written.origin(&part), format!("{whole} has no `{key}` to leave out"));
            return Err(error.hint(hint));
        }
        if parts.peek().is_none() {
            entries.shift_remove(key);
            break;
        }
        node = &mut entries[key].1;
    }
    Ok(())
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

/// Errors of what is absent because it was left out say so. Where the base itself still names a pipeline that is left
/// out, that is one error, which says what else to leave out.
pub fn blame(left_out: &[LeftOut], root: &Node, found: Diagnostics) -> Diagnostics {
    let mut told = Diagnostics::default();
    for error in found.errors() {
        let lacks = |of: &&LeftOut| of.key.rsplit('.').next() == error.missing.as_deref();
        let Some(of) = left_out.iter().find(lacks) else {
            told.push(error.clone());
            continue;
        };
        let in_the_base = error.origin.as_ref().is_some_and(|origin| origin.source.extended.is_some());
        match in_the_base && of.key.starts_with("pipeline.") {
            true => told.extend(still_named(of, root, &found)),
            false => told.push(error.clone().context(&of.origin, "left out here")),
        }
    }
    told
}

fn still_named(of: &LeftOut, root: &Node, found: &Diagnostics) -> Option<Error> {
    let name = of.key.strip_prefix("pipeline.")?;
    let naming = found.errors().iter().filter(|error| error.missing.as_deref() == Some(name));
    let mut keys: Vec<String> = Vec::new();
    let mut error = Error::new(&of.origin, format!("the base still names `{name}`, which is left out"));
    for place in naming.filter_map(|error| error.origin.as_ref()).filter(|place| place.source.extended.is_some()) {
        let Some(key) = holder(root, place).filter(|key| !keys.contains(key)) else { continue };
        error = error.context(place, format!("in `{key}`"));
        keys.push(key);
    }
    let keys = keys.iter().map(|key| format!("{key:?}")).collect::<Vec<_>>().join(", ");
    Some(error.help(format!("leave that out, too, or say it anew: {keys}")))
}

/// The key of an experiment, or of a pipeline, below which something is written.
fn holder(root: &Node, place: &Origin) -> Option<String> {
    let (key, (_, node)) = root.table()?.iter().find(|(_, (_, node))| holds(node, place))?;
    let pipelines = node.table().filter(|_| key == "pipeline");
    let pipeline = pipelines.and_then(|of| of.iter().find(|(_, (_, node))| holds(node, place)));
    Some(pipeline.map_or(key.clone(), |(name, _)| format!("{key}.{name}")))
}

fn holds(node: &Node, place: &Origin) -> bool {
    match &node.value {
        Value::Table(entries) => entries.values().any(|(_, node)| holds(node, place)),
        Value::List(items) => items.iter().any(|node| holds(node, place)),
        _ => node.origin.holds(place),
    }
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
