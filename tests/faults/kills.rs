//! kill -9 at random moments of every phase of a run, and resumed each time.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use tombola::plan::Plan;
use tombola::run::Store;

use super::shim::{Act, Fault, library};
use crate::tiny::{command, folder, planned, results, run, told};

/// What a run does with files, by the calls and paths that tell it.
struct Phase {
    name: &'static str,
    path: &'static str,
    calls: &'static str,
}

/// A training touches no file: it is killed so long after it took up its ticket.
const TRAINING: &str = "training";
/// What is left when all is recorded.
const REPORT: &str = "report write";

/// A checkpoint after every iteration, and not once a minute.
const ARGUMENTS: [&str; 4] = ["run", "tiny", "--checkpoint", "0s"];

const PHASES: [Phase; 7] = [
    Phase { name: TRAINING, path: "", calls: "read" },
    Phase {
        name: "checkpoint write",
        path: "@(*/tmp/*-checkpoint|*runs/partial/*)",
        calls: "create write sync mkdir rename remove",
    },
    Phase { name: "ticket write", path: "*/tmp/*/ticket.safetensors", calls: "create write sync close touch" },
    Phase { name: "snapshot write", path: "*/tmp/*/at-*", calls: "create write sync close" },
    Phase { name: "record write", path: "*/tmp/*/record.json", calls: "create write sync close" },
    Phase { name: "step put in its place", path: "*runs/steps/*", calls: "mkdir rename sync" },
    Phase { name: REPORT, path: "*reports/*", calls: "mkdir create write sync touch close remove" },
];

/// What became of the kills in a phase.
#[derive(Default)]
struct Tally {
    kills: usize,
    /// Kills after which the same command went on to the end, or to the next kill.
    resumed: usize,
    /// Steps that were recorded before a kill and not after.
    lost: usize,
    /// Kills of runs whose results were in the end those of an undisturbed run.
    equal: usize,
}

/// What an undisturbed run of the tiny experiment does and gives.
struct Undisturbed {
    results: String,
    plan: Plan,
    /// Calls of each phase.
    calls: Vec<usize>,
    /// How long its longest training takes.
    microseconds: u64,
}

/// As many kills as these, or a few more, so that each phase has as many; what became of them, as a table. Where there is no C
/// compiler, `None`, which is said.
pub fn kill(test: &str, kills: usize) -> Option<String> {
    let library = library(test)?;
    let undisturbed = Undisturbed::run(library);
    let each = kills.div_ceil(PHASES.len());
    let mut tallies: Vec<Tally> = PHASES.iter().map(|_| Tally::default()).collect();
    let mut chance = Chance(0x9e3779b97f4a7c15);
    while tallies.iter().any(|tally| tally.kills < each) {
        life(library, &undisturbed, &mut tallies, each, &mut chance);
    }
    for (phase, tally) in PHASES.iter().zip(&tallies) {
        assert_eq!((tally.resumed, tally.lost, tally.equal), (tally.kills, 0, tally.kills), "{}", phase.name);
    }
    Some(table(&tallies))
}

impl Undisturbed {
    fn run(library: &Path) -> Undisturbed {
        let folder = folder();
        let log = folder.path().join("log");
        let calls = PHASES.iter().map(|phase| {
            let _ = (std::fs::remove_file(&log), std::fs::remove_dir_all(folder.path().join("runs")));
            let mut command = command(folder.path(), &ARGUMENTS);
            let fault = Fault { act: Act::Kill, path: phase.path, calls: phase.calls, at: 1 };
            fault.to(library, &mut command);
            assert_eq!(command.env("FAULT_LOG", &log).output().unwrap().status.code(), Some(0));
            std::fs::read_to_string(&log).map_or(0, |log| log.lines().count())
        });
        let calls: Vec<usize> = calls.collect();
        let seen = PHASES.iter().zip(&calls).filter(|(phase, _)| phase.name != TRAINING);
        seen.for_each(|(phase, calls)| assert!(*calls > 0, "no call shows the phase {:?}", phase.name));
        let plan = planned(folder.path(), &[]);
        let store = Store::open(&folder.path().join("runs"));
        let seconds = plan.steps.iter().map(|step| store.complete(&step.id).unwrap().seconds).fold(0.0, f64::max);
        let microseconds = 1 + (seconds * 1e6) as u64;
        Undisturbed { results: results(folder.path()).unwrap(), plan, calls, microseconds }
    }
}

/// Kills that one experiment meets at most before it may come to its end.
const MOST: usize = 6;

