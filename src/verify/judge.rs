//! A rerun against its lock, ticket by ticket.

use std::collections::HashMap;

use super::differences::Differences;
use super::figures::{Both, Figure};
use super::rerun::Rerun;
use crate::lock::{Address, Lock, LockedTicket};
use crate::record::{Checked, Compared, Scores, Verdict};

/// What a rerun's tickets are worth, and how many of their figures chance alone is expected to fail.
#[derive(Default)]
pub struct Judged {
    pub tickets: Vec<Checked>,
    /// Figures that had an interval to be in that did not hold everything.
    pub compared: usize,
    pub false_alarms: f64,
    /// Figures that had one that did.
    pub silent: usize,
    /// Figures of which too few replicates were run again to tell an edited one.
    pub hidden: usize,
}

/// The scores of a ticket's replicates, by its address in replicate 0.
type Replicates<'a> = HashMap<Address, Vec<&'a Scores>>;

/// Judges every ticket of the lock.
pub fn judge(rerun: &Rerun<'_>) -> Judged {
    let found: HashMap<&Address, &LockedTicket> =
        rerun.found.results().map(|ticket| (&ticket.address, ticket)).collect();
    let all = [replicates(rerun.lock), replicates(rerun.found)];
    let mut judged = Judged::default();
    for locked in rerun.lock.results() {
        let ticket = match found.get(&locked.address) {
            Some(found) => ticket(rerun, locked, found, &all, &mut judged),
            None => not_found(rerun, locked),
        };
        judged.tickets.push(ticket);
    }
    judged
}

fn replicates(lock: &Lock) -> Replicates<'_> {
    let mut all = Replicates::new();
    for ticket in &lock.tickets {
        all.entry(ticket.address.of_replicate(0)).or_default().extend(&ticket.scores);
    }
    all
}

