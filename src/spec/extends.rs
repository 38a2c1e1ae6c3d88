//! `extends`: an experiment on the base of another, a shipped one by name or a file of its own folder.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::diagnostic::Diagnostics;
use super::folder::Folder;
use super::merge::merge;
use super::node::{Error, Node, Origin, SHIPPED, Source, Unread, Value};
use super::overlay::overlay;
use super::parse::parse;
use super::shipped::shipped_experiment;
use super::without::{LeftOut, leave_out};
use crate::nearest::did_you_mean;

/// What an experiment extends, as a whole.
#[derive(Default)]
pub struct Extended {
    /// `None` where it extends nothing, or where that was wrong.
    pub base: Option<Node>,
    /// The files of its folder that are bases, and so no part of itself.
    pub files: Vec<PathBuf>,
    /// The shipped experiments among its bases, the nearest first.
    pub shipped: Vec<Base>,
    pub left_out: Vec<LeftOut>,
}

const FOR_EXAMPLE: &str = "for example \"quickstart\", or \"bases/common.toml\" for a file of the folder";

/// A shipped experiment that another extends.
#[derive(Clone)]
pub struct Base {
    pub name: String,
    /// Where it was asked for.
    pub origin: Origin,
}

/// Takes `extends` and `without` out of an experiment and follows its bases to their end.
pub fn extended(experiment: &mut Node, folder: &Folder, diagnostics: &mut Diagnostics) -> Extended {
    let mut extended = Extended::default();
    let mut chain = vec!["experiment.toml".to_string()];
    let mut bases = Vec::new();
    let (mut next, mut without) = (take(experiment, "extends"), vec![take(experiment, "without")]);
    while let Some((_, name)) = next {
        let Some(mut base) = base(&name, folder, &mut chain, &mut extended, diagnostics) else {
            return extended;
        };
        next = take(&mut base, "extends");
        without.push(take(&mut base, "without"));
        bases.push(base);
    }
    if let Some((key, _)) = without.pop().flatten() {
        let error = Error::new(&key, "`without` leaves something out of a base, and there is no `extends`");
        diagnostics.push(error.help("add `extends`, or delete what this experiment says itself"));
    }
    // Each level over those below it, without what it leaves out of them.
    for left_out in without.into_iter().rev() {
        let Some(mut base) = bases.pop() else { break };
        if let Some(below) = extended.base.take() {
            base = over(below, base);
        }
        if let Some((_, list)) = left_out {
            extended.left_out.extend(leave_out(&mut base, &list, diagnostics));
        }
        extended.base = Some(base);
    }
    extended
}

fn over(mut base: Node, node: Node) -> Node {
    overlay(&mut base, node);
    base
}

fn take(experiment: &mut Node, key: &str) -> Option<(Origin, Node)> {
    match &mut experiment.value {
        Value::Table(entries) => entries.shift_remove(key),
        _ => None,
    }
}

fn base(
    name: &Node,
    folder: &Folder,
    chain: &mut Vec<String>,
    extended: &mut Extended,
    diagnostics: &mut Diagnostics,
) -> Option<Node> {
    let mut fail = |error: Error| diagnostics.push(error.placed(&name.origin).hides(Unread::Value));
    let Some(text) = name.string() else {
        let message = format!("`extends` must be the name of a shipped experiment or of a file, not {}", name.sort());
        fail(Error::nowhere(message).help(FOR_EXAMPLE));
        return None;
    };
    if chain.iter().any(|other| other == text) {
        let circle = chain.iter().map(String::as_str).skip_while(|other| *other != text).chain([text]);
        let circle = circle.collect::<Vec<_>>().join(" → ");
        let error = Error::nowhere(format!("{text:?} extends itself")).help(format!("break the circle: {circle}"));
        fail(error);
        return None;
    }
    chain.push(text.to_string());
    let sources = match text.ends_with(".toml") {
        true => file(text, folder, &mut extended.files).map(|source| vec![source]),
        false => shipped(text),
    };
    if !text.ends_with(".toml") {
        extended.shipped.push(Base { name: text.to_string(), origin: name.origin.clone() });
    }
    let sources = sources.map_err(fail).ok()?;
    let mut base: Option<Node> = None;
    for source in sources {
        let table = parse(&from(source, &name.origin), diagnostics);
        match &mut base {
            None => base = Some(table),
            Some(base) => merge(base, table, diagnostics),
        }
    }
    base
}

