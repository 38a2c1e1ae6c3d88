use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use walkdir::WalkDir;

use super::testing::refusals;
use super::{Subject, schema};
use crate::registry::Registry;
use crate::spec::diagnostic::Diagnostics;
use crate::spec::fixture::{DOTS, Experiment};
use crate::spec::node::{Error, Node, Source};
use crate::spec::parse::parse;
use crate::spec::set::set;
use crate::spec::{Spec, load};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn of(subject: Subject) -> Value {
    schema(subject, &Registry::builtin(), None).unwrap_or_else(|errors| panic!("{errors}"))
}

fn node(text: &str) -> Node {
    let mut diagnostics = Diagnostics::default();
    let node = parse(&Arc::new(Source::new("test", text)), &mut diagnostics);
    assert!(diagnostics.is_empty(), "{diagnostics}");
    node
}

fn json(node: &Node) -> Value {
    node.deserialize().unwrap()
}

/// The shipped specs and plugins, each with what it is.
fn shipped() -> Vec<(Subject, PathBuf)> {
    let files = |folder: &str| {
        let files = WalkDir::new(root().join(folder)).into_iter().map(|entry| entry.unwrap().into_path());
        files.filter(|path| path.extension().is_some_and(|e| e == "toml")).collect::<Vec<_>>()
    };
    // An experiment's own models, pipelines and data sets are in folders of these names.
    let own = |path: &Path| {
        let folder = path.parent().unwrap().file_name().unwrap();
        let of = |subject: &Subject| matches!(subject, Subject::Declared(kind) if folder == kind.folder());
        Subject::ALL.into_iter().find(of).unwrap_or(Subject::Experiment)
    };
    let mut all: Vec<_> = files("experiments").into_iter().map(|path| (own(&path), path)).collect();
    for subject in Subject::ALL {
        if let Subject::Declared(kind) = subject {
            all.extend(files(&format!("plugins/{}", kind.folder())).into_iter().map(|path| (subject, path)));
        }
    }
    all
}

#[test]
fn what_ships_is_what_the_schemas_allow_and_says_which_schema_is_its_own() {
    let schemas = Subject::ALL.map(|subject| (subject, of(subject)));
    let files = shipped();
    assert!(files.len() > 20);
    for (subject, path) in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let (_, schema) = schemas.iter().find(|(other, _)| *other == subject).unwrap();
        assert_eq!(refusals(schema, &json(&node(&text))), [""; 0], "{}", path.display());
        let line = text.lines().next().unwrap_or_default();
        let place = line.strip_prefix("#:schema ").unwrap_or_else(|| panic!("{}: {line}", path.display()));
        let place = path.parent().unwrap().join(place).canonicalize().unwrap();
        assert_eq!(place, root().join("schema").join(subject.file()).canonicalize().unwrap(), "{}", path.display());
    }
}

#[test]
fn the_schemas_of_the_repository_are_fresh() {
    for subject in Subject::ALL {
        let written = std::fs::read_to_string(root().join("schema").join(subject.file())).unwrap_or_default();
        let fresh = format!("{:#}\n", of(subject));
        assert!(written == fresh, "{} is not fresh: run `tombola schema --dir schema`", subject.file());
    }
}

/// Tables of specs, `@` where a key may be added.
const TABLES: [&str; 33] = [
    "@",
    "dataset = { use = 'dots', @ }",
    "dataset = { use = 'dots', normalise = { mean = [0.0], std = [1.0], @ } }",
    "dataset = { use = 'dots', format = { use = 'idx', @ } }",
    "model = { use = 'lenet-300-100', @ }",
    "model = { use = 'lenet-300-100', init = { use = 'kaiming-normal', @ } }",
    "model = { layer = [{ flatten = {} }, { linear = { units = 10 } }], @ }",
    "model = { layer = [{ repeat = { times = 1, layers = [{ flatten = {} }], @ } }] }",
    "model = { layer = [{ residual = { layers = [{ relu = {} }], @ } }] }",
    "model = { layer = [{ residual = { layers = [{ relu = { @ } }] } }] }",
    "model = { layer = [{ conv = { channels = 3, @ } }] }",
    "training = { optimizer = { use = 'sgd', learning_rate = 0.1, @ } }",
    "training = { schedule = { use = 'warm-up', length = '1ep', @ } }",
    "training = { schedule = { use = 'warm-up', length = '1ep', then = { use = 'cosine', @ } } }",
    "training = { learn = { use = 'edge-popup', weights_remaining = 0.5, @ } }",
    "training = { batch_size = 5, @ }",
    "prediction = [{ claim = 'it learns', expect = 'dense.test_accuracy > 50%', @ }]",
    "pipeline = { p = { use = 'imp', @ } }",
    "pipeline = { p = { use = 'imp', stop = { accuracy_drop = 0.1, @ } } }",
    "pipeline = { p = { use = 'imp', prune_rate = { linear = 0.1, @ } } }",
    "pipeline = { p = { use = 'imp', optimizer = { use = 'adam', learning_rate = 0.1, @ } } }",
    "pipeline = { p = { each = 'q', stage = [{ reinit = {} }], @ }, q = { use = 'imp' } }",
    "pipeline = { p = { stage = [{ prune = { rate = 0.5, @ } }] } }",
    "dataset = { name = 'own', file = [], @ }",
    "about = { version = '1', @ }",
    "about = { authors = [{ name = 'Ada Lovelace', @ }] }",
    "vary = { seed = [1, 2], @ }",
    "variant = [{ name = 'narrow', @ }]",
    "model = { use = 'lenet-300-100', layer = { fc1 = { units = 7 } }, @ }",
    "pipeline = { p = { use = 'imp', stage = { train = { length = '7it' } }, @ } }",
    "pipeline = { p = { stage = [{ branch = [{ stages = [{ shuffle = {} }], @ }] }] } }",
    "pipeline = { p = { stage = [{ repeat = { times = 2, stages = [{ shuffle = {} }], @ } }] } }",
    "pipeline = { p = { stage = [{ foreach = { value = 'a', in = [1], stages = [{ shuffle = {} }], @ } }] } }",
];

