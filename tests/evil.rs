//! What an author who means harm may write: it ends in an error with its place, or in text that is only text.
#![cfg(unix)]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

const SPEC: &str = r#"
title = "Evil"
dataset = { use = "mnist-10k" }
[model]
use = "lenet-300-100"
width = 0.02
[training]
optimizer = { use = "adam", learning_rate = 1e-3 }
batch_size = 60
length = "2it"
evaluate = "1it"
[pipeline.dense]
use = "dense"
[pipeline.imp]
use = "imp"
levels = 1
"#;

/// A folder with an experiment in `evil/`.
fn evil(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join("evil").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn with(more: &str) -> TempDir {
    evil(&[("experiment.toml", &format!("{SPEC}{more}"))])
}

/// The exit code and everything that was said, from a program that has 2.5 gigabytes, and a minute of a processor.
fn said(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -v 2500000; ulimit -t 60; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_tombola")]);
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8(text).unwrap())
}

#[track_caller]
fn refused(folder: &TempDir, told: &str) {
    let (code, text) = said(folder.path(), &["check", "evil"]);
    assert!(code == 2 && text.contains(told), "{code}: {}", text.chars().take(2000).collect::<String>());
}

#[test]
fn hostile_names_are_text_in_every_output() {
    const NASTY: &str =
        "<script>alert(1)</script> <img src=x onerror=alert(2)> [a](javascript:b) `c` | *d* \\\\ '\\\" & ]]>";
    let more = format!(
        "[[variant]]\nname = \"=cmd|' /C calc'!A0 `<img src=x>`\"\nseed = 1\n[[variant]]\nseed = 2\n\
         dataset.citation = \"{NASTY}\"\n[[prediction]]\nclaim = \"- {NASTY}\"\n\
         expect = \"dense[=cmd|' /C calc'!A0 `<img src=x>`].test_accuracy >= 0.5\"\n"
    );
    let text = format!("{SPEC}{more}").replace("\"Evil\"", &format!("\"{NASTY}\"\nquestion = \"# {NASTY}\""));
    let text = text.replace("use = \"lenet-300-100\"\nwidth = 0.02", "use = \"own\"");
    let own = format!(
        "summary = \"{NASTY}\"\nsource = \"{NASTY}\"\nlayer = [{{ flatten = {{}} }}, {{ linear = {{ units = 10 }} }}]"
    );
    let folder = evil(&[("experiment.toml", &text), ("models/own.toml", &own)]);
    for arguments in [&["check", "evil"][..], &["plan", "evil"], &["run", "evil"], &["report", "evil", "--json"]] {
        let (code, text) = said(folder.path(), arguments);
        assert_eq!(code, 0, "{arguments:?}: {text}");
        assert!(!text.contains('\u{1b}'));
    }
    let report = folder.path().join("reports/evil");
    let read = |name: &str| std::fs::read_to_string(report.join(name)).unwrap();
    for entry in walkdir::WalkDir::new(&report).into_iter().map(Result::unwrap) {
        let name = entry.file_name().to_str().unwrap();
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)), "{name}");
        if name.ends_with("html") || name.ends_with("svg") {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            assert!(
                !text.contains("<script") && !text.contains("<img") && !text.contains("href=\"javascript"),
                "{name}"
            );
        }
    }
    let markdown = read("report.md");
    let alive = |line: &str| ["<script", "<img", "](java"].iter().any(|sign| line.replace("\\](", "").contains(sign));
    for line in markdown.lines().filter(|line| alive(line)) {
        // Within code, it is.
        assert!(line.contains("`` dense[=cmd"), "{line}");
    }
    assert!(markdown.contains(r"\[a\](javascript:b) \`c\` \| \*d\*"), "{markdown}");
    assert!(markdown.contains("`` dense[=cmd|' /C calc'!A0 `<img src=x>`].test_accuracy >= 0.5 ``"), "{markdown}");
    let csv = read("results.csv");
    assert!(
        csv.lines().skip(1).all(|line| line.starts_with("evil,'=cmd")
            || line.starts_with("evil,seed=2 ")
            || line.starts_with("evil,\"seed=2 ")),
        "{csv}"
    );
}

