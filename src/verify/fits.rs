//! Whether a lock is one that a run of a plan leaves. A rerun is compared with what a lock says: what it does not say, as
//! an edited one may not, would never be compared.

use std::collections::{BTreeSet, HashMap};

use crate::lock::{Address, Lock, LockedTicket, Outcome, addresses, without_null};
use crate::plan::{Plan, PlannedTicket};

/// More than this are counted.
const NAMED: usize = 8;

/// In what a lock is not one that a run of this plan leaves, the plan being for the lock's kind of device.
pub fn misfits(lock: &Lock, plan: &Plan) -> Vec<String> {
    let mut found = variants(lock, plan);
    found.extend(steps(lock, plan));
    found.extend(tickets(lock, plan));
    let more = found.len().saturating_sub(NAMED);
    found.truncate(NAMED);
    if more > 0 {
        found.push(format!("{more} more like these"));
    }
    found
}

fn variants(lock: &Lock, plan: &Plan) -> Vec<String> {
    let locked: Vec<(&str, u64)> = sorted(lock.variant.iter().map(|variant| (variant.name.as_str(), variant.seed)));
    if locked != sorted(plan.variants.iter().map(|variant| (variant.name.as_str(), variant.seed))) {
        return vec!["its variants, or their seeds, are not the spec's".into()];
    }
    let replicates = plan.steps.iter().map(|step| step.replicate as usize + 1).max().unwrap_or(0);
    let short = lock.variant.iter().filter(|variant| variant.draws.order.len() != replicates);
    short.map(|variant| format!("variant {:?} has not the data order of each replicate", variant.name)).collect()
}

fn sorted<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.collect();
    items.sort_unstable();
    items
}

/// A step's id is the hash of what it was run from: what else a lock says of that is not what was run.
fn steps(lock: &Lock, plan: &Plan) -> Vec<String> {
    let unlike = plan.steps.iter().filter(|step| {
        let locked = lock.steps.get(&step.id).and_then(|locked| lock.inputs(locked));
        locked != Some(without_null(plan.inputs(step)))
    });
    let mut found: Vec<String> = unlike.map(|step| format!("step {}: its id is of other inputs", step.id)).collect();
    let used: BTreeSet<&str> = lock.steps.values().map(|step| step.stage.as_str()).collect();
    let unused = lock.stages.keys().filter(|name| !used.contains(name.as_str()));
    found.extend(unused.map(|name| format!("stage {name:?}: no step is of it")));
    found
}

fn tickets(lock: &Lock, plan: &Plan) -> Vec<String> {
    let mut planned: HashMap<Address, &PlannedTicket> = addresses(plan).collect();
    let mut found = Vec::new();
    let (ran, accuracies) = (ran(lock, plan), accuracies(lock, plan));
    let results = [(&lock.tickets, true), (&lock.analyses, false)];
    for (ticket, compared) in results.into_iter().flat_map(|(all, compared)| all.iter().map(move |t| (t, compared))) {
        let own = planned.remove(&ticket.address).filter(|_| ticket.address.analysis.is_empty() == compared);
        let Some(own) = own else {
            found.push(format!("{}: the spec plans no such ticket, or it is there twice", ticket.name()));
            continue;
        };
        let why = unlike(plan, ticket, own, &ran).or_else(|| stopped(ticket, own, &accuracies));
        found.extend(why.map(|why| format!("{}: {why}", ticket.name())));
    }
    let mut missing: Vec<Address> = planned.into_keys().collect();
    missing.sort_unstable();
    found.extend(missing.into_iter().map(|of| {
        let Address { pipeline, level, replicate, .. } = of;
        format!("{pipeline} level {level}, replicate {replicate}: the spec plans it, and it is not there")
    }));
    found
}

/// In what a ticket is none that its plan gives.
fn unlike(plan: &Plan, ticket: &LockedTicket, own: &PlannedTicket, ran: &[bool]) -> Option<String> {
    let step = &plan.steps[own.step];
    if ticket.step != step.id {
        return Some("its step is another one".into());
    }
    if ticket.prunable != own.prunable || (ticket.kept != own.kept && ticket.status == Outcome::Done && !step.about) {
        return Some(format!(
            "{} of {} weights kept, and {} of {} are planned",
            ticket.kept, ticket.prunable, own.kept, own.prunable
        ));
    }
    if (ticket.status == Outcome::Done && ticket.address.analysis.is_empty()) != ticket.scores.is_some() {
        return Some(if ticket.scores.is_none() { "it is done, and has no scores" } else { "it has scores" }.into());
    }
    let has_run = matches!(ticket.status, Outcome::Done | Outcome::Diverged);
    (has_run && !ran[own.step]).then(|| "its step, or one before it, does not say what it left".into())
}

/// Of each step, whether the lock says what it left, and what all that it follows from left.
fn ran(lock: &Lock, plan: &Plan) -> Vec<bool> {
    let mut ran: Vec<bool> = Vec::with_capacity(plan.steps.len());
    // Steps stand in a plan after what they follow.
    for step in &plan.steps {
        let left = lock.steps.get(&step.id).is_some_and(|step| step.left.is_some());
        ran.push(left && step.parent.iter().chain(&step.other).all(|before| ran[*before]));
    }
    ran
}

/// Of each step, the validation accuracy that the lock has of it.
fn accuracies(lock: &Lock, plan: &Plan) -> Vec<Option<f64>> {
    let of = |ticket: &LockedTicket| Some((ticket.step.clone(), ticket.scores.as_ref()?.validation_accuracy?));
    let known: HashMap<String, f64> = lock.tickets.iter().filter_map(of).collect();
    plan.steps.iter().map(|step| known.get(&step.id).copied()).collect()
}

/// A stop rule goes by accuracies that the lock has.
fn stopped(ticket: &LockedTicket, own: &PlannedTicket, accuracies: &[Option<f64>]) -> Option<String> {
    let broken = own.gates.iter().any(|gate| gate.broken(|step| accuracies[step]) == Some(true));
    match (broken, ticket.status == Outcome::Stopped) {
        (true, false) => Some("by the accuracies of the lock a stop rule ends its pipeline before it".into()),
        (false, true) => Some("by the accuracies of the lock no stop rule ends its pipeline before it".into()),
        _ => None,
    }
}
