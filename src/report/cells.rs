//! The key table: a cell for each method at each share of weights remaining.

use super::statistics::{ByReplicate, Difference, Summary, paired, summary};
use crate::figure::points::{Dense, dense, groups, variants};
use crate::record::{PipelineFacts, Row, Scores, Status, Study};

/// One method at one share of weights remaining, over the replicates.
pub struct Cell<'a> {
    pub variant: &'a str,
    pub pipeline: &'a PipelineFacts,
    pub level: u32,
    pub weights_remaining: f64,
    /// Tickets that the plan has here.
    pub planned: usize,
    /// Tickets that have scores.
    pub scored: usize,
    /// Tickets that lie beyond their pipeline's stop rule.
    pub stopped: usize,
    /// Test accuracy at early stop.
    pub accuracy: Option<Summary>,
    /// Against dense, paired by replicate.
    pub difference: Option<Difference>,
    pub early_stop: Option<Summary>,
    pub verdict: Verdict,
}

/// Matching: mean paired difference to dense at least the header's bound. Winning: matching, early stop no later than
/// dense's, and its reinitialisation not matching.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No score, or nothing to compare with.
    Unknown,
    Dense,
    Below,
    Matching,
    Winning,
}

impl Verdict {
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Unknown => "–",
            Verdict::Dense => "reference",
            Verdict::Below => "below dense",
            Verdict::Matching => "matching",
            Verdict::Winning => "winning",
        }
    }
}

/// The table's cells, in the order of the spec, falling weights remaining.
pub fn cells(study: &Study) -> Vec<Cell<'_>> {
    variants(study).into_iter().flat_map(|variant| of_variant(study, variant)).collect()
}

fn of_variant<'a>(study: &'a Study, variant: &'a str) -> Vec<Cell<'a>> {
    let reference = dense(study, variant);
    let mut cells = Vec::new();
    for pipeline in &study.header.pipelines {
        for group in groups(study, variant, &pipeline.name) {
            let accuracies = values(&group.rows, |s| s.test_accuracy);
            let stops = values(&group.rows, |s| s.early_stop_iteration as f64);
            let against = |dense: &Dense<'_>| paired(&accuracies, &values(&dense.rows, |s| s.test_accuracy));
            cells.push(Cell {
                variant,
                pipeline,
                level: group.level,
                weights_remaining: group.weights_remaining,
                planned: group.rows.len(),
                scored: group.rows.iter().filter(|row| scored(row).is_some()).count(),
                stopped: group.rows.iter().filter(|row| row.status == Status::Stopped).count(),
                accuracy: summary(&spread(&accuracies)),
                difference: reference.as_ref().and_then(against),
                early_stop: summary(&spread(&stops)),
                verdict: Verdict::Unknown,
            });
        }
    }
    let dense_stop =
        reference.as_ref().and_then(|d| summary(&spread(&values(&d.rows, |s| s.early_stop_iteration as f64))));
    let reference = reference.as_ref().map(|d| &study.header.pipelines[d.style].name);
    let verdicts: Vec<Verdict> =
        cells.iter().map(|cell| verdict(cell, &cells, study.header.matching, dense_stop.as_ref(), reference)).collect();
    cells.iter_mut().zip(verdicts).for_each(|(cell, verdict)| cell.verdict = verdict);
    cells
}

fn verdict(
    cell: &Cell<'_>,
    all: &[Cell<'_>],
    bound: f64,
    dense: Option<&Summary>,
    reference: Option<&String>,
) -> Verdict {
    let matches = |cell: &Cell<'_>| cell.difference.as_ref().map(|d| d.mean >= bound);
    if cell.level == 0 && reference == Some(&cell.pipeline.name) {
        return Verdict::Dense;
    }
    match matches(cell) {
        None => return Verdict::Unknown,
        Some(false) => return Verdict::Below,
        Some(true) => {}
    }
    let reinitialised = all.iter().find(|other| {
        let control =
            other.pipeline.uses == "reinitialise" && other.pipeline.each.as_ref() == Some(&cell.pipeline.name);
        control && other.level == cell.level
    });
    let no_later = cell.early_stop.as_ref().zip(dense).is_some_and(|(own, dense)| own.mean <= dense.mean);
    match reinitialised.and_then(matches) {
        Some(false) if no_later => Verdict::Winning,
        _ => Verdict::Matching,
    }
}

fn scored(row: &Row) -> Option<&Scores> {
    row.scores().filter(|_| row.status == Status::Done)
}

/// A figure by replicate, draws averaged within theirs.
fn values(rows: &[&Row], of: impl Fn(&Scores) -> f64) -> ByReplicate {
    let mut sums: std::collections::BTreeMap<u32, (f64, f64)> = Default::default();
    for row in rows {
        if let Some(scores) = scored(row) {
            let (sum, n) = sums.entry(row.replicate).or_default();
            *sum += of(scores);
            *n += 1.0;
        }
    }
    sums.into_iter().map(|(replicate, (sum, n))| (replicate, sum / n)).collect()
}

fn spread(values: &ByReplicate) -> Vec<f64> {
    values.values().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::fixture;

    #[test]
    fn every_planned_ticket_is_in_a_cell_whether_it_ran_or_not() {
        let study = fixture::study();
        let planned: usize = cells(&study).iter().map(|cell| cell.planned).sum();
        assert_eq!(planned, study.rows.len());
    }

    #[test]
    fn dense_is_the_reference_and_a_ticket_below_the_bound_is_not_matching() {
        let mut study = fixture::study();
        study.header.matching = -0.5;
        let lenient: Vec<Verdict> = cells(&study).iter().map(|cell| cell.verdict).collect();
        assert!(lenient.contains(&Verdict::Dense) && !lenient.contains(&Verdict::Below));
        // Nothing beats dense by half.
        study.header.matching = 0.5;
        let strict = cells(&study);
        assert!(strict.iter().all(|c| !matches!(c.verdict, Verdict::Matching | Verdict::Winning)));
    }
}
