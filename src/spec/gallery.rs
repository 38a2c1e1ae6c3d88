//! What an author sees: broken experiments, and the diagnostics as they are printed.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::fixture::{DOTS, Experiment, SOUND, experiment, lottery};

#[test]
fn typos_are_all_found_at_once_each_with_the_nearest_name() {
    let text = SOUND.replace("learning_rate", "leaning_rate").replace("use = \"dense\"", "use = \"dens\"");
    let text = text.replace("title", "titel").replace("\"dots\"", "\"dot\"");
    let errors = Experiment::new(&[("experiment.toml", &text), ("datasets/dots.toml", DOTS)]).errors(&[]);
    // What ships may grow.
    insta::with_settings!({ filters => [("(pipelines|data sets): .*", "$1: …")] }, { assert_snapshot!(errors) });
}

#[test]
fn syntax_errors_are_all_found_in_one_pass() {
    let text = "title = \"Lottery\nreplicates = = 3\nseed = 2020-01-01\nmatching = inf\n[dataset\nuse = \"dots\"\n";
    assert_snapshot!(Experiment::new(&[("experiment.toml", text)]).errors(&[]));
}

#[test]
fn a_value_that_does_not_fit_is_underlined_where_the_experiment_wrote_it() {
    let pipelines = r#"
[pipeline.imp]
use = "imp"
prune_rate = 1.5
levels = 0
rewind = "10"
stop = { accuracy_drop = 2, weights = 0.1 }
scope = "globl"
optimizer = { use = "adam", learning_rate = "high" }
levls = 3
"#;
    assert_snapshot!(lottery(pipelines).errors(&[]));
}

#[test]
fn an_error_in_a_local_pipeline_points_there_and_says_who_uses_it() {
    let own = r#"
summary = "Mine"
[parameters]
rate = { default = 0.2 }
[[stage]]
init = { use = "zeros" }
[[stage]]
prune = { criterion = { use = "magnitud" }, rate = "{rat}" }
[[stage]]
train = { batch_size = 60.5 }
[[stage]]
repeet = {}
"#;
    let text = experiment("[pipeline.mine]\nuse = \"mine\"");
    let files = [("experiment.toml", text.as_str()), ("datasets/dots.toml", DOTS), ("pipelines/mine.toml", own)];
    assert_snapshot!(Experiment::new(&files).errors(&[]));
}

#[test]
fn what_training_lacks_is_said_once_for_each_shipped_stage_with_the_remedy() {
    let text = SOUND.replace("length = \"500it\"", "").replace("batch_size", "batchsize");
    assert_snapshot!(Experiment::new(&[("experiment.toml", &text), ("datasets/dots.toml", DOTS)]).errors(&[]));
}

#[test]
fn a_key_written_in_two_files_names_both_places() {
    let files = [
        ("experiment.toml", SOUND),
        ("datasets/dots.toml", DOTS),
        ("more.toml", "title = 'Again'\n[dataset]\nuse = 'dots'\n[pipeline.imp]\nuse = 'imp'"),
    ];
    assert_snapshot!(Experiment::new(&files).errors(&[]));
}

#[test]
fn an_override_is_underlined_as_it_was_typed() {
    let overrides = ["replicates=0", "pipeline.dense.length=5 epochs", "training.optimizer.use=adamw", "seed", "x=["];
    assert_snapshot!(lottery("").errors(&overrides[..3]));
    assert_snapshot!(lottery("").errors(&overrides[3..]));
}

#[test]
fn forks_that_lead_nowhere_or_in_a_circle_are_errors() {
    let pipelines = r#"
[pipeline.lost]
use = "shuffle"
each = "densse"
[pipeline.a]
use = "reinitialise"
each = "b"
at = [0]
[pipeline.b]
use = "random-sparse"
each = "a"
[pipeline.incomplete]
use = "shuffle"
[pipeline."../x"]
use = "dense"
"#;
    assert_snapshot!(lottery(pipelines).errors(&[]));
}

#[test]
fn a_model_and_a_data_set_are_checked_as_wholes() {
    let dots = DOTS.replace("sha256 = \"0", "sha256 = \"x").replace("std = [1.0]", "std = [0.0, 1.0]");
    let dots = dots.replace("folder = \"dots\"", "folder = \"../dots\"").replace("test = 100", "");
    let model = r#"
[model]
[[model.layer]]
linear = { unit = 3, bias = "no" }
name = "fc"
[[model.layer]]
linear = { units = 3 }
relu = {}
[[model.layer]]
linear = { units = "{width}" }
name = "fc"
"#;
    let text = SOUND.replace("[model]\nuse = \"lenet-300-100\"", model);
    assert_snapshot!(Experiment::new(&[("experiment.toml", &text), ("datasets/dots.toml", &dots)]).errors(&[]));
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let errors = lottery("").errors(&["title\u{1b}[2J=1", "x=\u{1b}[31m"]);
    assert!(!errors.contains('\u{1b}'), "{errors}");
}

