//! What ran where and when: the steps of a study, grouped by program and machine.

use std::collections::BTreeSet;

use crate::record::{Provenance, Record, Status, Study};

/// Steps that one version of the program ran on one machine.
#[derive(Debug, PartialEq, Eq)]
pub struct Run<'a> {
    pub provenance: &'a Provenance,
    /// When the first step began and the last one ended, in UTC: "2026-11-24T15:57:52+00:00".
    pub started: String,
    pub ended: String,
}

/// A step's record, and when it began and ended.
type Timed<'a> = (&'a Record, jiff::Timestamp, jiff::Timestamp);

/// In the order in which they began.
pub fn runs(study: &Study) -> Vec<Run<'_>> {
    let records = study.rows.iter().chain(&study.analyses).filter_map(|row| row.record.as_ref());
    let mut steps: Vec<Timed<'_>> = records.filter_map(timed).collect();
    steps.sort_by_key(|(_, started, _)| *started);
    let mut runs: Vec<(Timed<'_>, jiff::Timestamp)> = Vec::new();
    for step in steps {
        match runs.iter_mut().find(|((first, ..), _)| is_same(&first.provenance, &step.0.provenance)) {
            Some((_, ended)) => *ended = step.2.max(*ended),
            None => runs.push((step, step.2)),
        }
    }
    let runs = runs.into_iter().map(|((record, started, _), ended)| Run {
        provenance: &record.provenance,
        started: told(started),
        ended: told(ended),
    });
    runs.collect()
}

fn timed(record: &Record) -> Option<Timed<'_>> {
    let started: jiff::Timestamp = record.provenance.started.parse().ok()?;
    let seconds = if record.seconds.is_finite() { record.seconds.clamp(0.0, 1e9).ceil() as i64 } else { 0 };
    let ended = started.checked_add(jiff::SignedDuration::from_secs(seconds)).ok()?;
    Some((record, started, ended))
}

fn told(time: jiff::Timestamp) -> String {
    time.to_string().replace('Z', "+00:00")
}

fn is_same(one: &Provenance, other: &Provenance) -> bool {
    let program = |of: &Provenance| (of.tombola.clone(), of.burn.clone(), of.rust.clone(), of.device.clone());
    program(one) == program(other) && one.host == other.host
}

/// The day of the last step that ended, where any did: "2026-11-24".
pub fn last_day(runs: &[Run<'_>]) -> Option<String> {
    let days: BTreeSet<&str> = runs.iter().filter_map(|run| run.ended.get(..10)).collect();
    days.last().map(|day| day.to_string())
}

/// Whether nothing that was planned is missing, or why a step failed.
pub fn outcome(study: &Study) -> Result<bool, String> {
    let mut rows = study.rows.iter().chain(&study.analyses).map(|row| &row.status);
    let failed = rows.clone().find_map(|status| match status {
        Status::Failed(why) => Some(why.clone()),
        _ => None,
    });
    failed.map_or_else(|| Ok(rows.all(|status| *status != Status::Missing)), Err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::fixture;

    #[test]
    fn steps_of_one_machine_are_a_run_from_the_first_begun_to_the_last_ended() {
        let mut study = fixture::study();
        let records = study.rows.iter_mut().filter_map(|row| row.record.as_mut());
        for (number, record) in records.enumerate() {
            record.seconds = 1.5;
            record.provenance.started = format!("2026-11-24T15:{:02}:00Z", number % 60);
            record.provenance.device = if number == 3 { "another" } else { "flex" }.into();
        }
        let found = runs(&study);
        let times: Vec<_> = found.iter().map(|run| (run.started.as_str(), run.ended.as_str())).collect();
        assert_eq!(times[0].0, "2026-11-24T15:00:00+00:00");
        assert_eq!(times[1], ("2026-11-24T15:03:00+00:00", "2026-11-24T15:03:02+00:00"));
        assert_eq!((found.len(), found[1].provenance.device.as_str()), (2, "another"));
        assert_eq!(last_day(&found).as_deref(), Some("2026-11-24"));
    }
}
