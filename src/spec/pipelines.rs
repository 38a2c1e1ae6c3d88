//! `[pipeline]`: all pipelines of an experiment, and what must hold between them.

use std::collections::{BTreeSet, HashMap};

use super::diagnostic::Diagnostics;
use super::fields::Fields;
use super::node::{Entries, Error, Node};
use super::pipeline::Pipelines;
use super::{Fork, NAME, PipelineSpec, is_name};
use crate::nearest::did_you_mean;

/// More than any figure can show: what is compared pair by pair stays quick.
const PIPELINES: usize = 500;

pub fn read_pipelines(node: &Node, reader: &Pipelines<'_>, diagnostics: &mut Diagnostics) -> Vec<PipelineSpec> {
    if Fields::of(node, "[pipeline]", diagnostics).is_none() {
        return Vec::new();
    }
    let none = Entries::new();
    let entries = node.table().unwrap_or(&none);
    if entries.is_empty() {
        let error = Error::at(node, "an experiment needs at least one pipeline").absent("a pipeline");
        diagnostics.push(error.help("for example `[pipeline.dense]` with `use = \"dense\"`"));
    }
    if entries.len() > PIPELINES {
        let message = format!("{} pipelines, and an experiment has {PIPELINES} at most", entries.len());
        diagnostics.push(Error::at(node, message).help("compare fewer, or make several experiments of it"));
        return Vec::new();
    }
    let (mut sound, mut pipelines) = (Vec::new(), Vec::new());
    for (name, (key, node)) in entries {
        if !is_name(name) {
            let error = Error::new(key, format!("{name:?} is no name for a pipeline"));
            diagnostics.push(error.help(NAME));
        }
        let mut found = Diagnostics::default();
        let gives = |key: &&str| node.table().is_none_or(|entries| entries.contains_key(*key));
        if key.source.is_override() && !["use", "stage"].iter().any(gives) {
            let others = entries.keys().map(String::as_str).filter(|other| other != name);
            let error = Error::new(key, format!("no pipeline is named {name:?}")).absent(name);
            diagnostics.push(error.hint(did_you_mean(name, "pipelines", others)));
            continue;
        }
        let read = reader.read(name, key, node, &mut found);
        sound.extend(read.iter().filter(|_| found.is_empty()).map(|pipeline| pipeline.name.clone()));
        diagnostics.extend(found.errors().to_vec());
        pipelines.extend(read);
    }
    let mut wrong = check_forks(&pipelines, entries, diagnostics);
    wrong.extend(entries.keys().filter(|name| !sound.contains(*name)).cloned());
    // What forks from a pipeline that is wrong cannot be planned either.
    while let Some(lost) = pipelines.iter().find(|of| !wrong.contains(&of.name) && forks_from(of, &wrong)) {
        wrong.insert(lost.name.clone());
    }
    pipelines.retain(|pipeline| !wrong.contains(&pipeline.name));
    pipelines
}

fn forks_from(pipeline: &PipelineSpec, names: &BTreeSet<String>) -> bool {
    pipeline.fork.as_ref().is_some_and(|fork| fork.needs().any(|(name, _)| names.contains(name)))
}

/// Each fork's pipeline exists, and following forks ends: the pipelines of which that is not so.
fn check_forks(pipelines: &[PipelineSpec], entries: &Entries, diagnostics: &mut Diagnostics) -> BTreeSet<String> {
    let parent = |name: &str| pipelines.iter().find(|other| other.name == name)?.fork.as_ref();
    let mut wrong = BTreeSet::new();
    for pipeline in pipelines {
        let Some(fork) = &pipeline.fork else { continue };
        for (absent, origin) in fork.needs().filter(|(name, _)| !entries.contains_key(*name)) {
            let others = entries.keys().map(String::as_str).filter(|name| *name != pipeline.name);
            let hint = did_you_mean(absent, "pipelines", others);
            let error = Error::new(origin, format!("no pipeline is named {absent:?}"));
            diagnostics.push(error.hint(hint).absent(absent));
            wrong.insert(pipeline.name.clone());
        }
        let circles = fork.needs().filter_map(|(next, origin)| Some((origin, circle(&pipeline.name, next, &parent)?)));
        for (origin, circle) in circles {
            let error = Error::new(origin, format!("`{}` forks from itself", pipeline.name));
            diagnostics.push(error.help(format!("break the circle: {}", circle.join(" → "))));
            wrong.insert(pipeline.name.clone());
        }
    }
    wrong
}

/// The way from a pipeline, by one that it needs and what that needs, back to itself, if there is one.
fn circle<'a>(name: &'a str, by: &'a str, parent: &impl Fn(&str) -> Option<&'a Fork>) -> Option<Vec<&'a str>> {
    let mut from: HashMap<&str, &str> = HashMap::from([(by, name)]);
    let mut left = vec![by];
    while let Some(here) = left.pop() {
        if here == name {
            let back = std::iter::successors(from.get(name).copied(), |here| {
                from.get(here).copied().filter(|_| *here != name)
            });
            let mut way: Vec<&str> = std::iter::once(name).chain(back).collect();
            way.reverse();
            return Some(way);
        }
        for (next, _) in parent(here).into_iter().flat_map(Fork::needs) {
            if !from.contains_key(next.as_str()) {
                from.insert(next, here);
                left.push(next);
            }
        }
    }
    None
}