#[test]
fn lists_within_lists_end_in_an_error_not_out_of_memory() {
    let long = format!("[{}]", (0..5_000).map(|i| format!("{i}, ")).collect::<String>());
    let inner = "{ foreach = { value = \"b\", in = \"{list}\", stages = [{ shuffle = {} }] } }";
    let own = format!(
        "[parameters]\nlist = {{ default = {long} }}\n[[stage]]\nforeach = {{ value = \"a\", in = \"{{list}}\", stages = [{inner}] }}"
    );
    let text = experiment("[pipeline.mine]\nuse = \"mine\"");
    let files = [("experiment.toml", text.as_str()), ("datasets/dots.toml", DOTS), ("pipelines/mine.toml", &own)];
    let errors = Experiment::new(&files).errors(&[]);
    assert!(errors.contains("more than 200000 values"), "{errors}");
}

#[test]
fn nesting_too_deep_is_an_error() {
    let dotted = format!("{{ {}a = ", "a.".repeat(78));
    let closed = format!("x = {}1{}", dotted.repeat(78), " }".repeat(78));
    for text in
        [closed, "[".repeat(100_000), "a.".repeat(100_000), format!("x = {}", "{ a.a.a.a.a.a.a = ".repeat(50_000))]
    {
        assert!(Experiment::new(&[("experiment.toml", &text)]).load(&[]).is_err());
    }
}

/// Pieces of specs, and noise, in any order.
fn text() -> impl Strategy<Value = String> {
    let pieces: Vec<&str> = SOUND.split_inclusive(['\n', ' ', '"']).collect();
    let piece = prop_oneof![8 => prop::sample::select(pieces).prop_map(str::to_string), 1 => ".{0,4}"];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in text(), setting in ".{0,12}") {
        let experiment = Experiment::new(&[("experiment.toml", &text), ("datasets/dots.toml", &text)]);
        if let Err(errors) = experiment.load(&[&setting]) {
            prop_assert!(!errors.is_empty());
            errors.render(true);
        }
    }

    #[test]
    fn no_change_of_one_value_makes_it_panic(at in 0..SOUND.len(), length in 0..12usize, new in ".{0,6}") {
        let mut text = experiment("[pipeline.imp]\nuse = 'imp'\nstop = {}\n[pipeline.p]\nuse = 'edge-popup'");
        let end = (at + length).min(text.len());
        text.replace_range(at..end, &new);
        if let Err(errors) = Experiment::new(&[("experiment.toml", &text), ("datasets/dots.toml", DOTS)]).load(&[]) {
            prop_assert!(!errors.is_empty());
            errors.render(true);
        }
    }
}

#[test]
fn what_is_wrong_in_one_variant_says_which_and_points_at_its_value() {
    let vary = r#"
[vary]
model.widht = [0.5, 1.0]
training.batch_size = [60, "sixty"]
pipeline.dens.length = ["5it"]
seeed = [1, 2]
replicates = [1, 2]
model.width = 0.5
dataset.validation = []
training.length = ["5it", "6it", "5it"]
"#;
    assert_snapshot!(lottery(vary).errors(&[]));
    let fields = "[vary]\nmodel.widht = [0.5, 1.0]\ntraining.batch_size = [60, 'sixty']\ntraining.lenght = ['5it']";
    assert_snapshot!(lottery(fields).errors(&[]));
    let model = "[vary]\nmodel.use = ['lenet-300-100', 'conv-3']\ntraining.batch_size = [60, 30]";
    insta::with_settings!({ filters => [("models: .*", "models: …")] }, {
        assert_snapshot!(lottery(model).errors(&[]))
    });
}

#[test]
fn variants_that_are_listed_are_checked_one_by_one() {
    let variants = r#"
[[variant]]
name = "narrow"
model.width = 0.5
training.optimiser.learning_rate = 1
[[variant]]
name = "narrow"
seed = 2
[[variant]]
[[variant]]
name = "a[b]"
title = "Mine"
"#;
    assert_snapshot!(lottery(variants).errors(&[]));
    let read = "[[variant]]\nmodel.width = 0.5\n[[variant]]\nmodel.width = 'wide'\ntraining.optimiser = 'adam'";
    assert_snapshot!(lottery(read).errors(&[]));
    assert_snapshot!(lottery("[vary]\nseed = [1]\n[[variant]]\nseed = 2").errors(&[]));
}