/// What a table does not say itself.
const REST: [&str; 5] = [
    "title = 'Lottery'",
    "dataset = { use = 'dots' }",
    "model = { use = 'lenet-300-100' }",
    "training = { optimizer = { use = 'adam', learning_rate = 0.1 }, batch_size = 60, length = '5it', evaluate = '1it' }",
    "pipeline = { dense = { use = 'dense' } }",
];

fn whole(table: &str) -> String {
    let key = |line: &str| line.split(' ').next().unwrap().to_string();
    let rest = REST.iter().filter(|line| key(line) != key(table)).map(|line| line.to_string());
    rest.chain([table.to_string()]).collect::<Vec<_>>().join("\n")
}

fn loaded(text: &str, overrides: &[String]) -> Result<Spec, Diagnostics> {
    let experiment = Experiment::new(&[("experiment.toml", text), ("datasets/dots.toml", DOTS)]);
    load(&experiment.folder(), &Registry::builtin(), overrides)
}

/// Every name of a key that the schemas know, and one that they do not.
fn keys(schema: &Value, into: &mut BTreeSet<String>) {
    match schema {
        Value::Object(entries) => {
            let properties = entries.get("properties").and_then(Value::as_object);
            into.extend(properties.into_iter().flat_map(|properties| properties.keys().cloned()));
            entries.values().for_each(|schema| keys(schema, into));
        }
        Value::Array(items) => items.iter().for_each(|schema| keys(schema, into)),
        _ => {}
    }
}

/// The experiment of a table with one more key.
fn with_key(table: &str, name: &str) -> String {
    // What a sweep varies is a list.
    let value = if table.starts_with("vary") { "['?']" } else { "'?'" };
    let added = format!("{name} = {value}");
    let table = table.replace("@ ", &format!("{added} ")).replace('@', &added);
    whole(&table)
}

/// The keys that the parser says a table may have.
fn valid_keys(table: &str) -> Vec<String> {
    let Err(errors) = loaded(&with_key(table, NO_KEY), &[]) else { panic!("{table} may have any key") };
    let help =
        errors.errors().iter().filter(|error| error.message.contains(NO_KEY)).filter_map(|error| error.help_line());
    let lists = help.filter_map(|help| help.split_once("valid keys: "));
    lists.flat_map(|(_, list)| list.split(", ").map(str::to_string).collect::<Vec<_>>()).collect()
}

const NO_KEY: &str = "zzz";

#[test]
fn the_schemas_keys_are_the_parsers() {
    let schema = of(Subject::Experiment);
    let mut known = BTreeSet::from([NO_KEY.to_string()]);
    keys(&schema, &mut known);
    let mut compared = 0;
    for table in TABLES {
        for name in known.iter().cloned().chain(valid_keys(table)) {
            let filled = with_key(table, &name);
            let mut diagnostics = Diagnostics::default();
            let node = parse(&Arc::new(Source::new("test", filled.clone())), &mut diagnostics);
            if !diagnostics.is_empty() {
                continue; // The table has this key already.
            }
            let unknown = format!("unknown key `{name}`");
            let of_variants =
                [format!("a variant has no field `{name}`"), format!("`{name}` is the whole experiment's")];
            let errors = loaded(&filled, &[]).err().map(|errors| errors.to_string()).unwrap_or_default();
            let refused = refusals(&schema, &json(&node));
            assert_eq!(
                errors.contains(&unknown) || of_variants.iter().any(|words| errors.contains(words)),
                refused.iter().any(|why| why.ends_with(&unknown)),
                "{filled}\n{errors}"
            );
            compared += 1;
        }
    }
    assert!(compared > 500, "{compared}");
}

/// Values of every type and many meanings.
const VALUES: [&str; 22] = [
    "0",
    "1",
    "-1",
    "7",
    "2000",
    "0.5",
    "1.5",
    "true",
    "'x'",
    "'5it'",
    "'1ep'",
    "'5'",
    "'adam'",
    "'zeros'",
    "'imp'",
    "'layer'",
    "[]",
    "[1]",
    "[0.5]",
    "['1it']",
    "{}",
    "{ use = 'cosine' }",
];