/// A few kills of one experiment in a folder of its own, resumed after each, and its end.
fn life(library: &Path, undisturbed: &Undisturbed, tallies: &mut [Tally], each: usize, chance: &mut Chance) {
    let folder = folder();
    let steps = undisturbed.plan.steps.len();
    let mut killed = Vec::new();
    for _ in 0..MOST {
        let before = recorded(folder.path(), &undisturbed.plan);
        // Once all is recorded, nothing but a report can be killed.
        let can_be = |phase: &usize| before.len() < steps || PHASES[*phase].name == REPORT;
        let left: Vec<usize> = (0..tallies.len()).filter(|phase| tallies[*phase].kills < each).filter(can_be).collect();
        if left.is_empty() {
            break;
        }
        let phase = left[chance.below(left.len())];
        let died = attempt(library, folder.path(), undisturbed, phase, chance);
        let after = recorded(folder.path(), &undisturbed.plan);
        tallies[phase].lost += before.difference(&after).count();
        if let Some(results) = results(folder.path()) {
            assert_eq!(results, undisturbed.results, "a report is whole or not there");
        }
        if died {
            tallies[phase].kills += 1;
            killed.push(phase);
        }
    }
    let ran = steps - recorded(folder.path(), &undisturbed.plan).len();
    let said = run(folder.path(), &[]);
    assert!(ran == 0 || said.contains(&format!("{ran} step")), "nothing that was recorded runs again: {said}");
    let equal = results(folder.path()).as_ref() == Some(&undisturbed.results);
    for phase in killed {
        tallies[phase].resumed += 1;
        tallies[phase].equal += usize::from(equal);
    }
    assert_eq!(left_over(folder.path()), Vec::<String>::new(), "what killed runs left unfinished is removed");
}

/// Runs until it is killed in a phase; `false` where it came to its end before, or was killed elsewhere.
fn attempt(library: &Path, folder: &Path, undisturbed: &Undisturbed, phase: usize, chance: &mut Chance) -> bool {
    let Phase { name, path, calls } = PHASES[phase];
    let mut command = command(folder, &ARGUMENTS);
    command.args(["--jobs", ["1", "2"][chance.below(2)]]);
    let training = (name == TRAINING).then(|| undisturbed.training(folder, chance));
    match &training {
        Some((step, after)) => {
            let parent = &undisturbed.plan.steps[undisturbed.plan.steps[*step].parent.unwrap()].id;
            let path = format!("*/{parent}/ticket.safetensors");
            Fault { act: Act::KillAfter(*after), path: &path, calls, at: 1 }.to(library, &mut command);
        }
        None => {
            let at = 1 + chance.below(undisturbed.calls[phase]);
            Fault { act: Act::Kill, path, calls, at }.to(library, &mut command);
        }
    }
    let output = command.output().unwrap();
    let died = output.status.signal() == Some(9);
    assert!(died || output.status.success(), "{name}: {:?}", told(&output));
    died && training.is_none_or(|(step, _)| is_within(folder, &undisturbed.plan.steps[step].id))
}

impl Undisturbed {
    /// One of the trainings that are to run, and a moment of it in microseconds.
    fn training(&self, folder: &Path, chance: &mut Chance) -> (usize, u64) {
        let recorded = recorded(folder, &self.plan);
        let steps = self.plan.steps.iter().enumerate();
        let new = steps.filter(|(_, step)| step.iterations > 0 && !recorded.contains(&step.id));
        let new: Vec<usize> = new.map(|(number, _)| number).collect();
        (new[chance.below(new.len())], chance.below(self.microseconds as usize) as u64)
    }
}

/// Whether a training has begun, which nobody knows, and has not begun to be written.
fn is_within(folder: &Path, id: &str) -> bool {
    let written = ["runs/steps", "runs/tmp"].map(|place| walkdir::WalkDir::new(folder.join(place)));
    let written = written.into_iter().flatten().map(Result::unwrap);
    !written.into_iter().any(|entry| entry.file_name().to_str().is_some_and(|name| name.ends_with(id)))
}

/// The steps that are whole in the store.
fn recorded(folder: &Path, plan: &Plan) -> BTreeSet<String> {
    let store = Store::open(&folder.join("runs"));
    plan.steps.iter().filter(|step| store.complete(&step.id).is_some()).map(|step| step.id.clone()).collect()
}

/// Files that a run that has ended should not leave.
fn left_over(folder: &Path) -> Vec<String> {
    let names = |place: &str| {
        let entries = std::fs::read_dir(folder.join(place)).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect::<Vec<_>>()
    };
    let hidden = ["reports/tiny", "reports/tiny/figures"].map(names).concat();
    let own = ["runs/tmp", "runs/claims", "runs/partial"].map(names).concat();
    own.into_iter().chain(hidden.into_iter().filter(|name| name.starts_with('.'))).collect()
}

fn table(tallies: &[Tally]) -> String {
    let mut table =
        String::from("| killed in | kills | resumed | steps lost | results equal |\n| --- | --: | --: | --: | --: |\n");
    for (phase, Tally { kills, resumed, lost, equal }) in PHASES.iter().zip(tallies) {
        writeln!(table, "| {} | {kills} | {resumed} | {lost} | {equal} |", phase.name).unwrap();
    }
    let all = tallies.iter().fold(Tally::default(), |all, one| Tally {
        kills: all.kills + one.kills,
        resumed: all.resumed + one.resumed,
        lost: all.lost + one.lost,
        equal: all.equal + one.equal,
    });
    writeln!(table, "| all | {} | {} | {} | {} |", all.kills, all.resumed, all.lost, all.equal).unwrap();
    table
}

/// Numbers that are as good as random, the same in every test.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}
