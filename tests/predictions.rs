//! What a user sees of predictions: judged after a run, told again without running anything, wrong ones refused.

use std::path::Path;
use std::process::{Command, Output};

use crate::small::{SPEC, folder, planned};

const EXPECTED: &str = r#"
[[prediction]]
claim = "nothing is worse than guessing"
expect = "dense.test_accuracy >= 1%"
[[prediction]]
claim = "weights remain that do not"
expect = "imp.weights_remaining@last > imp.weights_remaining@level 1"
"#;

fn tombola(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tombola"));
    let Output { status, stdout, stderr } = command.current_dir(folder).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn write(folder: &Path, predictions: &str) {
    std::fs::write(folder.join("small/experiment.toml"), format!("{SPEC}{predictions}")).unwrap();
}

#[test]
fn a_failed_prediction_is_an_outcome_and_another_prediction_reruns_nothing() {
    let folder = folder();
    let folder = folder.path();
    let without: Vec<String> = planned(folder, &[]).steps.into_iter().map(|step| step.id).collect();
    write(folder, EXPECTED);
    let with: Vec<String> = planned(folder, &[]).steps.into_iter().map(|step| step.id).collect();
    assert_eq!(without, with);

    let (code, out, err) = tombola(folder, &["run", "small", "--replicates", "1"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("Predictions: 1 holds, 1 fails\n  holds       nothing is worse than guessing\n"), "{out}");
    assert!(out.contains("  fails       weights remain that do not\n"), "{out}");

    write(folder, &EXPECTED.replace("1%", "100%"));
    let (code, out, err) = tombola(folder, &["run", "small", "--replicates", "1"]);
    assert!(code == 0 && err.contains("Nothing to run") && out.contains("0 hold, 2 fail"), "{out}{err}");

    let (_, json, _) = tombola(folder, &["report", "small", "--replicates", "1", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    let (path, first) = (report["report"].as_str().unwrap(), &report["predictions"][0]);
    assert_eq!((first["outcome"].as_str(), first["conditions"][0]["bound"].as_f64()), (Some("fails"), Some(1.0)));
    let page = std::fs::read_to_string(folder.join(path)).unwrap();
    assert!(page.contains("nothing is worse than guessing") && page.contains("<li class=\"fails\">"), "{page}");

    // Of the two replicates that the experiment wants, one has run.
    let (_, json, _) = tombola(folder, &["report", "small", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["predictions"][0]["outcome"], "not-judged");
    assert_eq!(report["predictions"][0]["why"][0], "dense, replicate 1: missing: not run yet");
}

const WRONG: &str = r#"
[[prediction]]
claim = "tickets that no pipeline has"
expect = "imp.test_accuracy@13.5% - reinitialise.test_accuracy@level 9 >= 0.003"
[[prediction]]
claim = "several tickets that might be meant"
expect = """
imp.test_accuracy >= dense.test_accuracy and
  edge-popup.test_accuracy@level 0 > imp[width=2].test_accuracy@last"""
"#;

#[test]
fn tickets_that_the_plan_does_not_have_are_told_before_anything_runs() {
    let folder = folder();
    write(folder.path(), WRONG);
    let (code, _, err) = tombola(folder.path(), &["check", "small"]);
    assert_eq!(code, 2);
    insta::assert_snapshot!(err);
}
