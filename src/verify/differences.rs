//! How a ticket that a rerun found differs from the locked one: what is wrong, and what other rounding may do.

use super::chain::{back, first};
use super::figures::{Figure, same, told};
use super::rerun::Rerun;
use crate::lock::{Lock, LockedStep, LockedTicket, Outcome};
use crate::record::{Measured, Point, Verdict};

pub struct Differences {
    /// Whether the rerun's sums round as those of the lock did.
    exact: bool,
    wrong: Vec<String>,
    /// What sums that round otherwise may change: told, and not held against the ticket.
    rounded: Vec<String>,
}

/// What a step left, beside what the lock says of it.
enum Left {
    Alike,
    OtherWeights,
    /// And the share of the locked mask that is kept, where both masks are at hand.
    OtherMasks(Option<f64>),
    Unsaid,
    Neither,
}

impl Differences {
    /// All but those of figures and of what analyses measured; and the share of the locked mask that the ticket found keeps, as far as it is known.
    pub fn before_figures(rerun: &Rerun<'_>, locked: &LockedTicket, found: &LockedTicket) -> (Self, Option<f64>) {
        let mut all = Self { exact: rerun.rule.exact, wrong: Vec::new(), rounded: Vec::new() };
        all.wrong.extend(beginnings_differ(rerun, locked, found));
        // What a rule or a mask made of rounded sums is nobody's fault where sums round otherwise.
        all.put(kept_differ(locked, found), rerun.about.contains(&locked.address));
        all.put(ends_differ(locked, found), [locked.status, found.status].contains(&Outcome::Stopped));
        let left = left(rerun, locked, found);
        all.left(&left);
        if locked.status == found.status && locked.scores.is_some() != found.scores.is_some() {
            let who = if found.scores.is_some() { "the lock has no" } else { "it has no" };
            all.wrong.push(format!("{who} scores"));
        }
        if all.exact && all.wrong.is_empty() {
            all.wrong.extend(differs_on_the_way(rerun, locked));
        }
        if !all.exact && !rerun.examples.contains_key(&locked.address.variant) {
            all.wrong.push("the spec has no such variant".into());
        }
        (all, left.overlap())
    }

    fn put(&mut self, why: Option<String>, rounding: bool) {
        if rounding && !self.exact { &mut self.rounded } else { &mut self.wrong }.extend(why);
    }

    fn left(&mut self, left: &Left) {
        match left {
            Left::OtherWeights => self.put(Some("weights differ".into()), true),
            Left::OtherMasks(overlap) => self.put(Some(masks_differ(*overlap)), true),
            Left::Unsaid => self.wrong.push("the lock does not say what it left".into()),
            Left::Alike | Left::Neither => {}
        }
    }

    pub fn figures(&mut self, figures: &[Figure]) {
        for Figure { compared: figure, .. } in figures {
            match figure.holds {
                false => self.wrong.push(told(figure)),
                true if !same(figure.locked, figure.found) => self.rounded.push(told(figure)),
                true => {}
            }
        }
    }

    pub fn measured(&mut self, locked: &[Measured], found: &[Measured]) {
        self.put(measured_differ(locked, found), true);
    }

    pub fn verdict(self) -> (Verdict, Vec<String>) {
        match (self.wrong.is_empty(), self.rounded.is_empty()) {
            (false, _) => (Verdict::Fail, self.wrong),
            (true, false) => (Verdict::WithinTolerance, self.rounded),
            (true, true) => (Verdict::Pass, Vec::new()),
        }
    }
}

impl Left {
    fn overlap(&self) -> Option<f64> {
        match self {
            Self::Alike | Self::OtherWeights => Some(1.0),
            Self::OtherMasks(overlap) => *overlap,
            Self::Unsaid | Self::Neither => None,
        }
    }
}

fn left(rerun: &Rerun<'_>, locked: &LockedTicket, found: &LockedTicket) -> Left {
    let of = |lock: &Lock, ticket: &LockedTicket| match ticket.status {
        Outcome::Done | Outcome::Diverged => lock.steps.get(&ticket.step)?.left.clone(),
        // What a step that did not run here may have left is of another run.
        Outcome::FollowsDiverged | Outcome::Stopped => None,
    };
    match (of(rerun.lock, locked), of(rerun.found, found)) {
        (Some(a), Some(b)) if a == b => Left::Alike,
        (Some(a), Some(b)) if a.masks == b.masks => Left::OtherWeights,
        (Some(_), Some(_)) => Left::OtherMasks((rerun.overlap)(&locked.address)),
        (None, Some(_)) if locked.status == found.status => Left::Unsaid,
        _ => Left::Neither,
    }
}

/// Initial weights are drawn alike on every device.
fn beginnings_differ(rerun: &Rerun<'_>, locked: &LockedTicket, found: &LockedTicket) -> Option<String> {
    let initial = |lock, ticket: &LockedTicket| first(lock, &ticket.step)?.left.as_ref().map(|left| &left.weights);
    match (initial(rerun.lock, locked), initial(rerun.found, found)) {
        (Some(a), Some(b)) if a != b => Some("initial weights differ".into()),
        (None, Some(_)) => Some("the lock does not say where the weights began".into()),
        _ => None,
    }
}

fn kept_differ(locked: &LockedTicket, found: &LockedTicket) -> Option<String> {
    let weights = |ticket: &LockedTicket| (ticket.kept, ticket.prunable);
    let differ = locked.status == found.status && weights(locked) != weights(found);
    differ.then(|| {
        format!("{} of {} weights kept instead of {} of {}", found.kept, found.prunable, locked.kept, locked.prunable)
    })
}

fn ends_differ(locked: &LockedTicket, found: &LockedTicket) -> Option<String> {
    let differ = locked.status != found.status;
    differ.then(|| format!("{} instead of {}", status(found.status), status(locked.status)))
}

/// The last step before a ticket's own that left another ticket than the lock says.
fn differs_on_the_way(rerun: &Rerun<'_>, locked: &LockedTicket) -> Option<String> {
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
