//! What is not there: tickets that are missing, failed or diverged, so that no mean hides them.

use indexmap::IndexMap;
use serde::Serialize;

use crate::record::{Row, Status, Study};
use crate::units::percent;

/// Tickets of one level that lack a score for the same reason.
#[derive(Serialize)]
pub(super) struct Problem<'a> {
    variant: &'a str,
    pipeline: &'a str,
    level: u32,
    weights: String,
    /// "0, 2".
    replicates: String,
    why: String,
}

/// Every ticket without a score, in plan order. What a stop rule ended is none.
pub(super) fn problems(study: &Study) -> Vec<Problem<'_>> {
    let mut alike: IndexMap<_, Vec<&Row>> = IndexMap::new();
    for row in study.rows.iter().chain(&study.analyses) {
        if let Some(why) = why(row) {
            let place = (row.variant.as_str(), row.pipeline.as_str(), row.level, row.kept_weights, why);
            alike.entry(place).or_default().push(row);
        }
    }
    let problem = |((variant, pipeline, level, _, why), rows): (_, Vec<&Row>)| {
        let weights = rows.first().map_or(String::new(), |row| percent(row.weights_remaining()));
        Problem { variant, pipeline, level, weights, replicates: replicates(&rows), why }
    };
    alike.into_iter().map(problem).collect()
}

pub(super) fn why(row: &Row) -> Option<String> {
    let diverged = || row.record.as_ref()?.training.as_ref()?.diverged;
    match &row.status {
        Status::Done | Status::Stopped => None,
        Status::Missing => Some("missing: not run yet".into()),
        Status::Failed(message) => Some(format!("failed: {message}")),
        Status::FollowsDiverged => Some("not run: follows a ticket that diverged".into()),
        Status::Diverged => {
            let at = diverged().map_or(String::new(), |iteration| format!(" at iteration {iteration}"));
            Some(format!("diverged{at}: the loss was no longer finite"))
        }
    }
}

pub(super) fn replicates(rows: &[&Row]) -> String {
    let mut replicates: Vec<u32> = rows.iter().map(|row| row.replicate).collect();
    replicates.dedup();
    replicates.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
}
