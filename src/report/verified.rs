//! The last verification of the results, where there was one.

use serde::Serialize;

use crate::record::{Verdict, Verification};

#[derive(Serialize)]
pub(super) struct Verified<'a> {
    verdict: String,
    /// "pass", "within-tolerance" or "fail": how the badge is coloured.
    class: &'static str,
    /// "2026-11-29 on flex …: 42 of 42 tickets run again", and how many an earlier verification ran.
    badge: String,
    host: String,
    rule: &'a [String],
    /// "40 PASS", …
    counts: Vec<String>,
    problems: &'a [String],
    /// Tickets that do not hold, with why.
    failed: Vec<(&'a str, String)>,
}

pub(super) fn verified(verification: &Verification) -> Verified<'_> {
    let Verification { tickets, device, host, date, .. } = verification;
    let ran = verification.ran().saturating_sub(verification.reused);
    let reused = match verification.reused {
        0 => String::new(),
        n => format!(", {n} as an earlier verification found them"),
    };
    let count = |verdict: Verdict| Some((verification.count(verdict), verdict)).filter(|(n, _)| *n > 0);
    let counts =
        [Verdict::Pass, Verdict::WithinTolerance, Verdict::Fail, Verdict::NotRun].into_iter().filter_map(count);
    let failed = tickets.iter().filter(|ticket| ticket.verdict == Verdict::Fail);
    Verified {
        verdict: verification.verdict.to_string(),
        class: match verification.verdict {
            Verdict::Pass => "pass",
            Verdict::WithinTolerance => "within-tolerance",
            Verdict::Fail | Verdict::NotRun => "fail",
        },
        badge: format!(
            "{} on {device}, {ran} of {} tickets run again{reused}",
            date.get(..10).unwrap_or(date),
            tickets.len()
        ),
        host: format!("{}, {} cores, {} GiB, {}", host.cpu, host.cores, host.memory_gib, host.system),
        rule: &verification.rule,
        counts: counts.map(|(n, verdict)| format!("{n} {verdict}")).collect(),
        problems: &verification.problems,
        failed: failed.map(|ticket| (ticket.ticket.as_str(), ticket.why.join("; "))).collect(),
    }
}
