//! Disks that are full, that cannot be written to, or that fail: real ones, in a mount namespace of the test's own, and by
//! errors at exact calls.

use std::path::Path;
use std::process::{Command, Output};

use tombola::plan::Step;

use super::shim::{Act, Fault, library, skipped};
use crate::tiny::{SPEC, command, folder, planned, results, run, told};

/// Runs a shell script in a namespace where it can mount what it wants; `None`, which is said, where none can be had.
fn mounting(test: &str, folder: &Path, script: &str) -> Option<Output> {
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-ec", script]).current_dir(folder);
        command.env("TOMBOLA", env!("CARGO_BIN_EXE_tombola")).env("TOMBOLA_DATA", folder.join("data"));
        command.output().ok()
    };
    let probe = "mkdir -p probe; mount -t tmpfs tmpfs probe";
    if !unshare(probe).is_some_and(|output| output.status.success()) {
        skipped(test, "`unshare --map-root-user --mount`, to mount a small disk");
        return None;
    }
    unshare(script)
}

/// What the script's commands said and which codes they told: `code 1` in a line.
fn said(output: &Output) -> (String, Vec<String>) {
    let text = String::from_utf8_lossy(&[&output.stderr[..], &output.stdout[..]].concat()).into_owned();
    let codes = text.lines().filter_map(|line| line.strip_prefix("code ")).map(String::from).collect();
    (text, codes)
}

/// What an undisturbed run of two replicates gives.
fn undisturbed() -> String {
    let folder = folder();
    run(folder.path(), &["--replicates", "2"]);
    results(folder.path()).unwrap()
}

#[test]
fn a_full_disk_fails_steps_with_a_remedy_and_with_room_the_same_command_goes_on() {
    let folder = folder();
    let script = r#"
        mkdir runs; mount -t tmpfs -o size=64k tmpfs runs
        "$TOMBOLA" run tiny --replicates 2 && echo code 0 || echo code $?
        echo torn $(find runs -name 'ticket.safetensors' -size 0 | wc -l) left $(find runs/tmp -mindepth 1 | wc -l)
        mount -o remount,size=50m runs
        "$TOMBOLA" run tiny --replicates 2 && echo code 0 || echo code $?
        "$TOMBOLA" run tiny --replicates 2
    "#;
    let test = "a_full_disk_fails_steps_with_a_remedy_and_with_room_the_same_command_goes_on";
    let Some(output) = mounting(test, folder.path(), script) else { return };
    let (text, codes) = said(&output);
    assert_eq!(codes, ["1", "0"], "{text}");
    assert!(text.contains("the disk is full: runs has ") && text.contains("make room"), "{text}");
    assert!(text.contains("torn 0 left 0") && text.contains("Nothing to run"), "{text}");
    assert!(!text.contains("is not as it was written"), "nothing was torn: {text}");
    assert_eq!(results(folder.path()).unwrap(), undisturbed());
}

/// A power cut may take what was not synced: a step's files, its folder, the shelf that holds it, a new shelf.
#[test]
fn a_step_is_synced_from_its_files_to_the_folder_of_shelves_before_and_after_its_rename() {
    let test = "a_step_is_synced_from_its_files_to_the_folder_of_shelves_before_and_after_its_rename";
    let Some(library) = library(test) else { return };
    let folder = folder();
    let log = folder.path().join("log");
    let mut run = command(folder.path(), &["run", "tiny", "--jobs", "1", "--checkpoint", "never"]);
    Fault { act: Act::Error, path: "*runs/@(tmp|steps)*", calls: "sync rename", at: 1 }.to(library, &mut run);
    assert_eq!(run.env("FAULT_LOG", &log).output().unwrap().status.code(), Some(0));
    let log = std::fs::read_to_string(log).unwrap();
    let calls: Vec<&str> = log.lines().collect();
    let id = &planned(folder.path(), &[]).steps[0].id;
    let is = |at: usize, call: &str, end: &str| calls[at].starts_with(call) && calls[at].ends_with(end);
    let put = (0..calls.len()).find(|at| is(*at, "rename ", &format!("runs/steps/{}/{id}", &id[..2]))).unwrap();
    assert!(is(put - 1, "sync ", &format!("-{id}")), "{log}");
    assert!(calls[..put].iter().any(|call| call.ends_with(&format!("-{id}/record.json"))), "{log}");
    assert!(is(put + 1, "sync ", &format!("runs/steps/{}", &id[..2])) && is(put + 2, "sync ", "runs/steps"), "{log}");
}

/// A ticket of 170 kB fits beside the one before it, and a checkpoint, which is three of them at least, beside one alone.
#[test]
fn a_checkpoint_takes_no_room_that_its_step_needs() {
    let folder = folder();
    let spec = SPEC.split("[pipeline.imp]").next().unwrap().replace("units = 6", "units = 2000");
    std::fs::write(folder.path().join("tiny/experiment.toml"), spec + "[pipeline.dense]\nuse = \"dense\"\n").unwrap();
    let script = r#"
        mkdir runs; mount -t tmpfs -o size=780k tmpfs runs
        "$TOMBOLA" run tiny --checkpoint 0s && echo code 0 || echo code $?
        "$TOMBOLA" run tiny && echo code 0 || echo code $?
        mkdir kept; cp -r runs/steps kept/
    "#;
    let Some(output) = mounting("a_checkpoint_takes_no_room_that_its_step_needs", folder.path(), script) else {
        return;
    };
    let (text, codes) = said(&output);
    assert_eq!(codes, ["0", "0"], "{text}");
    assert_eq!(text.matches("warning: no checkpoint of step ").count(), 1, "{text}");
    assert!(text.contains("can be written: the disk is full: runs has ") && text.contains("; it goes on"), "{text}");
    assert!(text.contains("Nothing to run"), "{text}");
    let bytes = |step: &Step| {
        let folder = folder.path().join("kept/steps").join(&step.id[..2]).join(&step.id);
        std::fs::metadata(folder.join("ticket.safetensors")).unwrap().len()
    };
    let leave: u64 = planned(folder.path(), &[]).steps.iter().map(bytes).sum();
    assert!((300_000..360_000).contains(&leave), "the disk is of the size for this: {leave}");
}

