use std::path::Path;

use super::*;
use crate::spec::fixture::{DOTS, Experiment, SOUND, experiment};
use crate::spec::node::{Node, Source};
use crate::spec::parse::parse;
use crate::spec::{Spec, load};

fn entries(sort: Sort) -> Vec<Entry> {
    list(sort, &Registry::builtin(), None).unwrap_or_else(|errors| panic!("{errors}"))
}

fn all() -> impl Iterator<Item = Entry> {
    Sort::all().flat_map(entries)
}

#[test]
fn what_ships_is_listed_by_name() {
    let names = |kind| entries(Sort::Declared(kind)).into_iter().map(|entry| entry.name).collect::<Vec<_>>();
    assert!(names(Declared::Model).contains(&"lenet-300-100".to_string()));
    let pipelines = names(Declared::Pipeline);
    assert!(pipelines.is_sorted());
    for name in ["dense", "edge-popup", "imp", "one-shot", "random-sparse", "reinitialise", "shuffle", "zero-init"] {
        assert!(pipelines.iter().any(|other| other == name), "{name}");
    }
}

#[test]
fn every_shipped_pipeline_loads_with_nothing_but_what_it_needs() {
    for Entry { name, parameters, .. } in entries(Sort::Declared(Declared::Pipeline)) {
        let given = |p: &Parameter| match p.name.as_str() {
            name @ ("each" | "with") => Some(format!("{name} = 'dense'\n")),
            _ if p.required => Some(format!("{} = {}\n", p.name, p.sample.as_ref()?)),
            _ => None,
        };
        let given: String = parameters.iter().filter_map(given).collect();
        let text = experiment(&format!("[pipeline.tried]\nuse = '{name}'\n{given}"));
        let experiment = Experiment::new(&[("experiment.toml", &text), ("datasets/dots.toml", DOTS)]);
        let spec = experiment.load(&[]).unwrap_or_else(|errors| panic!("{name}: {errors}"));
        assert!(!spec.variants[0].pipelines["tried"].stages.is_empty(), "{name}");
    }
}

#[test]
fn every_shipped_data_set_loads_as_it_is_declared() {
    for Entry { name, .. } in entries(Sort::Declared(Declared::Dataset)) {
        let text = SOUND.replace("dots", &name);
        let spec = load(&Experiment::new(&[("experiment.toml", &text)]).folder(), &Registry::builtin(), &[]);
        let dataset = spec.unwrap_or_else(|errors| panic!("{name}: {errors}")).variants.remove(0).dataset;
        assert!(dataset.validation < dataset.train && dataset.files.is_empty() == (name == "mnist-1d"), "{name}");
    }
}

#[test]
fn everything_says_what_it_is_and_every_parameter_what_it_takes_and_is_for() {
    for entry in all() {
        assert!(!entry.summary.is_empty(), "{}", entry.name);
        for parameter in &entry.parameters {
            assert!(!parameter.help.is_empty(), "{}: {parameter:?}", entry.name);
            assert_ne!(parameter.takes, "any value", "{}: {parameter:?}", entry.name);
        }
    }
}

#[test]
fn a_parameter_takes_what_the_place_takes_that_it_fills() {
    let imp = show(Sort::Declared(Declared::Pipeline), "imp", &Registry::builtin(), None).unwrap();
    let parameter = |name: &str| imp.parameters.iter().find(|p| p.name == name).unwrap();
    assert_eq!(parameter("levels").takes, "a whole number from 1 to 1000");
    assert_eq!(parameter("criterion").takes, "a criterion: its name, or a table with `use`");
    assert_eq!(parameter("rewind").default.as_deref(), Some("\"0it\""));
    assert_eq!(parameter("stop").otherwise(), "optional");
    let popup = show(Sort::Declared(Declared::Pipeline), "edge-popup", &Registry::builtin(), None).unwrap();
    let kept = popup.parameters.iter().find(|p| p.name == "weights_remaining").unwrap();
    assert_eq!(kept.takes, "a number from 0 to 1, or a list, each a number from 0 to 1");
}

/// A sound experiment, value by value: those that an example says itself are left out.
const REST: [&str; 9] = [
    "title = 'Lottery'",
    "dataset.use = 'dots'",
    "model.use = 'lenet-300-100'",
    "training.optimizer = { use = 'adam', learning_rate = 1e-3 }",
    "training.batch_size = 60",
    "training.length = '500it'",
    "training.evaluate = '100it'",
    "pipeline.dense.use = 'dense'",
    "pipeline.imp.use = 'imp'",
];

fn says(node: &Node, line: &str) -> bool {
    let path = line.split(" = ").next().unwrap_or_default();
    let mut steps = path.split('.');
    steps.try_fold(node, |node, key| node.table()?.get(key).map(|(_, node)| node)).is_some()
}

