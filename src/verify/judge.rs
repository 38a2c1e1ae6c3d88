//! A rerun against its lock, ticket by ticket.

use std::collections::HashMap;

use super::chain::{back, first};
use super::rule::{Interval, Rule};
use crate::lock::{Address, Lock, LockedStep, LockedTicket, Outcome};
use crate::record::{Checked, Compared, Measured, Point, Scores, Verdict};

/// What was run again.
pub struct Rerun<'a> {
    pub lock: &'a Lock,
    /// What it found, as far as it went.
    pub found: &'a Lock,
    /// Tickets whose step crashed, and how.
    pub failed: &'a HashMap<Address, String>,
    pub rule: &'a Rule,
    /// Of each variant of the lock, how many examples there are.
    pub examples: &'a [Examples],
    /// The share of a ticket's locked mask that the rerun's mask has, where both are at hand.
    pub overlap: &'a dyn Fn(&Address) -> Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Examples {
    pub train: usize,
    pub validation: usize,
    pub test: usize,
}

/// What a rerun's tickets are worth, and how many of them chance alone is expected to fail.
pub struct Judged {
    pub tickets: Vec<Checked>,
    pub compared: usize,
    pub false_alarms: f64,
}

/// Judges every ticket of the lock.
pub fn judge(rerun: &Rerun<'_>) -> Judged {
    let found: HashMap<&Address, &LockedTicket> =
        rerun.found.results().map(|ticket| (&ticket.address, ticket)).collect();
    let replicates = replicates(rerun.lock);
    let mut judged = Judged { tickets: Vec::new(), compared: 0, false_alarms: 0.0 };
    for locked in rerun.lock.results() {
        let none = Vec::new();
        let like = replicates.get(&locked.address.of_replicate(0)).unwrap_or(&none);
        let ticket = match found.get(&locked.address) {
            Some(found) => ticket(rerun, locked, found, like, &mut judged),
            None => not_found(rerun, locked),
        };
        judged.tickets.push(ticket);
    }
    judged
}

/// The scores of a ticket's replicates, by their address in replicate 0.
fn replicates(lock: &Lock) -> HashMap<Address, Vec<&Scores>> {
    let mut all: HashMap<Address, Vec<&Scores>> = HashMap::new();
    for ticket in &lock.tickets {
        all.entry(ticket.address.of_replicate(0)).or_default().extend(&ticket.scores);
    }
    all
}

fn not_found(rerun: &Rerun<'_>, locked: &LockedTicket) -> Checked {
    let failed = rerun.failed.get(&locked.address);
    let verdict = if failed.is_some() { Verdict::Fail } else { Verdict::NotRun };
    checked(locked, verdict, failed.cloned().into_iter().collect(), None, Vec::new())
}

fn checked(
    locked: &LockedTicket,
    verdict: Verdict,
    why: Vec<String>,
    overlap: Option<f64>,
    figures: Vec<Compared>,
) -> Checked {
    let (ticket, pipeline) = (locked.name(), locked.address.pipeline.clone());
    Checked { ticket, pipeline, verdict, why, overlap, figures }
}

