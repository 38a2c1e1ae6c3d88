//! An experiment is locked by its run, and a rerun held to it: what changed, and what was tampered with, is found and named.

mod devices;
mod forged;
mod locks;
mod reruns;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use tombola::lock::Lock;
use tombola::plan::plan;
use tombola::registry::Registry;
use tombola::spec;
use tombola::verify::misfits;

/// Small and quick: what it learns does not matter.
const SPEC: &str = r#"
title = "A tiny experiment"
replicates = 2

[dataset]
use = "mnist-10k"
validation = 50
subset = { train = 250, test = 100 }
[model]
layer = [
  { flatten = {} },
  { linear = { units = 8 }, name = "fc1" },
  { relu = {} },
  { linear = { units = "{classes}" }, name = "out" },
]
[training]
optimizer = { use = "adam", learning_rate = 1e-3 }
batch_size = 50
length = "6it"
evaluate = "3it"

[pipeline.dense]
use = "dense"
[pipeline.imp]
use = "imp"
levels = 3
[pipeline.late]
use = "imp"
levels = 1
rewind = "2it"
[pipeline.reinitialise]
use = "reinitialise"
each = "imp"
[pipeline.edge-popup]
use = "edge-popup"
weights_remaining = [0.3, 0.6]
"#;

/// Exit code, stdout and stderr.
fn tombola(folder: &Path, arguments: &str) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tombola"));
    command.current_dir(folder).args(arguments.split(' ')).stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A small experiment that has run, with its lock.
fn locked() -> tempfile::TempDir {
    let folder = unlocked();
    let (_, _, said) = tombola(folder.path(), "run small");
    assert!(said.contains("Lock: small/experiment.lock"), "{said}");
    folder
}

fn unlocked() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("small")).unwrap();
    fs::write(folder.path().join("small/experiment.toml"), SPEC).unwrap();
    folder
}

/// What a run that must end well says.
fn run(folder: &Path, arguments: &str) -> String {
    let (code, _, said) = tombola(folder, format!("run small {arguments}").trim_end());
    assert_eq!(code, 0, "{said}");
    said
}

fn edit(folder: &Path, file: &str, from: &str, to: &str) {
    let path = folder.join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} has no {from:?}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

fn lock(folder: &Path) -> String {
    fs::read_to_string(folder.join("small/experiment.lock")).unwrap()
}
