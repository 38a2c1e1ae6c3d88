//! Clocks that go back, data that change, memory that runs out.

use std::process::Command;
use std::time::Duration;

use super::shim::{Act, Fault, library};
use crate::tiny::{SPEC, command, folder, planned, results, run, told};

/// A jump of more than a year, in the middle of a run.
#[test]
fn a_clock_that_is_set_back_within_a_run_changes_no_result_and_no_time_is_negative() {
    let test = "a_clock_that_is_set_back_within_a_run_changes_no_result_and_no_time_is_negative";
    let Some(library) = library(test) else { return };
    let undisturbed = folder();
    run(undisturbed.path(), &[]);
    for at in [3, 6] {
        let folder = folder();
        let mut back = command(folder.path(), &["run", "tiny"]);
        let path = "*/tmp/*/ticket.safetensors";
        Fault { act: Act::Back(40_000_000), path, calls: "create", at }.to(library, &mut back);
        let (code, said) = told(&back.output().unwrap());
        assert_eq!(code, Some(0), "{said}");
        let records = std::fs::read_to_string(folder.path().join("reports/tiny/records.jsonl")).unwrap();
        let years: std::collections::BTreeSet<&str> =
            records.split("\"started\":\"").skip(1).filter_map(|rest| rest.get(..4)).collect();
        assert!(years.len() > 1, "the clock was set back: {years:?}");
        assert!(!records.contains("\"seconds\":-"), "{records}");
        assert_eq!(results(folder.path()), results(undisturbed.path()));
        // As sound for a program that sees the time of now.
        assert!(run(folder.path(), &[]).contains("Nothing to run"));
    }
}

#[test]
fn data_that_change_within_a_run_disturb_it_not_and_the_next_run_refuses_them() {
    let undisturbed = folder();
    run(undisturbed.path(), &["--replicates", "3"]);
    let folder = folder();
    let data = folder.path().join("data/dots/train-images");
    let whole = std::fs::read(&data).unwrap();
    let mut other = whole.clone();
    other.last_mut().map(|pixel| *pixel ^= 1).unwrap();
    let mut child = command(folder.path(), &["run", "tiny", "--replicates", "3", "--jobs", "1"]).spawn().unwrap();
    // The data are read by then; most of the run is still to come.
    while !folder.path().join("runs/steps").is_dir()
        || std::fs::read_dir(folder.path().join("runs/steps")).unwrap().count() == 0
    {
        assert!(child.try_wait().unwrap().is_none(), "the run ended before its data could change");
        std::thread::sleep(Duration::from_micros(200));
    }
    std::fs::write(&data, &other).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(results(folder.path()), results(undisturbed.path()), "what was read once is what all steps see");
    let before = results(folder.path());
    let (code, said) = told(&command(folder.path(), &["run", "tiny", "--replicates", "4"]).output().unwrap());
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("train-images") && said.contains("it is not the declared file: SHA-256"), "{said}");
    assert_eq!(results(folder.path()), before, "nothing is mixed");
    std::fs::write(&data, &whole).unwrap();
    run(folder.path(), &["--replicates", "4"]);
}

#[test]
fn data_that_change_while_they_are_read_are_refused_or_whole() {
    let folder = folder();
    let data = folder.path().join("data/dots/train-labels");
    let whole = std::fs::read(&data).unwrap();
    std::fs::write(&data, &whole[..whole.len() - 1]).unwrap();
    let (code, said) = told(&command(folder.path(), &["run", "tiny"]).output().unwrap());
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("train-labels") && said.contains("it is truncated"), "{said}");
    assert_eq!(results(folder.path()), None);
}

/// The tiny experiment, and a variant of it whose hidden layer has a million units: 76 million weights with the next one's.
fn with_a_large_variant() -> tempfile::TempDir {
    let folder = folder();
    let model = SPEC.split("[model]").nth(1).unwrap().split("[training]").next().unwrap();
    let large = model.replace("units = 6", "units = 1_000_000").replace("layer =", "model.layer =");
    let large = large.replace("{ relu = {} },", "{ relu = {} },\n  { linear = { units = 60 } },");
    let spec = format!("{SPEC}[[variant]]\nname = \"small\"\nseed = 1\n[[variant]]\nname = \"large\"\n{large}");
    std::fs::write(folder.path().join("tiny/experiment.toml"), spec).unwrap();
    folder
}

#[test]
fn a_variant_too_large_for_the_memory_fails_alone_and_all_others_run() {
    let folder = with_a_large_variant();
    let mut command = command(folder.path(), &["run", "tiny", "--memory", "600MB"]);
    large_fails(&folder, &mut command, "out of memory: this step needs about");
}

/// The estimate allows it, and the system does not: what cannot be had is found out before it would end the program.
#[test]
fn an_allocation_that_the_system_refuses_fails_its_step_alone() {
    let folder = with_a_large_variant();
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -v 1500000; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_tombola")]);
    limited.args(["run", "tiny", "--memory", "900GB", "--jobs", "2"]);
    limited.current_dir(folder.path()).env("TOMBOLA_DATA", folder.path().join("data"));
    large_fails(&folder, &mut limited, "and the system does not give so much");
}

fn large_fails(folder: &tempfile::TempDir, command: &mut Command, why: &str) {
    let (code, said) = told(&command.output().unwrap());
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(why) && said.contains("[large], replicate 0, level 0: out of memory"), "{said}");
    let report = results(folder.path()).unwrap();
    let scored = |variant: &str| {
        let rows = report.lines().filter(|line| line.contains(&format!(",{variant},")));
        rows.filter(|row| row.split(',').nth(11).is_some_and(|accuracy| !accuracy.is_empty())).count()
    };
    let tickets = planned(folder.path(), &[]).tickets.len() / 2;
    assert_eq!((scored("small"), scored("large")), (tickets, 0), "{said}\n{report}");
    let page = std::fs::read_to_string(folder.path().join("reports/tiny/report.md")).unwrap();
    assert!(page.contains("failed"), "{page}");
}
