//! `verify`: an experiment is run again, all of it or a sample, and held to its lock.

mod budget;
mod outcome;
mod put;
mod rendered;
mod reported;
mod screen;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use self::budget::Budget;
pub use self::put::of as reported;
use self::reported::Reported;
pub use self::reported::problems;
use super::interrupt::stop_on_interrupt;
use super::lock::Locked;
use super::machine::{Machine, time};
use super::open::Opened;
use super::plan::text::Width;
use super::reading::Reading;
use super::{Ended, Experiment, Options, count, place, print, say};
use crate::dataset::Failure;
use crate::device;
use crate::lock::{Address, FILE, Lock, addresses};
use crate::plan::Plan;
use crate::record::{Verdict, Verification};
use crate::registry::Registry;
use crate::run::{self, Store};
use crate::verify::{Choice, Rule, spread};

/// Runs an experiment again, into a store of its own, and compares with what its experiment.lock says was found.
#[derive(Args)]
pub struct VerifyCommand {
    /// The experiment's folder, with its experiment.lock
    folder: PathBuf,
    /// Run only so many tickets again, spread over pipelines, levels and replicates, with the chains that they follow from
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    sample: Option<u32>,
    /// Draw where the sample begins from this number, to take the same again; otherwise each verification draws another
    #[arg(long, value_name = "N")]
    sample_seed: Option<u32>,
    /// Run only these pipelines' tickets again, as `--pipelines dense,imp`
    #[arg(long, value_delimiter = ',', value_name = "NAME,…")]
    pipelines: Vec<String>,
    /// Run only these replicates' tickets again, counted from 0, as `--replicates 0,2`
    #[arg(long, value_delimiter = ',', value_name = "N,…")]
    replicates: Vec<u32>,
    /// Run as many tickets again as this time allows, as 90s, 10m or 2h, spread likewise
    #[arg(long, value_name = "TIME", value_parser = time)]
    time_budget: Option<Duration>,
    /// What to compute on: auto, cpu, cpu:plain or, where it is built in, libtorch, libtorch:cuda:0 or wgpu (see `devices`);
    /// auto computes with the lock's instructions where this processor has those and more
    #[arg(long, default_value = "auto")]
    device: String,
    /// Beside which store the rerun has its own, in `verify/`; one that was interrupted goes on there
    #[arg(long, default_value = "runs", value_name = "DIR")]
    runs: PathBuf,
    /// Where the experiment's report is: what it says is compared with the lock, and the verdict is put beside it
    #[arg(long, default_value = "reports", value_name = "DIR")]
    reports: PathBuf,
    /// Where data sets are looked for first
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Begin with an empty store, and reuse nothing that an earlier verification left in it
    #[arg(long)]
    anew: bool,
    #[command(flatten)]
    machine: Machine,
    /// Show every ticket, and not only those that are not PASS where there are many
    #[arg(long)]
    all: bool,
    /// Print the verdict, and every ticket's, as JSON, for programs
    #[arg(long)]
    json: bool,
}

/// What a rerun is made of.
pub struct Ground<'a> {
    pub registry: &'a Registry,
    pub experiment: &'a Experiment,
    pub opened: &'a Opened,
    pub lock: &'a Lock,
    pub store: &'a Store,
    /// The store in which the lock's tickets may be.
    pub original: &'a Store,
    /// Where its report is.
    pub report: &'a Path,
}

impl VerifyCommand {
    pub fn run(&self, registry: &Registry) -> Result<(), Ended> {
        let experiment = &self.experiment();
        let opened = &experiment.open(registry)?;
        if self.device != experiment.options.device {
            let kind = &opened.compute.kind;
            say(&format!(
                "Computing as {kind}, as the lock's run did: bits are compared. `--device cpu` is faster, and another kind."
            ));
        }
        let folder = &opened.spec.folder;
        let Locked { lock, changes, misfits } = experiment.locked(opened, registry)?.ok_or_else(|| {
            format!("{} has no {FILE}, which says what to find: a completed `tombola run` writes it", folder.display())
        })?;
        let lock = &lock;
        place::folder("--runs", &self.runs)?;
        let place = self.runs.join("verify").join(&opened.spec.name);
        let (store, original) = (&Store::open(&place), &Store::open(&self.runs));
        let report = &self.reports.join(&opened.spec.name);
        let ground = &Ground { registry, experiment, opened, lock, store, original, report };
        let verification = self.verify(ground, &unlike(&changes, &misfits))?;
        match self.json {
            true => {
                let text = serde_json::to_string_pretty(&verification);
                print(&(text.map_err(|e| format!("cannot write the verdict as JSON: {e}"))? + "\n"))?;
            }
            false => print(&screen::text(&verification, store.root(), self.all, Width::of_stdout()))?,
        }
        if verification.verdict != Verdict::NotRun {
            put::put(&verification, report);
        }
        match verification.verdict {
            Verdict::Pass | Verdict::WithinTolerance => Ok(()),
            // Said already.
            Verdict::Fail | Verdict::NotRun => Err(Ended::Crashed),
        }
    }

    /// The experiment as the other commands take it, and nothing of it changed.
    fn experiment(&self) -> Experiment {
        let (runs, reports, data) = (self.runs.clone(), self.reports.clone(), self.data.clone());
        let options = Options { set: Vec::new(), replicates: None, runs, reports, data, device: self.device() };
        Experiment { folder: self.folder.clone(), options }
    }

