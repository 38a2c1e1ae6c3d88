//! `check --resolved` prints an experiment that is the same experiment.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use tombola::plan::{Plan, plan};
use tombola::registry::Registry;
use tombola::spec::{self, resolved};

use crate::small::SPEC;

fn planned(folder: &Path) -> (Plan, String) {
    let registry = Registry::builtin();
    let spec = spec::load(folder, &registry, &[]).unwrap_or_else(|errors| panic!("{errors}"));
    let plan = plan(&spec, &registry, "any").unwrap_or_else(|errors| panic!("{errors}"));
    (plan, resolved(&spec))
}

/// The steps' ids in order, and what tells the tickets apart.
fn same(plan: &Plan) -> (Vec<&str>, Vec<String>) {
    let ids = plan.steps.iter().map(|step| step.id.as_str()).collect();
    let ticket = |ticket: &tombola::plan::PlannedTicket| {
        let variant = &plan.variants[ticket.variant].name;
        format!("{variant} {} {} {} {}", ticket.pipeline, ticket.replicate, ticket.level, ticket.draw)
    };
    (ids, plan.tickets.iter().map(ticket).collect())
}

/// Resolves the experiment, and what it was resolved to once more.
#[track_caller]
fn assert_same(folder: &Path) -> String {
    let again = tempfile::tempdir().unwrap();
    let again = again.path().join("again");
    std::fs::create_dir(&again).unwrap();
    let (first, text) = planned(folder);
    std::fs::write(again.join("experiment.toml"), &text).unwrap();
    let (second, _) = planned(&again);
    assert_eq!(same(&first), same(&second), "{text}");
    text
}

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments").join(name)
}

#[test]
fn every_shipped_experiment_resolves_to_itself() {
    let mut tried = 0;
    for entry in std::fs::read_dir(shipped("")).unwrap().map(Result::unwrap) {
        if entry.path().join("experiment.toml").exists() {
            assert_same(&entry.path());
            tried += 1;
        }
    }
    assert!(tried >= 4);
}

#[test]
fn sweeps_bases_changes_blocks_and_stop_rules_resolve_to_themselves() {
    let sweep = "[vary]\npipeline.imp.levels = [2, 3]\nmodel.init = ['zeros', 'glorot-normal']";
    let base = "extends = 'quickstart'\nprediction = []\nseed = 7\nmodel.layer.fc1.units = 5\nmodel.init.use = 'kaiming-uniform'\n\
                pipeline.imp.stage.train2.length = '900it'\npipeline.imp.stop = { accuracy_drop = 0.5, weights_remaining = 0.2 }";
    let listed = "[[variant]]\nname = 'a \"b\"'\nseed = 3\n[[variant]]\nmodel.layer.out.bias = false";
    let listed = listed.replace("model.layer.out.bias = false", "dataset.use = 'fashion-mnist-12k'");
    let blocks = SPEC.replace("prune_rate = { linear = 0.5, output = 0.25 }", "prune_rate = 0.5").replace("  { flatten = {} },", "  { repeat = { times = 2, layers = [{ name = 'b', residual = { \
        layers = [{ conv = { channels = 2 } }, { batch-norm = {} }], shortcut = [{ conv = { channels = 2 } }] } }] } },\n  { flatten = {} },");
    for text in [format!("{SPEC}\n{sweep}"), base.to_string(), format!("{SPEC}\n{listed}"), blocks] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("tried");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("experiment.toml"), text).unwrap();
        assert_same(&folder);
    }
}

#[test]
fn each_value_says_where_it_came_from() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tombola"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(["check", "experiments/quickstart", "--resolved"]);
    let output = command
        .args(["--set", "seed=3", "--set", "model.layer.fc1.units=5", "--set", "prediction=[]"])
        .assert()
        .success();
    insta::assert_snapshot!(String::from_utf8(output.get_output().stdout.clone()).unwrap());
}