/// The text with the place that brought it in.
pub fn from(source: Arc<Source>, origin: &Origin) -> Arc<Source> {
    Arc::new(Source { extended: Some(origin.clone()), ..Source::clone(&source) })
}

/// A file of a shipped experiment.
pub fn shipped_file(experiment: &str, path: &Path, text: &str) -> Arc<Source> {
    Arc::new(Source::new(format!("{SHIPPED}experiments/{experiment}/{}", path.display()), text))
}

fn shipped(name: &str) -> Result<Vec<Arc<Source>>, Error> {
    let files = shipped_experiment(name).map_err(|hint| {
        let hint = hint.and("; or a file of the folder, as \"base.toml\"");
        Error::nowhere(format!("no shipped experiment is named {name:?}")).hint(hint)
    })?;
    let is_its_own = |path: &Path| path.parent() == Some(Path::new(""));
    let own = files.into_iter().filter(|(path, _)| is_its_own(path));
    Ok(own.map(|(path, text)| shipped_file(name, path, text)).collect())
}

fn file(name: &str, folder: &Folder, files: &mut Vec<PathBuf>) -> Result<Arc<Source>, Error> {
    let within = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    if !within {
        let message = "an experiment extends a file of its own folder, or a shipped experiment".to_string();
        return Err(Error::nowhere(message).help("write the path from the folder on, without `..`"));
    }
    if Path::new(name).iter().any(|part| part.to_string_lossy().starts_with('.')) {
        let error = Error::nowhere(format!("{name:?} is hidden, and no part of the experiment"));
        return Err(error.help("rename it: what begins with a dot stays at home when an experiment is shared"));
    }
    let path = folder.path.join(name);
    if !path.exists() {
        // What is wrong with other files is no matter here.
        let mut others = Diagnostics::default();
        let below =
            [folder.top(&mut others), folder.below("bases", &mut others).unwrap_or_default()].concat().into_iter();
        let names = below.filter_map(|path| Some(path.strip_prefix(&folder.path).ok()?.display().to_string()));
        let names: Vec<String> = names.filter(|name| name != "experiment.toml").collect();
        let hint = did_you_mean(name, "files", names.iter().map(String::as_str));
        return Err(Error::nowhere(format!("the folder has no file {name:?}")).hint(hint));
    }
    files.push(path.clone());
    folder.read(&path)
}

#[cfg(test)]
mod tests {
    use crate::spec::Spec;
    use crate::spec::fixture::{DOTS, Experiment, SOUND};

    fn load(files: &[(&str, &str)]) -> Spec {
        let files: Vec<_> = files.iter().copied().chain([("datasets/dots.toml", DOTS)]).collect();
        Experiment::new(&files).load(&[]).unwrap_or_else(|errors| panic!("{errors}"))
    }

    fn length(spec: &Spec, pipeline: &str) -> serde_json::Value {
        match &spec.variants[0].pipelines[pipeline].stages[1] {
            crate::spec::StageSpec::One(train, _) => train.config["length"].clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_an_experiment_does_not_say_its_base_says() {
        let child = "extends = 'bases/sound.toml'\ntraining.length = '7it'\npipeline.imp.use = 'imp'";
        let spec = load(&[("experiment.toml", child), ("bases/sound.toml", SOUND)]);
        assert_eq!((spec.title.as_str(), length(&spec, "dense")), ("Lottery", "7it".into()));
        assert_eq!(spec.variants[0].pipelines.keys().collect::<Vec<_>>(), ["dense", "imp"]);
    }

    #[test]
    fn a_base_may_have_a_base_and_lie_beside_the_experiment() {
        let middle = "extends = 'sound.toml'\ntitle = 'Middle'\ntraining.length = '6it'";
        let files = [
            ("experiment.toml", "extends = 'middle.toml'\ntraining.length = '7it'"),
            ("middle.toml", middle),
            ("more.toml", "pipeline.more.use = 'dense'"),
            ("sound.toml", SOUND),
        ];
        let spec = load(&files);
        assert_eq!((spec.title.as_str(), length(&spec, "more")), ("Middle", "7it".into()));
    }

    #[test]
    fn a_shipped_experiment_is_a_base_by_its_name() {
        let registry = crate::registry::Registry::builtin();
        let experiment = Experiment::new(&[("experiment.toml", "extends = 'quickstart'\nreplicates = 2")]);
        let spec = crate::spec::load(&experiment.folder(), &registry, &[]).unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!((spec.name.as_str(), spec.replicates), ("lottery", 2));
        assert!(spec.variants[0].pipelines.contains_key("edge-popup"));
    }
}
