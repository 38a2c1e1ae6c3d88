//! `experiment.lock` beside a spec: whether the spec is still the one that was locked, and what a run does with it.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::open::{Opened, planned, told};
use super::plan::history::History;
use super::plan::why::{Firsts, Why};
use super::reading::Reading;
use super::{Ended, Experiment, count, say};
use crate::dataset::Prepared;
use crate::device;
use crate::lock::{self, Draws, Lock, Parts};
use crate::plan::Plan;
use crate::record::{Study, Verdict};
use crate::registry::Registry;
use crate::run::{self, Store};
use crate::spec::Spec;
use crate::verify::{Rerun, Rule, judge, misfits};

/// Changes, or tickets, that a line names.
const NAMED: usize = 4;

/// The lock of an experiment, and whether it is one of this spec.
pub struct Locked {
    pub lock: Lock,
    /// In what the spec is no longer the one that was locked: "seed: 1 → 2", …; none where they match.
    pub changes: Vec<String>,
    /// In what it is no lock that a run of the locked spec leaves, as one that was edited.
    pub misfits: Vec<String>,
}

impl Locked {
    /// The lock beside a spec, where there is one, compared with `plan`, the spec's for a kind of device that need not be here.
    pub fn beside(
        spec: &Spec,
        plan: &Plan,
        device: &str,
        overrides: &[String],
        registry: &Registry,
    ) -> Result<Option<Locked>, Ended> {
        let Some(lock) = Lock::of_folder(&spec.folder)? else { return Ok(None) };
        if lock.device == device {
            return Ok(Some(Locked::of(lock, plan, spec.tolerance)));
        }
        // Ids are those of a device kind.
        let (_, planned) = planned(&spec.folder, registry, overrides, &lock.device).map_err(told)?;
        Ok(Some(Locked::of(lock, &planned, spec.tolerance)))
    }

    fn of(lock: Lock, plan: &Plan, tolerance: Option<f64>) -> Locked {
        let mut changes = changes(plan, &lock);
        if lock.tolerance != tolerance {
            let told = |tolerance: Option<f64>| tolerance.map_or("none".into(), |tolerance| tolerance.to_string());
            changes.push(format!("tolerance: {} → {}", told(lock.tolerance), told(tolerance)));
        }
        let misfits = if changes.is_empty() { misfits(&lock, plan) } else { Vec::new() };
        Locked { lock, changes, misfits }
    }
}

impl Experiment {
    /// Its lock, where it has one; the experiment is opened by then, so that it can be planned.
    pub fn locked(&self, opened: &Opened, registry: &Registry) -> Result<Option<Locked>, Ended> {
        Locked::beside(&opened.spec, &opened.plan, &opened.compute.kind, &self.overrides(), registry)
    }

    /// A line where the lock is not one of this spec, "" where it is, or where options change the spec.
    pub fn unlike_its_lock(&self, opened: &Opened, registry: &Registry) -> Result<String, Ended> {
        if !self.overrides().is_empty() {
            return Ok(String::new());
        }
        Ok(self.locked(opened, registry)?.and_then(|locked| locked.unlike()).unwrap_or_default())
    }
}

impl Locked {
    /// A line where it is not one of this spec, or of any.
    pub fn unlike(&self) -> Option<String> {
        let file = lock::FILE;
        match (&self.changes[..], &self.misfits[..]) {
            ([], []) => None,
            ([], misfits) => Some(format!(
                "{file} is not as a run leaves it: {}; take it back from version control, or `tombola run --update-lock` \
                 replaces it",
                few(misfits, "difference")
            )),
            (changes, _) => Some(format!(
                "{file} is of another form of this experiment: {}; `tombola run --update-lock` replaces it",
                few(changes, "change")
            )),
        }
    }
}

/// What tells a plan from the one that was locked, in a spec's words.
fn changes(plan: &Plan, lock: &Lock) -> Vec<String> {
    let new: Vec<bool> = plan.steps.iter().map(|step| !lock.steps.contains_key(&step.id)).collect();
    let known: HashSet<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    let gone = lock.steps.keys().filter(|id| !known.contains(id.as_str())).count();
    if gone == 0 && !new.contains(&true) {
        return Vec::new();
    }
    let firsts = Firsts::of(plan, &new);
    let alike = lock.steps.iter().filter_map(|(id, step)| Some(firsts.like(id, &lock.inputs(step)?)));
    let reasons = firsts.reasons(alike.flatten().collect(), &History::default());
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    for change in reasons.iter().flatten().filter_map(|why| if let Why::Changed(of) = why { Some(of) } else { None }) {
        change.iter().for_each(|change| *told.entry(change.to_string()).or_default() += 1);
    }
    let mut lines: Vec<(usize, String)> = told.into_iter().map(|(change, times)| (times, change)).collect();
    // What changed most steps first: a changed seed is of every chain.
    lines.sort_by(|a, b| (b.0, &a.1).cmp(&(a.0, &b.1)));
    let mut lines: Vec<String> = lines.into_iter().map(|(_, change)| change).collect();
    let unlike = reasons.iter().filter(|why| **why == Some(Why::NotRun)).count();
    if unlike > 0 {
        lines.push(format!("{} that it has not", count(unlike, "step")));
    }
    if lines.is_empty() || (gone > 0 && !new.contains(&true)) {
        lines.push(format!("{} of it are no longer planned", count(gone, "step")));
    }
    lines
}