/// As it is where others fill the disk while a step is written.
#[test]
fn a_disk_that_fills_up_within_a_write_leaves_nothing_torn() {
    let test = "a_disk_that_fills_up_within_a_write_leaves_nothing_torn";
    let Some(library) = library(test) else { return };
    let folder = folder();
    for (path, at) in [("*/tmp/*/ticket.safetensors", 4), ("*/tmp/*/record.json", 8), ("*runs/steps/*", 6)] {
        let mut full = command(folder.path(), &["run", "tiny", "--replicates", "2"]);
        Fault { act: Act::Full, path, calls: "create write sync mkdir", at }.to(library, &mut full);
        let (code, said) = told(&full.output().unwrap());
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("runs") && said.contains("No space left") && said.contains("make room"), "{said}");
    }
    let said = run(folder.path(), &["--replicates", "2"]);
    assert!(!said.contains("is not as it was written") && !said.contains("Nothing to run"), "{said}");
    assert_eq!(results(folder.path()).unwrap(), undisturbed());
}

#[test]
fn an_error_of_the_disk_fails_its_step_and_the_same_command_goes_on() {
    let test = "an_error_of_the_disk_fails_its_step_and_the_same_command_goes_on";
    let Some(library) = library(test) else { return };
    let folder = folder();
    let mut failing = command(folder.path(), &["run", "tiny", "--replicates", "2", "--jobs", "1"]);
    let path = "*/tmp/*/ticket.safetensors";
    Fault { act: Act::Error, path, calls: "sync", at: 5 }.to(library, &mut failing);
    let (code, said) = told(&failing.output().unwrap());
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("ticket.safetensors: Input/output error") && said.contains("--runs DIR"), "{said}");
    run(folder.path(), &["--replicates", "2"]);
    assert_eq!(results(folder.path()).unwrap(), undisturbed());
}

#[test]
fn a_disk_that_is_full_when_the_report_is_written_leaves_the_old_one_whole() {
    let folder = folder();
    let script = r#"
        mkdir reports; mount -t tmpfs -o size=50m tmpfs reports
        "$TOMBOLA" run tiny --replicates 1
        (cd reports; find . -type f -exec sha256sum {} +) > before
        mount -o remount,size=$(( $(du -sk reports | cut -f1) + 24 ))k reports
        "$TOMBOLA" run tiny --replicates 2 && echo code 0 || echo code $?
        (cd reports; sha256sum --quiet -c ../before) && echo whole
        echo left $(find reports -type f | wc -l) of $(wc -l < before)
        mount -o remount,size=50m reports
        "$TOMBOLA" report tiny --replicates 2 && echo code 0 || echo code $?
        mkdir kept; cp reports/tiny/results.csv kept/
    "#;
    let test = "a_disk_that_is_full_when_the_report_is_written_leaves_the_old_one_whole";
    let Some(output) = mounting(test, folder.path(), script) else { return };
    let (text, codes) = said(&output);
    assert_eq!(codes, ["1", "0"], "{text}");
    assert!(text.contains("cannot write the report: reports/tiny/"), "{text}");
    assert!(text.contains("the results are in the store: `tombola report` writes them elsewhere"), "{text}");
    assert!(text.contains("whole"), "{text}");
    let left = text.lines().find_map(|line| line.strip_prefix("left ")?.split_once(" of ")).unwrap();
    assert_eq!(left.0, left.1, "no unfinished file is left: {text}");
    std::fs::create_dir_all(folder.path().join("reports/tiny")).unwrap();
    std::fs::copy(folder.path().join("kept/results.csv"), folder.path().join("reports/tiny/results.csv")).unwrap();
    assert_eq!(results(folder.path()).unwrap(), undisturbed());
}

#[test]
fn a_store_that_cannot_be_written_to_is_told_before_anything_runs_and_a_full_one_is_read() {
    let folder = folder();
    let script = r#"
        mkdir runs; mount --bind runs runs; mount -o remount,bind,ro runs
        "$TOMBOLA" run tiny && echo code 0 || echo code $?
        umount runs
        "$TOMBOLA" run tiny
        mount --bind runs runs; mount -o remount,bind,ro runs
        "$TOMBOLA" run tiny && echo code 0 || echo code $?
        "$TOMBOLA" run tiny --replicates 2 && echo code 0 || echo code $?
    "#;
    let test = "a_store_that_cannot_be_written_to_is_told_before_anything_runs_and_a_full_one_is_read";
    let Some(output) = mounting(test, folder.path(), script) else { return };
    let (text, codes) = said(&output);
    assert_eq!(codes, ["1", "0", "1"], "{text}");
    let refused = "cannot write to the store: runs/steps: Read-only file system";
    assert!(text.starts_with(&format!("error: {refused}")), "before anything else: {text}");
    assert_eq!(text.matches(refused).count(), 2, "{text}");
    assert_eq!(text.matches("Nothing to run").count(), 1, "{text}");
    assert!(text.contains("`--runs DIR` names another place"), "{text}");
}
