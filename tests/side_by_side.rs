//! Runs on one store at once share its steps.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

use crate::resuming::{self, checkpoints, few, left, wait, whole};
use crate::small::{SPEC, command, hashes, results};

/// The small experiment with a pipeline that a rule stops, and one that diverges.
fn folder() -> TempDir {
    let more = r#"
[pipeline.stops]
use = "imp"
levels = 3
prune_rate = 0.9
stop = { accuracy_drop = 0.02 }
[pipeline.diverges]
use = "imp"
levels = 1
optimizer = { use = "sgd", learning_rate = 1e5, weight_decay = 1e5 }
"#;
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("small")).unwrap();
    let spec = few(SPEC).replace("60it", "30it").replace("20it", "10it") + more;
    std::fs::write(folder.path().join("small/experiment.toml"), spec).unwrap();
    folder
}

/// How many steps a run says that it ran.
fn ran(output: &Output) -> usize {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let of = |line: &str| Some(line.split_once(" step")?.0.parse().ok()).filter(|_| line.ends_with(" ran."));
    said.lines().find_map(of).flatten().unwrap_or(0)
}

#[test]
fn two_runs_on_a_fresh_store_run_every_step_once_and_end_alike() {
    let (alone, shared) = (folder(), folder());
    let steps = ran(&command(alone.path(), &[]).output().unwrap());
    let begin = |reports: &str| command(shared.path(), &["--jobs", "2", "--reports", reports]).spawn().unwrap();
    let runs = ["reports", "others"].map(begin).map(|run| run.wait_with_output().unwrap());
    let each = runs.each_ref().map(ran);
    assert_eq!(each.iter().sum::<usize>(), steps, "{each:?}");
    assert_eq!(results(shared.path()), results(alone.path()));
    std::fs::rename(shared.path().join("others"), shared.path().join("both")).unwrap();
    std::fs::remove_dir_all(shared.path().join("reports")).unwrap();
    std::fs::rename(shared.path().join("both"), shared.path().join("reports")).unwrap();
    let text = results(shared.path());
    assert_eq!(text, results(alone.path()));
    let of = |pipeline: &str| text.lines().filter(|line| line.contains(pipeline)).count();
    assert!(of(",diverges,") > 0 && of(",stops,") > 0, "{text}");
    let left = ["claims", "partial"].map(|name| shared.path().join("runs").join(name).exists());
    assert_eq!((left, std::fs::read_dir(shared.path().join("runs/tmp")).unwrap().count()), ([false; 2], 0));
}

fn signal(run: &Child, name: &str) {
    Command::new("kill").args([name, &run.id().to_string()]).status().unwrap();
}

/// A run that stands still within its first training, holding its claim.
fn standing(folder: &Path) -> Child {
    let mut run = command(folder, &["--jobs", "1", "--checkpoint", "0s"]).stderr(Stdio::null()).spawn().unwrap();
    wait(&mut run, || !checkpoints(folder).is_empty());
    signal(&run, "-STOP");
    run
}

/// A second run, once it says that it waits for the first, and what it says from then on.
fn waiting(folder: &Path) -> (Child, BufReader<std::process::ChildStderr>) {
    let mut run = command(folder, &[]).spawn().unwrap();
    let mut said = BufReader::new(run.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("Waiting: 1 step is being run by another run.") {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "it ended without waiting");
        assert!(!line.contains("Resuming"), "the other run does: {line}");
    }
    (run, said)
}

#[test]
fn what_a_killed_run_had_begun_the_one_that_waits_goes_on_with() {
    let folder = resuming::folder();
    let mut first = standing(folder.path());
    let (mut second, said) = waiting(folder.path());
    first.kill().unwrap();
    first.wait().unwrap();
    let rest: Vec<String> = said.lines().map_while(Result::ok).collect();
    assert!(second.wait().unwrap().success(), "{rest:?}");
    assert_eq!(left(folder.path()), *whole());
}

#[test]
fn a_run_takes_what_the_one_that_it_waits_for_has_completed() {
    let folder = resuming::folder();
    let mut first = standing(folder.path());
    let (mut second, said) = waiting(folder.path());
    signal(&first, "-CONT");
    assert!(first.wait().unwrap().success());
    let rest: Vec<String> = said.lines().map_while(Result::ok).collect();
    assert!(second.wait().unwrap().success(), "{rest:?}");
    assert_eq!(hashes(folder.path()), whole().0);
}

#[test]
fn a_run_that_waits_hears_an_interruption() {
    let folder = resuming::folder();
    let mut first = standing(folder.path());
    let (mut second, _said) = waiting(folder.path());
    signal(&second, "-INT");
    assert_eq!(second.wait().unwrap().code(), Some(130));
    first.kill().unwrap();
    first.wait().unwrap();
}
