//! `plan`: what a run would do. The plan, which is pure, joined with the store and with timings.

pub(super) mod changes;
pub(super) mod history;
mod item;
mod json;
mod ladder;
mod memory;
mod summary;
mod survey;
#[cfg(test)]
mod tests;
pub(super) mod text;
mod time;
mod timings;
mod tree;
pub(super) mod why;
mod words;

use std::collections::HashMap;
use std::path::Path;
use std::time::Instant;

use clap::Args;

use self::memory::Memory;
use self::survey::{Survey, survey};
use self::text::{Width, thousands};
use self::time::{Time, checkpoints, disk, estimate, groups, measure};
use self::tree::Tree;
use self::why::{Firsts, Why};
use super::machine::Machine;
use super::open::Opened;
use super::{Ended, Experiment, print};
use crate::plan::{Plan, Step};
use crate::registry::Registry;
use crate::run::{self, Recorded, State, Store};

#[derive(Args)]
pub struct PlanCommand {
    #[command(flatten)]
    experiment: Experiment,
    #[command(flatten)]
    machine: Machine,
    /// Show everything: each step with its id, and whatever is left out where it is long
    #[arg(long)]
    all: bool,
    /// Train a few iterations of what no recorded step tells the time of, for at most 5 seconds in all
    #[arg(long)]
    measure: bool,
    /// Print the plan as JSON, for programs; docs/plan.md says what its keys are
    #[arg(long)]
    json: bool,
}

/// A plan with what store and timings tell of it.
pub struct Joined<'a> {
    opened: &'a Opened,
    store: &'a Path,
    /// Of each step.
    states: Vec<State>,
    /// Of each recorded step, the experiment that ran it, where it was another one.
    others: Vec<Option<String>>,
    /// Of each step that is to run, the iterations that its checkpoint saves.
    partial: Vec<u64>,
    /// Of each step that is to run.
    why: Vec<Option<Why>>,
    time: Time,
    /// Whether what no record tells was measured.
    measured: bool,
    /// Bytes that the store will grow by, and those that its disk has free.
    disk: u64,
    /// Bytes that checkpoints take besides while it runs.
    checkpoints: u64,
    free: Option<u64>,
    memory: Memory<'a>,
    /// In what the spec is not the one that was locked; "" where it is.
    unlike: String,
}

impl PlanCommand {
    pub fn run(&self, registry: &Registry) -> Result<(), Ended> {
        let begun = Instant::now();
        let opened = self.experiment.open(registry)?;
        let joined = self.join(&opened, registry, begun)?;
        if self.json {
            return print(&(json::json(&joined)? + "\n"));
        }
        print(&self.screen(&joined, Width::of_stdout()))
    }

    fn screen(&self, joined: &Joined<'_>, width: Width) -> String {
        let (heading, needs) = (summary::heading(joined, width), summary::needs(joined, width));
        let unlike =
            if joined.unlike.is_empty() { String::new() } else { width.wrapped("note: ", "  ", &joined.unlike) };
        let warning = joined.opened.warning(width) + &unlike;
        let tree = Tree::of(joined, self.all).lines(width);
        let ladder = ladder::lines(joined, self.all, width);
        format!("{heading}{warning}\n{tree}{ladder}\n{needs}")
    }

    fn join<'a>(&'a self, opened: &'a Opened, registry: &Registry, begun: Instant) -> Result<Joined<'a>, Ended> {
        let plan = &opened.plan;
        let store = self.experiment.store()?;
        let recorded = run::recorded(plan, &store);
        let states = run::standing(plan, &recorded);
        let new: Vec<bool> = states.iter().map(|state| *state == State::Waiting).collect();
        let partial = run::partial(plan, &recorded, &store);
        let groups = groups(opened, &new, &partial, registry);
        let firsts = Firsts::of(plan, &new);
        let Survey { like, history, samples } = match new.contains(&true) {
            true => survey(&store, &firsts, opened),
            false => Survey::default(),
        };
        let (jobs, threads) = self.machine.planned(plan, &opened.spec, &new);
        let measured = match self.measure {
            true => measure(opened, &groups, &samples, threads, registry, begun)?,
            false => HashMap::new(),
        };
        Ok(Joined {
            opened,
            store: &self.experiment.options.runs,
            why: broken_first(plan, &store, firsts.reasons(like, &history)),
            time: estimate(opened, &groups, &samples, &measured, (jobs, threads)),
            checkpoints: checkpoints(plan, &new, jobs),
            measured: self.measure,
            disk: disk(plan, &new, &groups),
            free: free(&self.experiment.options.runs),
            memory: Memory::of(opened, &new, self.machine.allowed()),
            unlike: self.experiment.unlike_its_lock(opened, registry)?,
            states,
            partial,
            others: recorded.into_iter().map(|recorded| other(recorded?, &opened.spec.name)).collect(),
        })
    }
}