fn ticket(
    rerun: &Rerun<'_>,
    locked: &LockedTicket,
    found: &LockedTicket,
    like: &[&Scores],
    judged: &mut Judged,
) -> Checked {
    let mut wrong = same_whatever_the_device(rerun, locked, found);
    let mut differs = Vec::new();
    let left = |lock: &Lock, ticket: &LockedTicket| match ticket.status {
        Outcome::Done | Outcome::Diverged => lock.steps.get(&ticket.step)?.left.clone(),
        // What a step that did not run here may have left is of another run.
        Outcome::FollowsDiverged | Outcome::Stopped => None,
    };
    let overlap = match (left(rerun.lock, locked), left(rerun.found, found)) {
        (Some(locked), Some(found)) if locked == found => Some(1.0),
        (Some(a), Some(b)) => {
            let overlap = if a.masks == b.masks { Some(1.0) } else { (rerun.overlap)(&locked.address) };
            let to = if rerun.rule.exact { &mut wrong } else { &mut differs };
            to.push(if a.masks == b.masks { "weights differ".into() } else { masks_differ(overlap) });
            overlap
        }
        (None, Some(_)) if locked.status == found.status => {
            wrong.push("the lock does not say what it left".into());
            None
        }
        _ => None,
    };
    if locked.status == found.status && locked.scores.is_some() != found.scores.is_some() {
        wrong.push(format!("{} scores", if found.scores.is_some() { "the lock has no" } else { "it has no" }));
    }
    if rerun.rule.exact && wrong.is_empty() {
        wrong.extend(on_the_way(rerun, locked));
    }
    let figures = figures(rerun, locked, found, like);
    for (figure, interval) in &figures {
        judged.compared += usize::from(interval.is_some());
        judged.false_alarms += interval.map_or(0.0, |interval| interval.outside);
        let differ = !same(figure.locked, figure.found);
        match figure.holds {
            false => wrong.push(told(figure)),
            true if differ => differs.push(told(figure)),
            true => {}
        }
    }
    if let Some(why) = measured_differ(&locked.measured, &found.measured) {
        if rerun.rule.exact { &mut wrong } else { &mut differs }.push(why);
    }
    let (verdict, why) = match (wrong.is_empty(), differs.is_empty()) {
        (false, _) => (Verdict::Fail, wrong),
        (true, false) => (Verdict::WithinTolerance, differs),
        (true, true) => (Verdict::Pass, Vec::new()),
    };
    checked(locked, verdict, why, overlap, figures.into_iter().map(|(figure, _)| figure).collect())
}

/// What must be the same on every device.
fn same_whatever_the_device(rerun: &Rerun<'_>, locked: &LockedTicket, found: &LockedTicket) -> Vec<String> {
    let mut wrong = Vec::new();
    if locked.status != found.status {
        wrong.push(format!("{} instead of {}", status(found.status), status(locked.status)));
    }
    if (locked.kept, locked.prunable) != (found.kept, found.prunable) {
        wrong.push(format!(
            "{} of {} weights kept instead of {} of {}",
            found.kept, found.prunable, locked.kept, locked.prunable
        ));
    }
    let initial = |lock, ticket: &LockedTicket| first(lock, &ticket.step)?.left.as_ref().map(|left| &left.weights);
    match (initial(rerun.lock, locked), initial(rerun.found, found)) {
        (Some(a), Some(b)) if a != b => wrong.push("initial weights differ".into()),
        (None, Some(_)) => wrong.push("the lock does not say where the weights began".into()),
        _ => {}
    }
    wrong
}

/// The last step before a ticket's own that left another ticket than the lock says.
fn on_the_way(rerun: &Rerun<'_>, locked: &LockedTicket) -> Option<String> {
    let differs = |(id, step): &(&str, &LockedStep)| {
        let found = rerun.found.steps.get(*id).and_then(|found| found.left.as_ref());
        found.is_some() && step.left.as_ref() != found
    };
    let (id, step) = back(rerun.lock, &locked.step).skip(1).find(differs)?;
    Some(format!("what step {id} ({}) left before it differs", step.stage))
}

fn status(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "done",
        Outcome::Diverged => "diverged",
        Outcome::FollowsDiverged => "follows a training that diverged",
        Outcome::Stopped => "stopped by a rule",
    }
}

