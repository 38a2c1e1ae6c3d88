//! From what was run again to a verdict.

use std::collections::{HashMap, HashSet};

use super::Ground;
use super::budget::Ran;
use super::reported::Reported;
use crate::cli::Ended;
use crate::lock::{Address, Draws, Lock, LockedTicket, Parts, addresses, digest};
use crate::mask::Mask;
use crate::record::{Status, Verification};
use crate::run::{self, Store, study};
use crate::spec::{DatasetSpec, Variant};
use crate::ticket::Ticket;
use crate::verify::{Examples, Judged, Rerun, Rule, back, judge};

/// A verification that has begun.
pub struct Begun<'a> {
    pub ground: &'a Ground<'a>,
    pub rule: Rule,
    /// Of the sample, where there is one.
    pub sample_seed: Option<u32>,
    pub date: String,
}

impl Begun<'_> {
    /// The verdict where nothing was run again, for these reasons.
    pub fn without_rerun(&self, problems: Vec<String>) -> Verification {
        let nothing = Lock { tickets: Vec::new(), analyses: Vec::new(), ..self.ground.lock.clone() };
        self.verification(problems, self.judge(&nothing, &HashMap::new(), &|_| None))
    }

    /// The verdict of what was run again.
    pub fn judged(
        &self,
        mut problems: Vec<String>,
        report: &Reported,
        ran: &Ran,
        draws: &[Draws],
        before: &HashSet<String>,
    ) -> Result<Verification, Ended> {
        let Ground { opened, experiment, store, lock, .. } = self.ground;
        let study = study(experiment.header(opened), &ran.part, store, Some(&ran.states));
        let records = run::findings(&ran.part, store).map_err(Ended::Failed)?;
        let device = &opened.compute.kind;
        let tolerance = self.rule.tolerance;
        let parts = Parts { plan: &ran.part, device, tolerance, study: &study, records: &records, draws };
        let (found, _) = Lock::of(&parts);
        let failed: HashMap<Address, String> = study
            .rows
            .iter()
            .chain(&study.analyses)
            .filter_map(|row| {
                if let Status::Failed(why) = &row.status { Some((Address::of(row), why.clone())) } else { None }
            })
            .collect();
        let id = |step: usize| ran.part.steps[step].id.clone();
        let ids: HashMap<Address, String> =
            addresses(&ran.part).map(|(address, ticket)| (address, id(ticket.step))).collect();
        let overlap = |of: &Address| {
            let locked = lock.results().find(|ticket| ticket.address == *of)?;
            let masks = &lock.steps.get(&locked.step)?.left.as_ref()?.masks;
            overlap((self.ground.original, &locked.step, masks), (store, ids.get(of)?))
        };
        if self.rule.exact {
            problems.extend(report.unlike(&study));
        }
        problems.dedup();
        let reused = found.results().filter(|ticket| reused(&found, ticket, before)).count();
        Ok(Verification { reused, ..self.verification(problems, self.judge(&found, &failed, &overlap)) })
    }

    fn judge(
        &self,
        found: &Lock,
        failed: &HashMap<Address, String>,
        overlap: &dyn Fn(&Address) -> Option<f64>,
    ) -> Judged {
        let variants = self.ground.opened.spec.variants.iter();
        let examples = variants.map(|variant| (variant.name.clone(), examples(variant))).collect();
        let (plan, lock) = (&self.ground.opened.plan, self.ground.lock);
        let about = addresses(plan).filter(|(_, ticket)| plan.steps[ticket.step].about).map(|(address, _)| address);
        let about = &about.collect();
        judge(&Rerun { lock, found, failed, rule: &self.rule, examples: &examples, about, overlap })
    }

    fn verification(&self, problems: Vec<String>, judged: Judged) -> Verification {
        let Ground { opened, lock, .. } = self.ground;
        let provenance = run::provenance(&opened.spec.folder, &opened.spec.name, &opened.compute.kind);
        Verification {
            experiment: opened.spec.name.clone(),
            verdict: Verification::verdict(&problems, &judged.tickets),
            date: self.date.clone(),
            tombola: provenance.tombola,
            device: opened.compute.kind.clone(),
            locked_device: lock.device.clone(),
            host: provenance.host,
            exact: self.rule.exact,
            results: digest(lock.results()),
            rule: self.rule.sentences(judged.hidden),
            compared: judged.compared,
            false_alarms: judged.false_alarms,
            silent: judged.silent,
            reused: 0,
            sample_seed: self.sample_seed,
            problems,
            tickets: judged.tickets,
        }
    }
}

fn examples(variant: &Variant) -> Examples {
    let data: &DatasetSpec = &variant.dataset;
    Examples { train: data.training_examples(), validation: data.validation, test: data.used_test() }
}

/// Whether a ticket is as it was found before this verification began: the last step on its way that has run had run by
/// then.
fn reused(found: &Lock, ticket: &LockedTicket, before: &HashSet<String>) -> bool {
    let last = back(found, &ticket.step).find(|(_, step)| step.left.is_some());
    last.is_some_and(|(id, _)| before.contains(id))
}

/// What is drawn otherwise than when it was locked.
pub fn draws_differ(lock: &Lock, drawn: &[Draws]) -> Vec<String> {
    let mut problems = Vec::new();
    for (variant, now) in lock.variant.iter().zip(drawn) {
        let of = if variant.name.is_empty() { String::new() } else { format!(" of variant {}", variant.name) };
        if variant.draws.split != now.split {
            problems.push(format!("the split of the data, or its labels,{of} are not those that were locked"));
        }
        for (replicate, (locked, now)) in variant.draws.order.iter().zip(&now.order).enumerate() {
            if locked != now {
                problems.push(format!("the data order of replicate {replicate}{of} is not the one that was locked"));
            }
        }
    }
    problems
}

/// The share of the first ticket's kept weights that the second kept, where both are in their stores and the first has
/// the masks that were locked.
fn overlap((original, locked, masks): (&Store, &str, &str), (store, found): (&Store, &str)) -> Option<f64> {
    let kept = |ticket: &Ticket| ticket.masks.values().map(Mask::kept).sum::<usize>();
    let (locked, found) = (original.ticket(locked).ok()?, store.ticket(found).ok()?);
    if locked.fingerprint().masks != masks {
        return None;
    }
    let both = |(name, mask): (&String, &Mask)| found.masks.get(name).map(|other| mask.shared(other));
    let shared: Option<usize> = locked.masks.iter().map(both).sum();
    Some(shared? as f64 / kept(&locked).max(1) as f64)
}
