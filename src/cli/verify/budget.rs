//! Tickets are run again in their order: all of them, or as many as there is time for.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::Ground;
use crate::cli::Ended;
use crate::cli::machine::Machine;
use crate::cli::progress::Progress;
use crate::dataset::Prepared;
use crate::plan::Plan;
use crate::run::{self, Finished, Limits, Shared, State};

pub struct Budget<'a> {
    pub ground: &'a Ground<'a>,
    pub machine: &'a Machine,
    pub data: &'a [Arc<Prepared>],
    pub stop: &'a AtomicBool,
    pub limit: Option<Duration>,
}

/// What was run again.
pub struct Ran {
    /// The chosen part of the plan, and what became of its steps.
    pub part: Plan,
    pub states: Vec<State>,
    pub interrupted: bool,
}

impl Budget<'_> {
    /// Runs these tickets' chains. With a limit the first few that are not recorded are run, which tell how fast it goes
    /// here, and then as many as will end in time; whatever has not ended by then has not run.
    pub fn run(&self, numbers: &[usize]) -> Result<Ran, Ended> {
        let plan = &self.ground.opened.plan;
        let results: Vec<usize> = plan.results().map(|ticket| ticket.step).collect();
        let steps = |taken: usize| plan.chains(numbers[..taken].iter().map(|number| results[*number]));
        let Some(limit) = self.limit else { return self.round(&steps(numbers.len()), None) };
        let costs = self.costs(numbers.iter().map(|number| results[*number]));
        let (begun, deadline) = (Instant::now(), Instant::now() + limit);
        let mut taken = first(&costs, self.machine.threads());
        loop {
            let ran = self.round(&steps(taken), Some(deadline))?;
            if ran.interrupted || taken == numbers.len() || Instant::now() >= deadline {
                return Ok(ran);
            }
            let done: u64 = costs[..taken].iter().sum();
            let pace = done as f64 / begun.elapsed().as_secs_f64();
            let left = deadline.saturating_duration_since(Instant::now()).as_secs_f64() * pace;
            match more(&costs[taken..], left) {
                0 => return Ok(ran),
                more => taken += more,
            }
        }
    }

    /// What each of these steps adds to the chains of those before it: iterations of steps that are not recorded. What
    /// was recorded before takes no time, and tells nothing of the pace.
    fn costs(&self, steps: impl Iterator<Item = usize>) -> Vec<u64> {
        let Ground { opened, store, .. } = self.ground;
        let (plan, recorded) = (&opened.plan, run::recorded(&opened.plan, store));
        let mut known = BTreeSet::new();
        let cost = |step: usize| {
            let new = plan.chains([step]).into_iter().filter(|step| known.insert(*step) && recorded[*step].is_none());
            // A stage that does not train takes a little, too.
            new.map(|step| plan.steps[step].iterations.max(1)).sum()
        };
        steps.map(cost).collect()
    }

    fn round(&self, steps: &BTreeSet<usize>, deadline: Option<Instant>) -> Result<Ran, Ended> {
        let Ground { opened, registry, store, .. } = self.ground;
        let part = opened.plan.part(steps);
        let recorded = run::recorded(&part, store);
        if recorded.iter().all(Option::is_some) {
            let states = run::standing(&part, &recorded);
            return Ok(Ran { part, states, interrupted: false });
        }
        let spec = &opened.spec;
        let new = part.steps.iter().zip(&recorded).filter(|(_, recorded)| recorded.is_none());
        let (jobs, memory) = self.machine.share(&part, new.map(|(step, _)| step), spec)?;
        let provenance = run::provenance(&spec.folder, &spec.name, &opened.compute.kind);
        let compute = &opened.compute;
        let shared = Shared {
            plan: &part,
            registry,
            data: self.data,
            compute,
            store,
            provenance: &provenance,
            pipelines: &part.pipelines(),
            memory,
            checkpoint: Some(Duration::from_secs(60)),
        };
        let progress = Progress::begin(&part, &recorded, jobs);
        let limits = Limits { jobs, threads: self.machine.threads() };
        let Finished { states, .. } =
            until(deadline, self.stop, |stop| run::run(&shared, &recorded, limits, &progress, stop));
        progress.end();
        Ok(Ran { states, interrupted: self.stop.load(Ordering::Relaxed), part: part.clone() })
    }
}

/// How many tickets are to be taken so that so many of them have something to run.
fn first(costs: &[u64], wanted: usize) -> usize {
    let some = costs.iter().enumerate().filter(|(_, cost)| **cost > 0);
    some.map(|(number, _)| number + 1).nth(wanted.max(1) - 1).unwrap_or(costs.len())
}

/// How many more tickets can be taken where there is time for so much.
fn more(costs: &[u64], left: f64) -> usize {
    let sums = costs.iter().scan(0, |sum, cost| {
        *sum += cost;
        Some(*sum)
    });
    sums.take_while(|sum| *sum as f64 <= left).count()
}

/// Does what is asked to stop by a Ctrl-C or at the deadline.
fn until<T>(deadline: Option<Instant>, asked: &AtomicBool, work: impl FnOnce(&AtomicBool) -> T) -> T {
    let Some(deadline) = deadline else { return work(asked) };
    let (stop, ended) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                if asked.load(Ordering::Relaxed) || Instant::now() >= deadline {
                    stop.store(true, Ordering::Relaxed);
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        // However the work ends, the watcher does too.
        struct End<'a>(&'a AtomicBool);
        impl Drop for End<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let _end = End(&ended);
        work(&stop)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_recorded_before_tells_no_pace_and_takes_no_time() {
        let costs = [0, 0, 0, 100, 100, 0, 100];
        assert_eq!([first(&costs, 1), first(&costs, 2), first(&costs, 9), first(&[0, 0], 2)], [4, 5, 7, 2]);
        assert_eq!([more(&costs[4..], 99.0), more(&costs[4..], 100.0), more(&costs[4..], 1e9)], [0, 2, 3]);
        assert_eq!(first(&[], 4), 0);
    }

    #[test]
    fn work_is_told_to_stop_at_its_deadline_and_not_before() {
        let never = AtomicBool::new(false);
        let soon = Instant::now() + Duration::from_millis(50);
        let waits = |stop: &AtomicBool| {
            while !stop.load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
            Instant::now() >= soon
        };
        assert!(until(Some(soon), &never, waits));
        assert!(!until(None, &never, |stop| stop.load(Ordering::Relaxed)));
    }
}