/// Each figure of a ticket's scores, and where it may be if it may be elsewhere.
fn figures(
    rerun: &Rerun<'_>,
    locked: &LockedTicket,
    found: &LockedTicket,
    like: &[&Scores],
) -> Vec<(Compared, Option<Interval>)> {
    let (Some(a), Some(b)) = (&locked.scores, &found.scores) else { return Vec::new() };
    let variant = rerun.lock.variant.iter().position(|variant| variant.name == locked.address.variant);
    let examples = variant.and_then(|variant| rerun.examples.get(variant)).copied();
    let Examples { train, validation, test } = examples.unwrap_or(Examples { train: 0, validation: 0, test: 0 });
    let rule = rerun.rule;
    let accuracy = |name: &str, of: &dyn Fn(&Scores) -> Option<f64>, examples: usize| {
        let all: Vec<f64> = like.iter().filter_map(|scores| of(scores)).collect();
        let interval = of(a).and_then(|locked| rule.accuracy(locked, &all, examples));
        compared(name, of(a), of(b), interval, rule.exact)
    };
    let losses: Vec<f64> = like.iter().map(|scores| scores.validation_loss).collect();
    vec![
        compared(
            "early stop",
            Some(a.early_stop_iteration as f64),
            Some(b.early_stop_iteration as f64),
            None,
            rule.exact,
        ),
        compared("validation loss", Some(a.validation_loss), Some(b.validation_loss), rule.loss(&losses), rule.exact),
        accuracy("validation accuracy", &|s| s.validation_accuracy, validation),
        compared("test loss", Some(a.test_loss), Some(b.test_loss), None, rule.exact),
        accuracy("test accuracy", &|s| Some(s.test_accuracy), test),
        accuracy("final training accuracy", &|s| Some(s.final_train_accuracy), train),
        accuracy("final validation accuracy", &|s| s.final_validation_accuracy, validation),
        accuracy("final test accuracy", &|s| Some(s.final_test_accuracy), test),
    ]
}

/// A figure must be in its interval; without one, the same where all must be, and is only told elsewhere.
fn compared(
    name: &str,
    locked: Option<f64>,
    found: Option<f64>,
    interval: Option<Interval>,
    exact: bool,
) -> (Compared, Option<Interval>) {
    let holds = same(locked, found)
        || match (interval, found) {
            (Some(interval), Some(found)) => interval.holds(found),
            (Some(_), None) => false,
            (None, _) => !exact && locked.is_some() == found.is_some(),
        };
    let ends = interval.map(|interval| (interval.low, interval.high));
    (Compared { name: name.into(), locked, found, interval: ends, holds }, interval)
}

/// Equal, and no number like no number.
fn same(a: Option<f64>, b: Option<f64>) -> bool {
    a == b || matches!((a, b), (Some(a), Some(b)) if a.is_nan() && b.is_nan())
}

fn told(figure: &Compared) -> String {
    let number = |value: Option<f64>| value.map_or("none".into(), |value| value.to_string());
    let Compared { name, locked, found, interval, .. } = figure;
    let within = interval.map_or(String::new(), |(low, high)| format!(", {low:.4} to {high:.4} expected"));
    format!("{name} {} instead of {}{within}", number(*found), number(*locked))
}

fn masks_differ(overlap: Option<f64>) -> String {
    let share = overlap.map_or(String::new(), |share| format!(": {:.2}% of the locked one kept", 100.0 * share));
    format!("masks differ{share}")
}

/// The first figure of an analysis that is not what it was, by its name; `None` where all are.
fn measured_differ(locked: &[Measured], found: &[Measured]) -> Option<String> {
    if locked.len() != found.len() {
        return Some("other figures are measured".into());
    }
    locked.iter().zip(found).find_map(|(a, b)| match a.name == b.name && a.points.len() == b.points.len() {
        false => Some("other figures are measured".into()),
        true => {
            let (a_point, b_point) = a.points.iter().zip(&b.points).find(|(a, b)| !same_point(a, b))?;
            Some(format!("{} {} instead of {}", a.name, b_point.value, a_point.value))
        }
    })
}

fn same_point(a: &Point, b: &Point) -> bool {
    a.at == b.at && same(Some(a.value), Some(b.value))
}