/// Where values are tried.
const PLACES: [&str; 37] = [
    "title",
    "question",
    "replicates",
    "seed",
    "matching",
    "tolerance",
    "dataset.use",
    "dataset.validation",
    "dataset.classes",
    "dataset.shape",
    "dataset.normalise",
    "dataset.format",
    "model.use",
    "model.init",
    "model.width",
    "training",
    "training.optimizer",
    "training.optimizer.learning_rate",
    "training.schedule",
    "training.batch_size",
    "training.length",
    "training.learn",
    "training.order",
    "about",
    "about.authors",
    "about.licence",
    "about.keywords",
    "about.version",
    "about.date",
    "pipeline",
    "pipeline.dense.init",
    "pipeline.dense.length",
    "pipeline.imp.levels",
    "pipeline.imp.prune_rate",
    "pipeline.imp.stop",
    "pipeline.imp.rewind",
    "pipeline.popup.weights_remaining",
];

#[test]
fn a_schema_refuses_nothing_that_the_parser_takes_and_every_wrong_type() {
    let schema = of(Subject::Experiment);
    let text = whole("pipeline = { dense = { use = 'dense' }, imp = { use = 'imp' }, popup = { use = 'edge-popup' } }");
    for (place, value) in PLACES.iter().flat_map(|place| VALUES.map(|value| (place, value))) {
        let setting = format!("{place}={value}");
        let mut changed = node(&text);
        set(&mut changed, &setting, &mut Diagnostics::default());
        let refused = refusals(&schema, &json(&changed));
        match loaded(&text, std::slice::from_ref(&setting)) {
            Ok(_) => assert_eq!(refused, [""; 0], "{setting}"),
            Err(errors) => {
                let told = [" must be a table", " must be a list", " is not from ", " is out of range"];
                let wrong = |error: &Error| {
                    error.message.starts_with("expected ") || told.iter().any(|words| error.message.contains(words))
                };
                assert!(!refused.is_empty() || !errors.errors().iter().any(wrong), "{setting}: {errors}");
            }
        }
    }
}

#[test]
fn what_an_experiment_does_not_say_may_come_from_its_base_or_its_sweep() {
    let schema = of(Subject::Experiment);
    let refused = |text: &str| refusals(&schema, &json(&node(text)));
    let given = [
        "extends = 'quickstart'\nmodel.width = 0.5\ntraining.optimizer.learning_rate = 0.1\npipeline.imp.levels = 3",
        "title = 'Lottery'\nmodel.use = 'conv-2'\npipeline.p.use = 'random-mask'\ndataset.validation = 5\n\
         [vary]\ndataset.use = ['dots']\npipeline.p.weights_remaining = [0.1, 0.2]",
        "title = 'Lottery'\npipeline.p.use = 'dense'\n[[variant]]\nmodel.use = 'conv-2'\ndataset.use = 'dots'",
    ];
    for text in given {
        assert_eq!(refused(text), [""; 0], "{text}");
        let alone: Vec<&str> = text.split('\n').take_while(|line| !line.starts_with('[')).collect();
        let alone = alone.into_iter().filter(|line| !line.starts_with("extends")).collect::<Vec<_>>().join("\n");
        assert_ne!(refused(&alone), [""; 0], "{alone}");
    }
    let wrong = [
        "training.batch_size = 'x'",
        "model.layer = 3",
        "pipeline.imp = 3",
        "replicates = 0",
        "without = 'pipeline.imp'",
        "training.optimizer.learnin_rate = 0.1",
        "pipeline.imp = { use = 'imp', levls = 3 }",
        "variant = [{ training = { optimizer = { use = 'sgd', momentun = 0.9 } } }]",
        "variant = [{ model = { use = 'lenet-300-100', widht = 0.5 } }]",
        "vary = { training = { length = '5it' } }",
        "vary = { model = { width = [] } }",
    ];
    for wrong in wrong {
        assert_ne!(refused(&format!("extends = 'quickstart'\n{wrong}")), [""; 0], "{wrong}");
    }
}

#[test]
fn an_experiments_own_pipelines_are_known_where_its_folder_is() {
    let own = "[parameters]\nkeep = { default = 0.5 }\n[[stage]]\nrandom-mask = { weights_remaining = '{keep}' }";
    let experiment = Experiment::new(&[("datasets/dots.toml", DOTS), ("pipelines/mine.toml", own)]);
    let schema = schema(Subject::Experiment, &Registry::builtin(), Some(&experiment.folder())).unwrap();
    let refused = |pipeline: &str| refusals(&schema, &json(&node(&whole(&format!("pipeline = {{ p = {pipeline} }}")))));
    assert_eq!(refused("{ use = 'mine', keep = 0.1 }"), [""; 0]);
    for wrong in ["{ use = 'mine', keep = 2 }", "{ use = 'mine', kept = 0.1 }", "{ use = 'min' }"] {
        assert_ne!(refused(wrong), [""; 0], "{wrong}");
    }
}