fn not_found(rerun: &Rerun<'_>, locked: &LockedTicket) -> Checked {
    let failed = rerun.failed.get(&locked.address);
    checked(locked, Verdict::NotRun, failed.cloned().into_iter().collect(), None, Vec::new())
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
    all: &[Replicates<'_>; 2],
    judged: &mut Judged,
) -> Checked {
    let (mut differences, overlap) = Differences::before_figures(rerun, locked, found);
    let figures = figures(rerun, locked, found, all);
    judged.count(&figures);
    differences.figures(&figures);
    differences.measured(&locked.measured, &found.measured);
    let (verdict, why) = differences.verdict();
    checked(locked, verdict, why, overlap, figures.into_iter().map(|figure| figure.compared).collect())
}

impl Judged {
    fn count(&mut self, figures: &[Figure]) {
        for figure in figures {
            let intervals = || figure.intervals.iter().flatten();
            self.compared += usize::from(intervals().any(|interval| !interval.all));
            self.silent += usize::from(intervals().next().is_some() && intervals().all(|interval| interval.all));
            self.false_alarms += intervals().map(|interval| interval.outside).sum::<f64>();
            self.hidden += usize::from(figure.hidden);
        }
    }
}

/// Each figure of a ticket's scores, where both have them.
fn figures(rerun: &Rerun<'_>, locked: &LockedTicket, found: &LockedTicket, all: &[Replicates<'_>; 2]) -> Vec<Figure> {
    let (Some(a), Some(b)) = (&locked.scores, &found.scores) else { return Vec::new() };
    let place = locked.address.of_replicate(0);
    let [locked_replicates, found_replicates] =
        all.each_ref().map(|all| all.get(&place).map_or(&[][..], Vec::as_slice));
    let examples = rerun.examples.get(&locked.address.variant).copied().unwrap_or_default();
    Both { rule: rerun.rule, examples, locked: a, found: b, locked_replicates, found_replicates }.figures()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::rerun::Examples;
    use super::super::rule::Rule;
    use super::super::testing::{lock, scores, ticket};
    use super::*;
    use crate::lock::Outcome;

    /// A lock of one ticket in as many replicates as there are accuracies.
    fn replicated(accuracies: &[f64]) -> Lock {
        let one = |(replicate, accuracy): (usize, &f64)| {
            let of = ticket("imp", 1, replicate as u32);
            LockedTicket { scores: Some(scores(*accuracy)), ..of }
        };
        lock(accuracies.iter().enumerate().map(one).collect())
    }

    fn judged(lock: &Lock, found: &Lock, exact: bool) -> Judged {
        with(lock, found, exact, &HashSet::new())
    }

    fn with(lock: &Lock, found: &Lock, exact: bool, about: &HashSet<Address>) -> Judged {
        let rule = Rule { exact, tolerance: None };
        let examples = Examples { train: 10_000, validation: 10_000, test: 10_000 };
        let failed = HashMap::new();
        let examples = [(String::new(), examples)].into_iter().collect();
        let overlap = &|_: &Address| None;
        judge(&Rerun { lock, found, failed: &failed, rule: &rule, examples: &examples, about, overlap })
    }

    fn verdicts(judged: &Judged) -> Vec<Verdict> {
        judged.tickets.iter().map(|ticket| ticket.verdict).collect()
    }

    #[test]
    fn a_figure_of_five_that_was_edited_fails_by_what_was_found_of_all_five() {
        let found = replicated(&[0.34, 0.33, 0.35, 0.34, 0.345]);
        let forged = replicated(&[0.99, 0.33, 0.35, 0.34, 0.345]);
        let all = judged(&forged, &found, false);
        assert_eq!(verdicts(&all)[0], Verdict::Fail);
        assert!(verdicts(&all)[1..].iter().all(|verdict| *verdict == Verdict::Pass));
        let why = &all.tickets[0].why[0];
        assert!(why.contains("0.0000 to 1.0000 expected, and by what was found of its replicates 0.3"), "{why}");
        assert_eq!(all.hidden, 0);
        // Of two there is no such interval, which is told: the edit hides in its own.
        let two = judged(&forged, &lock(found.tickets[..2].to_vec()), false);
        assert_eq!(verdicts(&two)[..3], [Verdict::WithinTolerance, Verdict::Pass, Verdict::NotRun]);
        assert_eq!((two.hidden, two.silent, two.compared), (12, 10, 2));
        // False alarms are those of both intervals: of five accuracies, and a loss.
        let honest = judged(&found, &found, false);
        assert_eq!((honest.compared, honest.silent), (30, 0));
        assert!((honest.false_alarms - 0.6).abs() < 1e-9, "{}", honest.false_alarms);
    }

    #[test]
    fn no_number_against_a_number_is_wrong_and_leaves_the_other_replicates_judged() {
        let found = replicated(&[0.9, 0.91, 0.92]);
        let mut odd = found.clone();
        odd.tickets[0].scores.as_mut().unwrap().validation_loss = f64::NAN;
        odd.tickets[1].scores.as_mut().unwrap().validation_loss = 7.0;
        for (lock, found) in [(&odd, &found), (&found, &odd)] {
            let all = judged(lock, found, false);
            assert_eq!(verdicts(&all)[..2], [Verdict::Fail, Verdict::Fail], "{:?}", all.tickets[1].why);
        }
        assert_eq!(verdicts(&judged(&odd, &odd, true)), [Verdict::Pass; 3]);
    }

    #[test]
    fn what_a_lock_leaves_out_is_wrong_where_a_rerun_found_it() {
        let found = replicated(&[0.9, 0.91, 0.92]);
        let mut less = found.clone();
        less.tickets[0].scores = None;
        less.steps[1].left = None;
        for exact in [true, false] {
            assert_eq!(verdicts(&judged(&less, &found, exact)), [Verdict::Fail, Verdict::Fail, Verdict::Pass]);
        }
    }

    #[test]
    fn what_rounding_decides_is_told_and_not_judged_on_another_kind_of_device_only() {
        let locked = replicated(&[0.9, 0.91, 0.92]);
        let mut found = locked.clone();
        // A stop rule ended the first earlier, units of the second left other weights.
        found.tickets[0] = LockedTicket { status: Outcome::Stopped, scores: None, ..found.tickets[0].clone() };
        found.tickets[1].kept = 99;
        let of = |exact, about: &[&LockedTicket]| {
            let about = about.iter().map(|ticket| ticket.address.clone()).collect();
            verdicts(&with(&locked, &found, exact, &about))
        };
        let second = [&found.tickets[1]];
        assert_eq!(of(false, &second), [Verdict::WithinTolerance, Verdict::WithinTolerance, Verdict::Pass]);
        assert_eq!(of(false, &[]), [Verdict::WithinTolerance, Verdict::Fail, Verdict::Pass]);
        assert_eq!(of(true, &second), [Verdict::Fail, Verdict::Fail, Verdict::Pass]);
    }
}
