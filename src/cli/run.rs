//! `run`: what is not recorded runs, and the report is rendered.

use clap::Args;

use super::checkpoint::Every;
use super::interrupt::stop_on_interrupt;
use super::lock::Settling;
use super::machine::Machine;
use super::open::Opened;
use super::progress::Progress;
use super::reading::Reading;
use super::report::render;
use super::{Ended, Experiment, count, predictions, print, say};
use crate::dataset::Failure;
use crate::registry::Registry;
use crate::report::judge;
use crate::run::{self, Finished, Limits, Shared, State, Store};

#[derive(Args)]
pub struct RunCommand {
    #[command(flatten)]
    experiment: Experiment,
    #[command(flatten)]
    machine: Machine,
    /// Replace the experiment's experiment.lock by what this run finds
    #[arg(long, conflicts_with_all = ["set", "replicates"])]
    update_lock: bool,
    /// How far apart a training writes checkpoints, from which it goes on where it was interrupted: as 30s, 5min or 1h, or
    /// never. So seldom that writing takes a hundredth of the time at most; one more on Ctrl-C. Results do not depend on it
    #[arg(long, value_name = "TIME", default_value = "1min", allow_negative_numbers = true)]
    checkpoint: Every,
}

impl RunCommand {
    pub fn run(&self, registry: &Registry) -> Result<(), Ended> {
        let opened = self.experiment.open(registry)?;
        // What cannot be written is found out before hours of training, and not after.
        let (store, folder) = (self.experiment.store()?, self.experiment.report(&opened)?);
        let _held = store.share().map_err(Ended::Failed)?;
        match self.experiment.unlike_its_lock(&opened, registry) {
            // What is replaced need not be read.
            Err(_) if self.update_lock => {}
            unlike => {
                Some(unlike?).filter(|line| !line.is_empty()).iter().for_each(|line| say(&format!("note: {line}.")))
            }
        }
        let finished = self.steps(&opened, &store, registry)?;
        let failed = finished.states.iter().filter(|state| matches!(state, State::Failed(_))).count();
        match finished.ran {
            0 if !finished.interrupted && failed == 0 => {
                say(&format!("Nothing to run: every step is recorded in {}.", store.root().display()))
            }
            ran => say(&format!("{} ran.", count(ran, "step"))),
        }
        let report = render(&self.experiment, &opened, (&store, Some(&finished.states)), registry, &folder);
        let mut printed = Ok(());
        match (report, failed, finished.interrupted) {
            (Ok(study), ..) => {
                printed = print(&predictions::told(&judge(&study)));
                say(&format!("Report: {}", folder.join("index.html").display()));
                if failed == 0 && !finished.interrupted {
                    let (experiment, opened, store, study) = (&self.experiment, &opened, &store, &study);
                    Settling { experiment, opened, registry, store, study, update: self.update_lock }.settle()?;
                }
            }
            // Nothing of it was recorded: what failed, or that it was interrupted, says why.
            (Err(Ended::Wrong(_)), 1.., _) | (Err(Ended::Wrong(_)), _, true) => {}
            (Err(error), ..) => return Err(error),
        }
        match (finished.interrupted, failed) {
            (true, _) => {
                say("Interrupted. Run the same command again to go on from there.");
                Err(Ended::Interrupted)
            }
            (false, 0) => printed,
            (false, n) => {
                say(&format!("error: {} failed, or follow one that failed: see above", count(n, "step")));
                Err(Ended::Crashed)
            }
        }
    }

    fn steps(&self, opened: &Opened, store: &Store, registry: &Registry) -> Result<Finished, Ended> {
        let recorded = run::recorded(&opened.plan, store);
        if recorded.iter().all(Option::is_some) {
            store.note(&opened.spec.folder, &opened.plan);
            run::clean(store);
            let states = vec![State::Done; opened.plan.steps.len()];
            return Ok(Finished { states, ran: 0, interrupted: false });
        }
        let spec = &opened.spec;
        let new = opened.plan.steps.iter().zip(&recorded).filter(|(_, recorded)| recorded.is_none());
        let (jobs, memory) = self.machine.share(&opened.plan, new.map(|(step, _)| step), spec)?;
        store.prepare().map_err(Ended::Failed)?;
        store.note(&spec.folder, &opened.plan);
        run::clean(store);
        let provenance = run::provenance(&spec.folder, &spec.name, &opened.compute.kind);
        let stop = stop_on_interrupt(self.checkpoint.stopping())?;
        let data = match run::data::data(spec, registry, &self.experiment.directories(), &Reading::until(&stop)) {
            Err(Failure::Interrupted) => {
                let states = run::standing(&opened.plan, &recorded);
                return Ok(Finished { states, ran: 0, interrupted: true });
            }
            data => data?,
        };
        let shared = Shared {
            plan: &opened.plan,
            registry,
            data: &data,
            compute: &opened.compute,
            store,
            provenance: &provenance,
            pipelines: &opened.plan.pipelines(),
            memory,
            checkpoint: self.checkpoint.0,
        };
        let progress = Progress::begin(&opened.plan, &recorded, jobs);
        let limits = Limits { jobs, threads: self.machine.threads() };
        let finished = run::run(&shared, &recorded, limits, &progress, &stop);
        progress.end();
        Ok(finished)
    }
}