/// The experiment that ran a step, where it is not this one.
fn other(recorded: Recorded, this: &str) -> Option<String> {
    recorded.experiment.filter(|experiment| experiment != this)
}

/// Why each step is new; where it is there and broken, that is why.
fn broken_first(plan: &Plan, store: &Store, reasons: Vec<Option<Why>>) -> Vec<Option<Why>> {
    let of = |(step, why): (&Step, Option<Why>)| {
        let broken = why.as_ref().and_then(|_| match store.broken(&step.id) {
            Ok(broken) => broken.map(|broken| broken.brief()),
            Err(unread) => Some(unread),
        });
        broken.map(Why::Broken).or(why)
    };
    plan.steps.iter().zip(reasons).map(of).collect()
}

/// Bytes free where a store is or will be; `None` where the system does not tell.
fn free(store: &Path) -> Option<u64> {
    let place = std::path::absolute(store).ok()?;
    place.ancestors().find_map(|folder| fs4::available_space(folder).ok())
}

impl<'a> Joined<'a> {
    fn plan(&self) -> &'a Plan {
        &self.opened.plan
    }

    fn recorded(&self) -> usize {
        self.states.iter().filter(|state| matches!(state, State::Done | State::Diverged)).count()
    }

    fn to_run(&self) -> usize {
        self.why.iter().flatten().count()
    }

    /// Iterations of training that are to run.
    fn iterations(&self) -> u64 {
        self.time.known + self.time.unknown
    }

    /// The first new step of a chain, where something is known of why it is new.
    fn cause(&self, step: usize) -> Option<usize> {
        match self.why[step].as_ref()? {
            Why::NotRun => None,
            Why::Changed(_) | Why::Broken(_) => Some(step),
            Why::Follows(first) => Some(*first),
        }
    }

    /// How a step stands, in words; why it is new is told at the place of step `at`.
    fn state(&self, step: usize, at: Option<usize>) -> String {
        let planned = &self.plan().steps[step];
        let done = match self.partial[step] {
            0 => String::new(),
            n => format!(", at {} of {} iterations", thousands(n), thousands(planned.iterations)),
        };
        let gated = match (planned.gates.is_empty(), done.is_empty()) {
            (true, _) => done,
            (false, true) => " unless stopped before".to_string(),
            (false, false) => format!("{done}, unless stopped before"),
        };
        let by = self.others[step].as_ref().map_or(String::new(), |other| format!(" by {other}"));
        match (&self.states[step], &self.why[step]) {
            (State::Done, _) => format!("recorded{by}"),
            (State::Diverged, _) => format!("recorded{by}: diverged"),
            (State::FollowsDiverged, _) => "does not run: follows a training that diverged".into(),
            (State::Stopped, _) => "does not run: a stop rule was broken".into(),
            (_, None | Some(Why::NotRun)) => format!("new{gated}"),
            (_, Some(why)) if at.is_some() => format!("new{gated}: {}", self.reason(why, at)),
            _ => format!("new{gated}"),
        }
    }

    fn reason(&self, why: &Why, at: Option<usize>) -> String {
        const MOST: usize = 4;
        match why {
            Why::NotRun => "not run yet".into(),
            Why::Broken(why) => why.clone(),
            Why::Changed(changes) => {
                let mut told: Vec<String> = changes.iter().take(MOST).map(ToString::to_string).collect();
                if changes.len() > MOST {
                    told.push(format!("{} more", changes.len() - MOST));
                }
                told.join(", ")
            }
            Why::Follows(first) => format!("follows {}", self.place(*first, at)),
        }
    }

    /// Where a step stands, as far as it is elsewhere than another.
    fn place(&self, step: usize, at: Option<usize>) -> String {
        let plan = self.plan();
        let (step, other) = (&plan.steps[step], at.map(|at| &plan.steps[at]));
        let level = format!("level {}", step.level);
        let variant = match other.is_some_and(|other| other.variant == step.variant) {
            true => "",
            false => plan.variants[step.variant].name.as_str(),
        };
        match other.is_some_and(|other| other.pipeline == step.pipeline && variant.is_empty()) {
            true => level,
            false if variant.is_empty() => format!("{}, {level}", step.pipeline),
            false => format!("{}[{variant}], {level}", step.pipeline),
        }
    }
}
