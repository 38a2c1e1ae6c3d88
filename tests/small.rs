//! A small experiment on the built-in digits, in a folder of a test's own, run by the program.

use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;
use tombola::plan::{Plan, plan};
use tombola::registry::Registry;
use tombola::run::Store;
use tombola::spec;

pub const SPEC: &str = r#"
title = "A small experiment"
question = "Do the rules hold?"
replicates = 2
dataset = { use = "mnist-10k" }

[model]
init = "glorot-normal"
layer = [
  { flatten = {} },
  { linear = { units = 16 }, name = "fc1" },
  { batch-norm = {} },
  { relu = {} },
  { dropout = { rate = 0.1 } },
  { linear = { units = "{classes}" }, name = "out" },
]

[training]
optimizer = { use = "adam", learning_rate = 1e-3, weight_decay = 1e-4 }
batch_size = 60
length = "60it"
evaluate = "20it"

[pipeline.dense]
use = "dense"
[pipeline.imp]
use = "imp"
levels = 3
prune_rate = { linear = 0.5, output = 0.25 }
[pipeline.late]
use = "imp"
levels = 1
rewind = "10it"
optimizer = { use = "sgd", learning_rate = 0.1, momentum = 0.9, weight_decay = 1e-4 }
[pipeline.reinitialise]
use = "reinitialise"
each = "imp"
[pipeline.shuffle]
use = "shuffle"
each = "imp"
at = [2]
[pipeline.edge-popup]
use = "edge-popup"
weights_remaining = [0.3, 1.0]
"#;

/// A folder with the small experiment in `small/`, to be run into `runs/` and `reports/`.
pub fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("small")).unwrap();
    std::fs::write(folder.path().join("small/experiment.toml"), SPEC).unwrap();
    folder
}

pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tombola"));
    command.current_dir(folder).args(["run", "small"]).args(arguments).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// Runs to the end and gives what was said.
pub fn run(folder: &Path, arguments: &[&str]) -> String {
    let output = command(folder, arguments).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    said
}

/// `results.csv` without the one column that differs between equal runs.
pub fn results(folder: &Path) -> String {
    let text = std::fs::read_to_string(folder.join("reports/small/results.csv")).unwrap();
    let without = |line: &str| {
        line.split(',').enumerate().filter(|(i, _)| *i != 14).map(|(_, f)| f).collect::<Vec<_>>().join(",")
    };
    text.lines().map(without).collect::<Vec<_>>().join("\n")
}

/// The hash of each planned step's ticket: every bit that was computed.
pub fn hashes(folder: &Path) -> Vec<String> {
    hashes_on(folder, "cpu")
}

pub fn hashes_on(folder: &Path, device: &str) -> Vec<String> {
    let store = Store::open(&folder.join("runs"));
    planned_on(folder, device, &[]).steps.iter().map(|step| store.stored(&step.id).unwrap().ticket).collect()
}

pub fn planned(folder: &Path, overrides: &[&str]) -> Plan {
    planned_on(folder, "cpu", overrides)
}

/// The device kind of `cpu:plain`, which is not opened: it would settle with which instructions this process computes.
pub fn plain_kind() -> String {
    let widest = tombola::device::auto_kind();
    format!("{}+plain", widest.rsplit_once('+').unwrap().0)
}

pub fn planned_on(folder: &Path, device: &str, overrides: &[&str]) -> Plan {
    let registry = Registry::builtin();
    let overrides: Vec<String> = overrides.iter().map(|o| o.to_string()).collect();
    let spec = spec::load(&folder.join("small"), &registry, &overrides).unwrap_or_else(|e| panic!("{e}"));
    let kind = match device {
        "cpu:plain" => plain_kind(),
        _ => tombola::device::open(device).unwrap().kind,
    };
    plan(&spec, &registry, &kind).unwrap_or_else(|e| panic!("{e}"))
}
