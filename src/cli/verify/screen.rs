//! The verdict as a terminal shows it.

use std::path::Path;

use crate::cli::count;
use crate::cli::plan::text::Width;
use crate::record::{Checked, Compared, Verdict, Verification};

/// Tickets that are shown one by one; of more, only those that are not PASS.
const FEW: usize = 40;

/// Of those, this many: the rest is counted.
const MANY: usize = 200;

const VERDICTS: [Verdict; 4] = [Verdict::Pass, Verdict::WithinTolerance, Verdict::Fail, Verdict::NotRun];

/// `place` is the store that the rerun has.
pub fn text(verification: &Verification, place: &Path, all: bool, width: Width) -> String {
    let mut text = String::new();
    for sentence in &verification.rule {
        text += &width.wrapped("", "  ", sentence);
    }
    if verification.compared > 0 {
        let expected = format!(
            "{} compared with an interval; chance alone is expected to put {:.1} of them outside.",
            count(verification.compared, "figure"),
            verification.false_alarms
        );
        text += &width.wrapped("", "  ", &expected);
    }
    if verification.silent > 0 {
        let silent = count(verification.silent, "figure");
        text += &width.wrapped("", "  ", &format!("{silent} with an interval of 0 to 1, which says nothing."));
    }
    text += "\n";
    for problem in &verification.problems {
        text += &width.wrapped("FAIL              ", "                  ", &in_one_line(problem));
    }
    text += &tickets(verification, all, width);
    text + &width.wrapped("", "  ", &verdict(verification, place))
}

fn tickets(verification: &Verification, all: bool, width: Width) -> String {
    let tickets = &verification.tickets;
    let nothing = verification.count(Verdict::NotRun) == tickets.len();
    let whole = all || (tickets.len() <= FEW && !nothing);
    let wanted = |ticket: &&Checked| whole || ticket.verdict == Verdict::Fail || ticket.gave_out();
    let shown: Vec<&Checked> = tickets.iter().filter(wanted).collect();
    let most = if all { shown.len() } else { MANY };
    let mut text: String = shown.iter().take(most).map(|ticket| line(ticket, width)).collect();
    let left = VERDICTS.map(|verdict| {
        let of = |tickets: &mut dyn Iterator<Item = &&Checked>| tickets.filter(|t| t.verdict == verdict).count();
        (verdict, verification.count(verdict) - of(&mut shown.iter().take(most)))
    });
    for (verdict, n) in left.into_iter().filter(|(_, n)| *n > 0) {
        text += &format!("{verdict:<16}  {}{}\n", if whole { "… " } else { "" }, count(n, "ticket"));
    }
    if !text.is_empty() {
        text += "\n";
    }
    text
}

fn line(ticket: &Checked, width: Width) -> String {
    let why = if ticket.why.is_empty() { String::new() } else { format!(": {}", ticket.why.join("; ")) };
    width.wrapped(
        &format!("{:<16}  ", ticket.verdict.to_string()),
        &" ".repeat(20),
        &in_one_line(&format!("{}{why}", ticket.ticket)),
    )
}

/// What names and messages of others hold must not stand as a line of ours.
fn in_one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// "PASS: 42 of 42 tickets of quickstart as locked, on …".
fn verdict(verification: &Verification, place: &Path) -> String {
    let Verification { experiment, device, verdict, tickets, reused, .. } = verification;
    let ran = verification.ran();
    let all = count(tickets.len(), "ticket");
    let counts: Vec<String> = VERDICTS
        .into_iter()
        .map(|verdict| (verdict, verification.count(verdict)))
        .filter(|(_, n)| *n > 0)
        .map(|(verdict, n)| format!("{n} {verdict}"))
        .collect();
    let gave_out = tickets.iter().filter(|ticket| ticket.gave_out()).count();
    let said = match verdict {
        Verdict::NotRun if gave_out > 0 => {
            "a step crashed, or this machine did not suffice, which says nothing of the lock"
        }
        Verdict::Pass => "what was run again is as locked",
        Verdict::WithinTolerance => "what was run again is as near to what was locked as the rule asks",
        Verdict::Fail => "what was locked does not hold",
        Verdict::NotRun => "nothing was run again, so that nothing can be said",
    };
    let of = match ran == tickets.len() {
        true => format!("all {all}"),
        false => format!("{ran} of {all}"),
    };
    let of = match reused {
        0 => format!("{of} run again"),
        _ => format!(
            "{of}, {} run again, {reused} as an earlier verification found them in {}",
            ran.saturating_sub(*reused),
            place.display()
        ),
    };
    let sample = verification.sample_seed.map_or(String::new(), |seed| format!("; sample seed {seed}"));
    let outside = outside(verification).map_or(String::new(), |n| {
        format!(
            "; {} outside alone, where chance is expected to put {:.1}",
            count(n, "figure"),
            verification.false_alarms
        )
    });
    format!("{verdict}: {experiment}: {said}; {of} ({}), on {device}{sample}{outside}", counts.join(", "))
}

/// How many figures are not where the rule wants them, where that is all that is wrong.
fn outside(verification: &Verification) -> Option<usize> {
    let failed = || verification.tickets.iter().filter(|ticket| ticket.verdict == Verdict::Fail);
    let outside = |ticket: &Checked| {
        let outside = |figure: &&Compared| !figure.holds && (figure.interval.is_some() || figure.among_found.is_some());
        ticket.figures.iter().filter(outside).count()
    };
    let alone = verification.problems.is_empty() && failed().all(|ticket| outside(ticket) == ticket.why.len());
    let n = failed().map(outside).sum();
    (alone && n > 0).then_some(n)
}