#[test]
fn nothing_outside_the_experiments_folder_is_read() {
    let secret = "[secret]\nhidden = 'words'\n";
    let outside = evil(&[("x.toml", secret), ("report.html.j2", "secret"), ("report.md.j2", "secret")]);
    let there = outside.path().join("evil");
    let link = |to: &str, as_: &str, more: &str| {
        let folder = with(more);
        let path = folder.path().join("evil").join(as_);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _ = std::fs::remove_file(&path);
        symlink(there.join(to), path).unwrap();
        folder
    };
    for (to, as_, more) in [
        ("x.toml", "more.toml", ""),
        ("x.toml", "experiment.toml", ""),
        ("", "models", ""),
        ("", "datasets", ""),
        ("x.toml", "pipelines/own.toml", "[pipeline.own]\nuse = 'own'"),
    ] {
        let folder = link(to, as_, more);
        refused(&folder, "leads out of the experiment's folder");
        assert!(!said(folder.path(), &["check", "evil"]).1.contains("secret"));
    }
    let base = link("x.toml", "bases/x.toml", "");
    std::fs::write(base.path().join("evil/experiment.toml"), "extends = 'bases/x.toml'").unwrap();
    refused(&base, "leads out of the experiment's folder");
    for (to, as_) in [("", "templates"), ("report.html.j2", "templates/report.html.j2")] {
        let folder = link(to, as_, "");
        let (_, text) = said(folder.path(), &["run", "evil"]);
        assert!(text.contains("this link leads out of"), "{text}");
        assert!(!folder.path().join("reports").exists());
    }
    for path in ["/etc/passwd.toml", "../x.toml", "a/../../x.toml"] {
        refused(&evil(&[("experiment.toml", &format!("extends = '{path}'"))]), "a file of its own folder");
    }
}

#[test]
fn what_is_no_plain_file_ends_in_an_error_and_no_waiting() {
    let folder = with("");
    let root = folder.path().join("evil");
    std::fs::create_dir_all(root.join("directory.toml")).unwrap();
    assert_eq!(said(folder.path(), &["check", "evil"]).0, 0);
    std::fs::create_dir_all(root.join("models")).unwrap();
    let model = root.join("models").join(OsStr::from_bytes(b"\xff\x1b[2J.toml"));
    std::fs::write(&model, "layer = []").unwrap();
    refused(&folder, "is no name for a model");
    let (code, text) = said(folder.path(), &["list", "models", "--experiment", "evil"]);
    assert!(code <= 2 && !text.contains('\u{1b}'), "{text}");
    std::fs::remove_file(model).unwrap();
    symlink("loop.toml", root.join("loop.toml")).unwrap();
    refused(&folder, "loop.toml: ");
    std::fs::remove_file(root.join("loop.toml")).unwrap();
    std::fs::write(root.join("bytes.toml"), b"a = '\xff'").unwrap();
    refused(&folder, "not UTF-8 text");
    std::fs::remove_file(root.join("bytes.toml")).unwrap();
    assert!(Command::new("mkfifo").arg(root.join("pipe.toml")).status().unwrap().success());
    refused(&folder, "not a plain file");
}

#[test]
fn the_data_directory_is_not_left() {
    let declared = |folder: &str, name: &str| {
        let file = "bytes = 1\nsha256 = '0000000000000000000000000000000000000000000000000000000000000000'";
        let own = format!(
            "folder = '{folder}'\nformat = {{ use = 'idx', train_images = '{name}' }}\nclasses = 10\nshape = [1, 28, 28]\n\
             train = 100\ntest = 1\nvalidation = 1\nnormalise = {{ mean = [0.0], std = [1.0] }}\n[[file]]\nname = '{name}'\n{file}"
        );
        evil(&[("experiment.toml", &SPEC.replace("mnist-10k", "own")), ("datasets/own.toml", &own)])
    };
    for name in ["..", "../x", "/etc/passwd", "a/b", "a\\b", "C:x", "."] {
        refused(&declared(name, "x"), "the name of a folder below the data directory");
        refused(&declared("x", name), "the name of a file in the data set's folder");
    }
    let run = |folder: &TempDir| said(folder.path(), &["run", "evil", "--data", "data"]).1;
    let folder = declared("x", "images");
    let data = folder.path().join("data/x");
    std::fs::create_dir_all(&data).unwrap();
    symlink("/etc/hostname", data.join("images")).unwrap();
    let text = run(&folder);
    assert!(text.contains("leads out of the data directory: copy the file, or name the directory"), "{text}");
    std::fs::remove_file(data.join("images")).unwrap();
    assert!(Command::new("mkfifo").arg(data.join("images")).status().unwrap().success());
    assert!(run(&folder).contains("not a plain file"));
}

