//! The smallest experiment, on made-up images in a data directory of its own: a run of it takes a fraction of a second.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tombola::plan::{Plan, plan};
use tombola::registry::Registry;
use tombola::spec;

pub const SPEC: &str = r#"
title = "A tiny experiment"
dataset = { use = "dots" }

[model]
layer = [
  { flatten = {} },
  { linear = { units = 6 }, name = "fc1" },
  { relu = {} },
  { linear = { units = "{classes}" }, name = "out" },
]

[training]
optimizer = { use = "adam", learning_rate = 1e-2 }
batch_size = 10
length = "60it"
evaluate = "20it"

[pipeline.imp]
use = "imp"
levels = 2
rewind = "10it"
[pipeline.shuffle]
use = "shuffle"
each = "imp"
at = [2]
"#;

const FILES: [&str; 4] = ["train-images", "train-labels", "test-images", "test-labels"];

/// A folder with the experiment in `tiny/` and its data in `data/`, to be run into `runs/` and `reports/`.
pub fn folder() -> TempDir {
    // In memory, where there is such a disk: nothing waits for a real one, and kills leave there what they leave elsewhere.
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let at = |path: &str| folder.path().join(path);
    std::fs::create_dir_all(at("tiny/datasets")).unwrap();
    std::fs::create_dir_all(at("data/dots")).unwrap();
    std::fs::write(at("tiny/experiment.toml"), SPEC).unwrap();
    let mut declaration = String::from(
        "summary = \"A dot where the label says\"\nlicence = \"none\"\ncitation = \"none\"\nfolder = \"dots\"\n\
         classes = 4\nshape = [1, 4, 4]\ntrain = 160\ntest = 40\nvalidation = 40\n\
         normalise = { mean = [0.5], std = [0.5] }\nformat = { use = \"idx\", train_images = \"train-images\", \
         train_labels = \"train-labels\", test_images = \"test-images\", test_labels = \"test-labels\" }\n",
    );
    for (name, bytes) in FILES.iter().zip(files()) {
        let sha256: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        declaration += &format!("[[file]]\nname = \"{name}\"\nbytes = {}\nsha256 = \"{sha256}\"\n", bytes.len());
        std::fs::write(at("data/dots").join(name), bytes).unwrap();
    }
    std::fs::write(at("tiny/datasets/dots.toml"), declaration).unwrap();
    folder
}

/// Images of 4 × 4 and their labels, as idx: most pixels say nothing, so that not all are learned.
fn files() -> [Vec<u8>; 4] {
    let header = |dimensions: &[u32]| {
        let magic = 0x0800 + dimensions.len() as u32;
        [&[magic], dimensions].concat().iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>()
    };
    let label = |example: u32| (example * 7 % 4) as u8;
    let pixel = |example: u32, at: u32| match at == u32::from(label(example)) * 4 {
        true => 160,
        false => (example.wrapping_mul(2654435761).wrapping_add(at * 40503) >> 7) as u8,
    };
    let images = |from: u32, n: u32| {
        let pixels = (from..from + n).flat_map(|example| (0..16).map(move |at| pixel(example, at)));
        header(&[n, 4, 4]).into_iter().chain(pixels).collect()
    };
    let labels = |from: u32, n: u32| header(&[n]).into_iter().chain((from..from + n).map(label)).collect();
    [images(0, 160), labels(0, 160), images(160, 40), labels(160, 40)]
}

pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tombola"));
    command.current_dir(folder).args(arguments).env("TOMBOLA_DATA", folder.join("data"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// The exit code and what was said to stderr; without a code, the signal that ended it.
pub fn told(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Runs to the end and gives what was said.
pub fn run(folder: &Path, arguments: &[&str]) -> String {
    let (code, said) = told(&command(folder, &["run", "tiny"]).args(arguments).output().unwrap());
    assert_eq!(code, Some(0), "{said}");
    said
}

/// `results.csv` but for the one column that differs between equal runs; `None` where there is none.
pub fn results(folder: &Path) -> Option<String> {
    let text = std::fs::read_to_string(folder.join("reports/tiny/results.csv")).ok()?;
    let at = text.lines().next()?.split(',').position(|column| column == "seconds")?;
    let without = |line: &str| {
        let fields = line.split(',').enumerate().filter(|(number, _)| *number != at);
        fields.map(|(_, field)| field).collect::<Vec<_>>().join(",")
    };
    Some(text.lines().map(without).collect::<Vec<_>>().join("\n"))
}

/// As the program plans it, or, by these overrides, another form of it.
pub fn planned(folder: &Path, overrides: &[&str]) -> Plan {
    let registry = Registry::builtin();
    let overrides: Vec<String> = overrides.iter().map(|o| o.to_string()).collect();
    let spec = spec::load(&folder.join("tiny"), &registry, &overrides).unwrap_or_else(|e| panic!("{e}"));
    plan(&spec, &registry, &tombola::device::open("cpu").unwrap().kind).unwrap_or_else(|e| panic!("{e}"))
}

/// Where a step is in the store.
pub fn step(folder: &Path, id: &str) -> PathBuf {
    folder.join("runs/steps").join(&id[..2]).join(id)
}
