//! What a plan says of a shipped experiment on terminals of several widths.

use std::path::{Path, PathBuf};

use clap::Parser;

use super::timings::Samples;
use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    command: PlanCommand,
}

fn well<T>(result: Result<T, Ended>) -> T {
    match result {
        Ok(value) => value,
        Err(Ended::Wrong(message)) => panic!("{message}"),
        Err(_) => panic!("it did not end well"),
    }
}

/// What is free on every machine, always.
const FREE: Option<u64> = Some(1 << 33);

/// The screen of `tombola plan` with these arguments, on a terminal of this width or a pipe.
fn screen(arguments: &[&str], terminal: Option<usize>) -> String {
    let registry = Registry::builtin();
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments").join(arguments[0]);
    let folder = folder.to_str().unwrap();
    let first = ["plan", folder, "--runs", "/no/such/store", "--device", "cpu"];
    let line = first.iter().chain(&arguments[1..]);
    let command = Line::parse_from(line).command;
    let opened = well(command.experiment.open(&registry));
    let mut joined = well(command.join(&opened, &registry, Instant::now()));
    (joined.free, joined.memory.free) = (FREE, FREE);
    command.screen(&joined, Width { terminal })
}

#[test]
fn no_line_is_wider_than_its_terminal_and_a_pipe_gets_every_word() {
    for columns in [40, 60, 80, 200] {
        for experiment in ["quickstart", "lenet-mnist-full", "edge-popup-tuning"] {
            let screen = screen(&[experiment], Some(columns));
            let widest = screen.lines().max_by_key(|line| console::measure_text_width(line)).unwrap();
            assert!(console::measure_text_width(widest) <= columns, "{columns}: {widest}");
        }
    }
    let word = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_string();
    let words = |text: &str| text.split_whitespace().map(word).collect::<std::collections::BTreeSet<_>>();
    let (pipe, narrow) = (words(&screen(&["quickstart"], None)), words(&screen(&["quickstart"], Some(40))));
    assert_eq!(pipe.difference(&narrow).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn a_narrow_terminal_and_all_of_a_small_experiment() {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"\b[0-9a-f]{8}\b", "[step]");
    settings.add_filter(r"on flex[^z]*?\n\n", "[device kind]\n\n");
    // What was recorded, and how fast, is another machine's.
    settings.add_filter(r"\ntime (.|\n)*", "");
    settings.bind(|| insta::assert_snapshot!("narrow", screen(&["quickstart"], Some(40))));
    let all = ["quickstart", "--all", "--replicates", "1"];
    settings.bind(|| insta::assert_snapshot!("all", screen(&all, None)));
}

#[test]
fn side_by_side_a_run_takes_no_less_than_its_longest_chain() {
    let registry = Registry::builtin();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/quickstart");
    let line = ["plan", folder.to_str().unwrap(), "--replicates", "1", "--device", "cpu"];
    let opened = well(Line::parse_from(line).command.experiment.open(&registry));
    let groups = groups(&opened, &vec![true; opened.plan.steps.len()], &vec![0; opened.plan.steps.len()], &registry);
    let pace = run::Pace { iteration: 0.01, example: 0.0, n: 1, whole: true };
    let measured = (0..groups.len()).map(|group| (group, pace)).collect();
    let elapsed = |jobs| estimate(&opened, &groups, &Samples::default(), &measured, (jobs, 1)).elapsed;
    // 18 trainings of 2,000 iterations; dense and four levels of imp follow each other.
    assert_eq!([elapsed(1), elapsed(2), elapsed(100)].map(|seconds: f64| seconds.round()), [360.0, 180.0, 100.0]);
    // Where only the dense ones were measured, no level takes longer than they; edge-popup learns something else.
    let dense = groups
        .iter()
        .position(|group| group.kind.kept == 266_200 && group.first.stage.config["learn"]["use"] == "weights")
        .unwrap();
    let only = HashMap::from([(dense, pace)]);
    let time = estimate(&opened, &groups, &Samples::default(), &only, (1, 1));
    assert_eq!((time.known, time.unknown, time.at_most, time.elapsed.round()), (26_000, 10_000, true, 260.0));
    let time = estimate(&opened, &groups, &Samples::default(), &HashMap::new(), (1, 1));
    assert_eq!((time.known, time.unknown, time.elapsed), (0, 36_000, 0.0));
}

#[test]
fn a_disk_that_is_too_small_is_warned_of() {
    let registry = Registry::builtin();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/quickstart");
    let line = ["plan", folder.to_str().unwrap(), "--runs", "/no/such/store", "--device", "cpu"];
    let command = Line::parse_from(line).command;
    let opened = well(command.experiment.open(&registry));
    let mut joined = well(command.join(&opened, &registry, Instant::now()));
    joined.memory.free = FREE;
    for (free, warned) in [(joined.disk - 1, true), (joined.disk, false)] {
        joined.free = Some(free);
        assert_eq!(summary::needs(&joined, Width { terminal: None }).contains("does not fit"), warned);
    }
}