#[test]
fn what_would_take_all_memory_or_never_end_is_refused() {
    let many = |n: usize, line: fn(usize) -> String| (0..n).map(line).collect::<String>();
    let long = "x".repeat(900_000);
    let layers = format!(
        "layer = [{{ repeat = {{ times = 1000, layers = [{}{{ relu = {{}} }}] }} }}, {{ flatten = {{}} }}, {{ linear = {{ units = 10 }} }}]",
        "{ conv = { channels = 2 } }, ".repeat(4)
    );
    let deep = format!("{SPEC}[model]")
        .replace("use = \"lenet-300-100\"\nwidth = 0.02", &layers)
        .replace("[model]\n[model]", "");
    let deep = deep.trim_end_matches("[model]").to_string();
    let cases = [
        (format!("x = {}", "[".repeat(300_000)), "nested deeper"),
        (format!("{}a = 1", "a.".repeat(10_000)), "nested deeper"),
        (format!("[{}a]", "a.".repeat(10_000)), "nested deeper"),
        (format!("{SPEC}seed = 99999999999999999999"), "too large"),
        (format!("matching = 1e999\n{SPEC}"), "number is too large"),
        (SPEC.replace("\"2it\"", "\"99999999999999it\""), "longer than anyone trains"),
        (SPEC.replace("levels = 1", "levels = 1001"), "from 1 to 1000"),
        (format!("replicates = 4000000000\n{SPEC}"), "from 1 to 10000"),
        (format!("replicates = 10000\n{}", SPEC.replace("levels = 1", "levels = 1000")), "plans more than"),
        (format!("replicates = 10000\n{deep}"), "are too many"),
        (
            format!("{SPEC}[vary]\nseed = [{0}]\nmodel.width = [{0}]\n", many(1001, |n| format!("{}, ", n + 1))),
            "a sweep has 1000 at most",
        ),
        (format!("{deep}[vary]\nseed = [{}]", many(1000, |n| format!("{n}, "))), "more than 2000000 values together"),
        (format!("{SPEC}[vary.dataset]\n{}", many(101, |n| format!("k{n} = [1]\n"))), "varies 101 fields"),
        (format!("{SPEC}[vary]\ndataset.citation = [\"a\\nb\", 'c']"), "more than one line"),
        (format!("{SPEC}[vary]\ndataset.citation = [\"{long}\", 'c']"), "more than 1000 bytes"),
        (
            SPEC.replace("[pipeline.dense]", &format!("{}[pipeline.dense]", many(50_000, |n| format!("k{n} = 1\n")))),
            "unknown key `k0`",
        ),
        (
            SPEC.replace("[training]", &format!("{}[training]", many(30_000, |n| format!("layer.k{n}.units = 1\n")))),
            "there is no layer",
        ),
        (format!("{SPEC}{}", many(20_000, |n| format!("[pipeline.p{n}]\nuse = 'imp'\n"))), "20002 pipelines"),
        (SPEC.replace("width = 0.02", "layer.fc1.units = 1e300"), "expected a whole number"),
        (SPEC.replace("width = 0.02", "layer.fc1.units = 9223372036854775807"), "must lie between"),
        (
            SPEC.replace("\"mnist-10k\" }", "\"mnist-10k\", shape = [1, 9000000000000000000, 9000000000000000000] }"),
            "which no memory holds",
        ),
        (
            SPEC.replace("\"mnist-10k\" }", "\"mnist-10k\", classes = 9000000000000000000 }"),
            "labels, which are numbers of 16 bits",
        ),
    ];
    for (text, told) in cases {
        refused(&evil(&[("experiment.toml", &text)]), told);
    }
    let mut empty = "{ train = \"{x}\" }".to_string();
    for _ in 0..5 {
        empty = format!("{{ repeat = {{ times = 1000, stages = [{empty}] }} }}");
    }
    let own =
        format!("stage = [{{ init = {{}} }}, {{ train = {{}} }}, {empty}]\n[parameters]\nx = {{ optional = true }}");
    let text = format!("{SPEC}[pipeline.own]\nuse = 'own'");
    refused(&evil(&[("experiment.toml", &text), ("pipelines/own.toml", &own)]), "plans more than");
    let own = "layer = [{ flatten = {} }, { linear = { units = 1000000 } }, { linear = { units = 1000000 } }, { linear = { units = 10 } }]";
    let text = SPEC.replace("use = \"lenet-300-100\"\nwidth = 0.02", "use = 'own'");
    refused(&evil(&[("experiment.toml", &text), ("models/own.toml", own)]), "parameters, and 68719476736 are too many");
    let files: Vec<(String, String)> = (0..9).map(|n| (format!("f{n}.toml"), format!("#{long}\n"))).collect();
    let mut files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    files.push(("experiment.toml", SPEC));
    files.push(("f10.toml", files[0].1));
    refused(&evil(&files), "this spec has more than 8388608 bytes");
}