#[test]
fn a_sweep_of_a_billion_variants_is_refused_with_its_count() {
    let numbers = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>().join(", ");
    let text = format!("[vary]\nseed = [{0}]\ntraining.batch_size = [{0}]\nmodel.width = [{0}]", numbers(1000));
    let errors = lottery(&text).errors(&[]);
    assert!(errors.contains("1000 × 1000 × 1000 = 1000000000 variants, and a sweep has 1000 at most"), "{errors}");
}

#[test]
fn an_error_in_what_is_extended_points_there_and_says_by_which_chain_it_came_in() {
    let base = SOUND.replace("batch_size", "batchsize").replace("1.2e-3", "\"high\"");
    let files = [
        ("experiment.toml", "extends = \"middle.toml\"\ntraining.evaluate = 5"),
        ("middle.toml", "extends = \"bases/base.toml\"\nreplicates = 0\n[pipeline.dense]\nlength = 3\n"),
        ("bases/base.toml", base.as_str()),
        ("datasets/dots.toml", DOTS),
    ];
    assert_snapshot!(Experiment::new(&files).errors(&[]));
}

#[test]
fn what_cannot_be_extended_is_told_where_it_is_asked_for() {
    let told = |text: &str, others: &[(&str, &str)]| {
        let files: Vec<_> = [("experiment.toml", text)].into_iter().chain(others.iter().copied()).collect();
        Experiment::new(&files).errors(&[])
    };
    let circle = [("a.toml", "extends = \"b.toml\""), ("b.toml", "extends = \"a.toml\"")];
    assert_snapshot!(told("extends = \"a.toml\"", &circle));
    let wrong = ["\"quikstart\"", "\"base.toml\"", "\"../other/experiment.toml\"", "\"/etc/x.toml\"", "3"];
    let wrong = wrong.map(|what| told(&format!("extends = {what}"), &[])).join("\n\n");
    insta::with_settings!({ filters => [("experiments: .*", "experiments: …")] }, { assert_snapshot!(wrong) });
    let later = [("datasets/dots.toml", DOTS), ("more.toml", "extends = \"quickstart\"")];
    assert_snapshot!(told(SOUND, &later));
}

#[test]
fn changes_of_what_is_used_are_checked_like_what_is_written_out() {
    let changes = r#"
[pipeline.imp]
use = "imp"
stage.train.lenght = "5it"
stage.train2.batch_size = "sixty"
stage.trian.order = "other"
stage.train3.order = "other"
stage.repeat.stages = []
[pipeline.listed]
use = "dense"
stage = [{ init = {} }]
"#;
    let text = experiment(changes).replace(
        "use = \"lenet-300-100\"",
        "use = \"lenet-300-100\"\nlayer.fc1.unit = 3\nlayer.fc2.units = \"many\"\nlayer.fc3.units = 3",
    );
    let text = text.replace("use = \"dots\"", "use = \"dots\"\nnormalise.men = [0.1]");
    assert_snapshot!(Experiment::new(&[("experiment.toml", &text), ("datasets/dots.toml", DOTS)]).errors(&[]));
}

#[test]
fn what_cannot_be_left_out_of_a_base_is_told_where_it_is_named() {
    let told = |text: &str| Experiment::new(&[("experiment.toml", text), ("base.toml", SOUND)]).errors(&[]);
    let keys = [
        "pipeline.dens",
        "titel",
        "title.x",
        "training.optimizer.momentum",
        "training.length",
        "training.length",
        "",
        "pipeline.",
    ];
    assert_snapshot!(told(&format!(
        "extends = 'base.toml'\nwithout = [3, {}]",
        keys.map(|key| format!("'{key}'")).join(", ")
    )));
    assert_snapshot!(told("extends = 'base.toml'\nwithout = 'title'"));
    let alone = format!("without = ['title']\n{SOUND}");
    assert_snapshot!(Experiment::new(&[("experiment.toml", &alone)]).errors(&[]));
    let more = [("experiment.toml", SOUND), ("more.toml", "without = ['title']")];
    assert_snapshot!(Experiment::new(&more).errors(&[]));
    let forks = format!(
        "{SOUND}\n[pipeline.control]\nuse = 'shuffle'\neach = 'dense'\n[[prediction]]\nclaim = 'it learns'\nexpect = 'dense.test_accuracy > 50%'"
    );
    let child = "extends = 'base.toml'\nwithout = ['pipeline.dense']";
    assert_snapshot!(
        Experiment::new(&[("experiment.toml", child), ("base.toml", &forks), ("datasets/dots.toml", DOTS)]).errors(&[])
    );
}