/// A few things by name, and how many more there are.
fn few(all: &[String], of: &str) -> String {
    let named = all.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {}", count(more, &format!("more {of}"))),
    }
}

/// What a completed run does with the lock.
pub struct Settling<'a> {
    pub experiment: &'a Experiment,
    pub opened: &'a Opened,
    pub registry: &'a Registry,
    pub store: &'a Store,
    pub study: &'a Study,
    /// Whether `--update-lock` was given.
    pub update: bool,
}

impl Settling<'_> {
    /// Writes the lock where there is none or that is asked for, else compares with it; says what came of it.
    pub fn settle(&self) -> Result<(), Ended> {
        if !self.experiment.overrides().is_empty() {
            return Ok(());
        }
        let opened = self.opened;
        match Lock::of_folder(&opened.spec.folder) {
            Ok(Some(lock)) if !self.update => self.compare(lock),
            Err(error) if !self.update => Err(error.into()),
            _ => self.write(),
        }
    }

    fn write(&self) -> Result<(), Ended> {
        let opened = self.opened;
        let auto = opened.compute.kind == device::auto_kind();
        if !auto {
            say(&format!("No {} is written by a run on another device than `auto`.", lock::FILE));
            return Ok(());
        }
        let (lock, missing) = self.found(&self.draws()?)?;
        if missing > 0 {
            if self.update {
                say(&format!("{} is not written: {} have not run.", lock::FILE, count(missing, "ticket")));
            }
            return Ok(());
        }
        match lock.put(&opened.spec.folder) {
            Ok(()) => say(&format!("Lock: {}", opened.spec.folder.join(lock::FILE).display())),
            Err(error) if self.update => return Err(Ended::Failed(format!("cannot write the lock: {error}"))),
            // Nobody asked for it, and the results are where they were asked for.
            Err(error) => say(&format!("warning: no lock is written: {error}")),
        }
        Ok(())
    }

    fn compare(&self, lock: Lock) -> Result<(), Ended> {
        if lock.device != self.opened.compute.kind {
            say(&format!(
                "{} is of another device kind ({}): `tombola verify` compares with it.",
                lock::FILE,
                lock.device
            ));
            return Ok(());
        }
        let Locked { lock, changes, misfits } = &Locked::of(lock, &self.opened.plan, self.opened.spec.tolerance);
        if !(changes.is_empty() && misfits.is_empty()) {
            // Said at the beginning.
            return Ok(());
        }
        let draws: Vec<Draws> = lock.variant.iter().map(|variant| variant.draws.clone()).collect();
        let (found, _) = self.found(&draws)?;
        let rule = Rule { exact: true, tolerance: None };
        let (none, examples, about) = (HashMap::new(), HashMap::new(), HashSet::new());
        let judged = judge(&Rerun {
            lock,
            found: &found,
            failed: &none,
            rule: &rule,
            examples: &examples,
            about: &about,
            overlap: &|_| None,
        });
        let of = |verdict| judged.tickets.iter().filter(move |ticket| ticket.verdict == verdict);
        let differ: Vec<String> =
            of(Verdict::Fail).map(|ticket| format!("{}: {}", ticket.ticket, ticket.why[0])).collect();
        let same = of(Verdict::Pass).count();
        say(&match differ.is_empty() {
            true => format!("{} as in {}, to the last bit.", count(same, "ticket"), lock::FILE),
            false => format!(
                "warning: {} of {} are not as in {}: {}",
                differ.len(),
                count(judged.tickets.len(), "ticket"),
                lock::FILE,
                few(&differ, "ticket")
            ),
        });
        Ok(())
    }

    fn found(&self, draws: &[Draws]) -> Result<(Lock, usize), Ended> {
        let plan = &self.opened.plan;
        let records = run::findings(plan, self.store).map_err(Ended::Failed)?;
        let device = &self.opened.compute.kind;
        let tolerance = self.opened.spec.tolerance;
        Ok(Lock::of(&Parts { plan, device, tolerance, study: self.study, records: &records, draws }))
    }

    fn draws(&self) -> Result<Vec<Draws>, Ended> {
        let never = std::sync::atomic::AtomicBool::new(false);
        let spec = &self.opened.spec;
        let data = run::data::data(spec, self.registry, &self.experiment.directories(), &Reading::until(&never))?;
        drawn(self.opened, &data)
    }
}

/// What the seed draws of each variant's data.
pub fn drawn(opened: &Opened, data: &[std::sync::Arc<Prepared>]) -> Result<Vec<Draws>, Ended> {
    let of = |(variant, data): (&crate::spec::Variant, &std::sync::Arc<Prepared>)| {
        lock::draws(data, variant.seed, opened.spec.replicates)
    };
    let all: Result<Vec<Draws>, String> = opened.spec.variants.iter().zip(data).map(of).collect();
    Ok(all?)
}