/// An experiment that says nothing but the example, and what is needed beside it.
fn with(example: &Example) -> Experiment {
    let Example { file, text } = example;
    let mut files = vec![("datasets/dots.toml".to_string(), DOTS.to_string())];
    let uses = match *file {
        "experiment.toml" => {
            files.push((file.to_string(), text.clone()));
            ""
        }
        "pipelines/NAME.toml" => {
            files.push(("pipelines/mine.toml".into(), text.clone()));
            "pipeline.mine.use = 'mine'"
        }
        "models/NAME.toml" => {
            files.push(("models/mine.toml".into(), text.clone()));
            "model.use = 'mine'"
        }
        "datasets/NAME.toml" => {
            let listed = !text.contains("content");
            let dots = DOTS.lines().filter(|line| !line.starts_with("format"));
            let dots: String =
                dots.take_while(|line| listed || *line != "[[file]]").map(|line| format!("{line}\n")).collect();
            files.push(("datasets/mine.toml".into(), format!("{text}{dots}")));
            "dataset.use = 'mine'"
        }
        other => panic!("{other}"),
    };
    let own = if *file == "experiment.toml" { text.clone() } else { uses.to_string() };
    let source = std::sync::Arc::new(Source::new("example", own.clone()));
    let node = parse(&source, &mut Diagnostics::default());
    let rest: Vec<&str> = REST.into_iter().filter(|line| !says(&node, line)).chain([uses]).collect();
    let place = if *file == "experiment.toml" { "rest.toml" } else { "experiment.toml" };
    files.push((place.into(), rest.join("\n")));
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    Experiment::new(&files)
}

#[test]
fn every_example_parses_and_resolves() {
    for entry in all() {
        let Some(example) = &entry.example else {
            assert_eq!(entry.sort, Sort::Plugin(Kind::Figure), "{} has no example", entry.name);
            continue;
        };
        let loaded: Result<Spec, _> = load(&with(example).folder(), &Registry::builtin(), &[]);
        loaded.unwrap_or_else(|errors| panic!("{} {}:\n{errors}", entry.sort, entry.name));
    }
}

#[test]
fn an_experiments_own_are_listed_too_and_an_unknown_name_gets_the_nearest() {
    let (experiment, registry) = (Experiment::new(&[("datasets/dots.toml", DOTS)]), Registry::builtin());
    let own = show(Sort::Declared(Declared::Dataset), "dots", &registry, Some(&experiment.folder())).unwrap();
    assert_eq!(own.source, "none");
    for (sort, wrong, right) in
        [(Sort::Declared(Declared::Pipeline), "imps", "imp"), (Sort::Plugin(Kind::Optimizer), "adma", "adam")]
    {
        let errors = show(sort, wrong, &registry, None).unwrap_err().to_string();
        assert!(errors.contains(&format!("did you mean `{right}`?")), "{errors}");
    }
}

#[test]
fn layers_of_layers_and_stages_of_stages_are_listed_with_the_others_and_shown_with_their_keys() {
    let shown = |kind, name| show(Sort::Plugin(kind), name, &Registry::builtin(), None).unwrap();
    let keys = |entry: &Entry| entry.parameters.iter().map(|p| (p.name.clone(), p.otherwise())).collect::<Vec<_>>();
    let key = |name: &str, otherwise: &str| (name.to_string(), otherwise.to_string());
    for (kind, name, expected) in [
        (Kind::Layer, "residual", vec![key("layers", "required"), key("shortcut", "optional")]),
        (Kind::Layer, "repeat", vec![key("layers", "required"), key("times", "required")]),
        (Kind::Stage, "branch", vec![key("stages", "required")]),
        (Kind::Stage, "foreach", vec![key("in", "required"), key("stages", "required"), key("value", "required")]),
        (Kind::Stage, "repeat", vec![key("stages", "required"), key("times", "required"), key("until", "optional")]),
    ] {
        let mut found = keys(&shown(kind, name));
        found.sort();
        assert_eq!(found, expected, "{kind} {name}");
        let entries = entries(Sort::Plugin(kind));
        assert!(entries.iter().any(|entry| entry.name == name), "{kind} {name}");
        assert!(entries.is_sorted_by_key(|entry| &entry.name), "{kind}");
    }
    assert_eq!(
        shown(Kind::Stage, "repeat").parameters.iter().find(|p| p.name == "times").unwrap().takes,
        "a whole number from 1 to 1000"
    );
    let errors = show(Sort::Plugin(Kind::Layer), "residal", &Registry::builtin(), None).unwrap_err().to_string();
    assert!(errors.contains("did you mean `residual`?"), "{errors}");
}

#[test]
fn the_reference_pages_are_fresh() {
    for sort in Sort::all() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/reference/{sort}.md"));
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        let fresh = page(sort, &entries(sort));
        assert!(written == fresh, "{} is not fresh: run `tombola list --pages docs/reference`", path.display());
    }
}
