//! What people see, as snapshots: a change of words is looked at before it is accepted.

use std::path::Path;

use assert_cmd::Command;

/// Stdout and stderr, as on a terminal 100 columns wide without colours.
fn screen(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tombola"));
    let output = command.current_dir(folder).env("NO_COLOR", "1").args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Hides what differs by machine: step ids, and the device kind that they hold.
fn on_any_machine() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"\b[0-9a-f]{8}\b", "[step]");
    settings.add_filter(r"flex [0-9.]+, [^\n]*", "[device kind]");
    settings.add_filter(r"in /[^\s,]+", "in [store]");
    settings.add_filter(r"[0-9.]+ [KMGT]?B free", "[so much] free");
    // It depends on how many jobs there are.
    settings.add_filter(r"at most [0-9.]+ [KMGT]?B for", "at most [so much] for");
    settings
}

#[test]
fn the_help_names_the_commands_and_the_exit_codes() {
    insta::assert_snapshot!(screen(repository(), &["--help"]));
    insta::assert_snapshot!(screen(repository(), &["run", "--help"]));
    insta::assert_snapshot!(screen(repository(), &["fetch", "--help"]));
}

#[test]
fn the_catalogue_says_each_name_in_a_line() {
    insta::assert_snapshot!(screen(repository(), &["list"]));
    insta::assert_snapshot!(screen(repository(), &["show", "optimizer", "adam"]));
    insta::assert_snapshot!(screen(repository(), &["show", "pipeline", "reinitialise"]));
}

#[test]
fn a_plan_says_what_is_new_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().to_str().unwrap();
    let arguments = ["plan", "experiments/quickstart", "--replicates", "1", "--runs", runs];
    on_any_machine().bind(|| insta::assert_snapshot!(screen(repository(), &arguments)));
}

/// What two replicates left of which the spec has one; sizes and days differ by disk and by day.
#[test]
fn a_store_says_what_is_in_it_and_what_a_clean_up_would_delete() {
    let folder = crate::tiny::folder();
    crate::tiny::run(folder.path(), &["--replicates", "2"]);
    std::fs::remove_dir_all(folder.path().join("runs/plans")).unwrap();
    std::fs::write(folder.path().join("runs/notes.txt"), "mine").unwrap();
    let mut settings = on_any_machine();
    settings.add_filter(r" +[0-9.]+ [KM]?B", " [size]");
    settings.add_filter(r"\d{4}-\d\d-\d\d", "[day]");
    settings.bind(|| {
        insta::assert_snapshot!(screen(folder.path(), &["store", "list", "tiny"]));
        insta::assert_snapshot!(screen(folder.path(), &["store", "gc", "tiny"]));
        insta::assert_snapshot!(screen(folder.path(), &["store", "gc"]));
        insta::assert_snapshot!(screen(folder.path(), &["store", "gc", "--help"]));
    });
}

const WRONG: &str = r#"
title = "All at once"
question = "Is every error told?"
replicates = 0

[dataset]
use = "mnist-10k"
validatoin = 1000

[model]
use = "lenet-300-100"

[training]
optimizer = { use = "adma", learning_rate = 1e-3 }
batch_size = "sixty"
length = "40 epochs"
evaluate = "100it"

[pipeline.imp]
use = "imp"
prune_rate = 1.5
rewind = "90000it"

[pipeline.rates]
use = "imp"
prune_rate = { linear = 0.2, outpt = 0.1 }
levels = 99999999999

[pipeline.masks]
use = "edge-popup"
weights_remaining = [0.5, 0.5]

[pipeline.control]
use = "reinitialise"
each = "impp"
"#;

const FITS_NOT: &str = r#"
title = "Read well, planned badly"
dataset = { use = "mnist-10k" }
model = { use = "lenet-300-100" }

[training]
optimizer = { use = "adam", learning_rate = 1e-3 }
batch_size = 60
length = "100it"
evaluate = "100it"

[pipeline.imp]
use = "imp"
levels = 2
rewind = "101it"

[pipeline.other]
use = "imp"
batch_size = 7001

[pipeline.good]
use = "imp"
levels = 2

[pipeline.control]
use = "reinitialise"
each = "good"
at = [3]
"#;

#[test]
fn every_error_of_a_spec_is_told_at_once_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("wrong", WRONG), ("fits-not", FITS_NOT)] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
        std::fs::write(folder.path().join(name).join("experiment.toml"), text).unwrap();
        insta::assert_snapshot!(name, screen(folder.path(), &["check", name]));
    }
}