    /// What was asked for; if it was nothing, what gives the bits of the lock's device kind, where this processor can.
    fn device(&self) -> String {
        // What is wrong with a lock is told when the experiment is open.
        let lock = if self.device == "auto" { Lock::of_folder(&self.folder).ok().flatten() } else { None };
        lock.and_then(|lock| device::of_kind(&lock.device)).unwrap_or_else(|| self.device.clone())
    }

    fn verify(&self, ground: &Ground<'_>, unlike: &[String]) -> Result<Verification, Ended> {
        let Ground { opened, lock, .. } = ground;
        let sampled = self.sample.is_some() || self.time_budget.is_some();
        let sample_seed = sampled.then(|| self.sample_seed.unwrap_or_else(any));
        let begun = outcome::Begun {
            ground,
            sample_seed,
            rule: Rule { exact: lock.device == opened.compute.kind, tolerance: opened.spec.tolerance },
            date: run::now(),
        };
        if !unlike.is_empty() {
            // Another experiment's numbers would say nothing of this one's, nor would a lock that leaves some of them out.
            return Ok(begun.without_rerun(unlike.to_vec()));
        }
        let report = Reported::of(ground);
        let mut problems = report.problems.clone();
        let numbers = self.chosen(&opened.plan, lock, sample_seed.unwrap_or_default())?;
        if let Some(seed) = sample_seed {
            say(&format!("The sample is drawn: `--sample-seed {seed}` takes the same again, or goes on with it."));
        }
        let stop = stop_on_interrupt("Stopping: completed steps are kept. Once more to end at once.")?;
        let reading = &Reading::until(&stop);
        let data = match run::data::data(&opened.spec, ground.registry, &ground.experiment.directories(), reading) {
            Err(Failure::Interrupted) => return Err(Ended::Interrupted),
            data => data?,
        };
        let drawn = super::lock::drawn(opened, &data)?;
        problems.extend(outcome::draws_differ(lock, &drawn));
        if self.anew {
            emptied(ground.store)?;
        }
        ground.store.prepare().map_err(Ended::Failed)?;
        let _held = ground.store.share().map_err(Ended::Failed)?;
        let before = recorded(&opened.plan, ground.store);
        if !before.is_empty() {
            say(&format!(
                "{} an earlier verification's in {}; `--anew` runs them again.",
                if before.len() == 1 { "1 step is".into() } else { format!("{} steps are", before.len()) },
                ground.store.root().display()
            ));
        }
        let budget = Budget { ground, machine: &self.machine, data: &data, stop: &stop, limit: self.time_budget };
        let ran = budget.run(&numbers)?;
        if ran.interrupted {
            say("Interrupted. Run the same command again to go on from the last completed step.");
            return Err(Ended::Interrupted);
        }
        begun.judged(problems, &report, &ran, &drawn, &before)
    }

    /// The tickets that are to be run again, as their numbers in the plan, in the order in which they are wanted.
    fn chosen(&self, plan: &Plan, lock: &Lock, seed: u32) -> Result<Vec<usize>, Ended> {
        let choice = Choice { pipelines: self.pipelines.clone(), replicates: self.replicates.clone() };
        for name in &choice.pipelines {
            if !lock.results().any(|ticket| ticket.address.pipeline == *name) {
                let names: BTreeSet<&str> = lock.results().map(|ticket| ticket.address.pipeline.as_str()).collect();
                let known = names.into_iter().collect::<Vec<_>>().join(", ");
                return Err(format!("{FILE} has no pipeline {name:?}: it has {known}").into());
            }
        }
        let replicates = plan.steps.iter().map(|step| step.replicate + 1).max().unwrap_or(0);
        if let Some(beyond) = choice.replicates.iter().find(|replicate| **replicate >= replicates) {
            return Err(format!(
                "there is no replicate {beyond}: {FILE} has {}, counted from 0",
                count(replicates as usize, "replicate")
            )
            .into());
        }
        let wanted: Vec<_> = lock.results().filter(|ticket| choice.takes(ticket)).collect();
        let order = spread(&wanted, seed);
        let most = self.sample.map_or(order.len(), |n| n as usize);
        let numbers: HashMap<Address, usize> =
            addresses(plan).enumerate().map(|(number, (address, _))| (address, number)).collect();
        Ok(order.into_iter().take(most).filter_map(|at| numbers.get(&wanted[at].address).copied()).collect())
    }
}

/// A number that nobody can know before.
fn any() -> u32 {
    RandomState::new().hash_one("sample") as u32
}

/// The ids of a plan's steps that a store has.
fn recorded(plan: &Plan, store: &Store) -> HashSet<String> {
    let recorded = run::recorded(plan, store);
    plan.steps
        .iter()
        .zip(recorded)
        .filter(|(_, recorded)| recorded.is_some())
        .map(|(step, _)| step.id.clone())
        .collect()
}

/// Deletes a rerun's store, which nobody may use meanwhile.
fn emptied(store: &Store) -> Result<(), Ended> {
    if !store.root().exists() {
        return Ok(());
    }
    drop(store.alone().map_err(Ended::Failed)?);
    fs::remove_dir_all(store.root()).map_err(|e| Ended::Failed(format!("{}: {e}", store.root().display())))
}

/// Why an experiment is not held to its lock.
fn unlike(changes: &[String], misfits: &[String]) -> Vec<String> {
    let changes = changes.iter().map(|change| format!("the spec is not the one that was locked: {change}"));
    changes.chain(misfits.iter().map(|misfit| format!("{FILE} is not as a run leaves it: {misfit}"))).collect()
}
