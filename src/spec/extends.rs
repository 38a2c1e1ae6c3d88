//! `extends`: an experiment on the base of another, a shipped one by name or a file of its own folder.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::diagnostic::Diagnostics;
use super::folder::Folder;
use super::merge::merge;
use super::node::{Error, Node, Origin, Source, Value};
use super::overlay::overlay;
use super::parse::parse;
use super::shipped::{experiments, shipped_experiment};
use crate::nearest::did_you_mean;

/// What an experiment extends, as a whole.
#[derive(Default)]
pub struct Extended {
    /// `None` where it extends nothing, or where that was wrong.
    pub base: Option<Node>,
    /// The files of its folder that are bases, and so no part of itself.
    pub files: Vec<PathBuf>,
}

/// Takes `extends` out of an experiment and follows it to its end.
pub fn extended(experiment: &mut Node, folder: &Folder, diagnostics: &mut Diagnostics) -> Extended {
    let mut extended = Extended::default();
    let mut chain = vec!["experiment.toml".to_string()];
    let mut bases = Vec::new();
    let mut next = take(experiment);
    while let Some(name) = next {
        let Some(mut base) = base(&name, folder, &mut chain, &mut extended.files, diagnostics) else {
            return extended;
        };
        next = take(&mut base);
        bases.push(base);
    }
    let over = |mut base: Node, node| {
        overlay(&mut base, node);
        base
    };
    extended.base = bases.into_iter().rev().reduce(over);
    extended
}

fn take(experiment: &mut Node) -> Option<Node> {
    match &mut experiment.value {
        Value::Table(entries) => entries.shift_remove("extends").map(|(_, node)| node),
        _ => None,
    }
}

fn base(
    name: &Node,
    folder: &Folder,
    chain: &mut Vec<String>,
    files: &mut Vec<PathBuf>,
    diagnostics: &mut Diagnostics,
) -> Option<Node> {
    let before = diagnostics.len();
    let mut fail = |error: Error| diagnostics.push(Error { origin: Some(name.origin.clone()), ..error });
    let Some(text) = name.string() else {
        let message = format!("`extends` must be the name of a shipped experiment or of a file, not {}", name.sort());
        fail(Error { message, ..Error::default() });
        return None;
    };
    if chain.iter().any(|other| other == text) {
        fail(Error { message: format!("{text:?} extends itself"), ..Error::default() });
        return None;
    }
    chain.push(text.to_string());
    let sources = match text.ends_with(".toml") {
        true => file(text, folder, files).map(|source| vec![source]),
        false => shipped(text),
    };
    let sources = sources.map_err(fail).ok()?;
    let mut base: Option<Node> = None;
    for source in sources {
        let table = parse(&from(source, &name.origin), diagnostics);
        match &mut base {
            None => base = Some(table),
            Some(base) => merge(base, table, diagnostics),
        }
    }
    base.filter(|_| diagnostics.len() == before)
}

/// The text with the place that brought it in.
fn from(source: Arc<Source>, origin: &Origin) -> Arc<Source> {
    Arc::new(Source { extended: Some(origin.clone()), ..Source::clone(&source) })
}

fn shipped(name: &str) -> Result<Vec<Arc<Source>>, Error> {
    let files = shipped_experiment(name).map_err(|help| {
        Error { message: format!("no shipped experiment is named {name:?}"), ..Error::default() }
            .help(format!("{help}; or a file of the folder, as \"base.toml\""))
    })?;
    let is_its_own = |path: &Path| path.parent() == Some(Path::new(""));
    let source = |(path, text): (&Path, &str)| {
        Arc::new(Source::new(format!("shipped: experiments/{name}/{}", path.display()), text))
    };
    Ok(files.into_iter().filter(|(path, _)| is_its_own(path)).map(source).collect())
}

fn file(name: &str, folder: &Folder, files: &mut Vec<PathBuf>) -> Result<Arc<Source>, Error> {
    let within = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    if !within {
        let message = "an experiment extends a file of its own folder, or a shipped experiment".to_string();
        return Err(Error { message, ..Error::default() }.help("write the path from the folder on, without `..`"));
    }
    let path = folder.path.join(name);
    if !path.exists() {
        let help = did_you_mean(name, "shipped experiments", experiments());
        return Err(Error { message: format!("the folder has no file {name:?}"), ..Error::default() }.help(help));
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
