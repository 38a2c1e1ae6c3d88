//! The key table: what the replicates of one pipeline at one level score, compared with dense.

use std::collections::HashSet;

use super::statistics::{Sample, paired};
use crate::figure::points::{Group, by_replicate, dense, groups, variants};
use crate::record::{EarlyStop, Row, Scores, Status, Study};

/// A line of the key table.
pub(super) struct Cell<'a> {
    pub variant: &'a str,
    pub pipeline: &'a str,
    pub level: u32,
    /// Which of the branches that keep equally many weights: 0 is the first.
    pub branch: u32,
    pub weights_remaining: f64,
    /// Test accuracy at early stop, over replicates.
    pub accuracy: Option<Sample>,
    /// Dense itself, or the very trainings that it shares with another pipeline's level 0.
    pub is_reference: bool,
    /// The same less dense's, replicate by replicate; `None` of the reference.
    pub difference: Option<Sample>,
    /// Accuracy of final weights on training examples, with the labels that were trained on.
    pub training: Option<Sample>,
    /// `None` of tickets that were not trained.
    pub early_stop: Option<Sample>,
    /// Early stop less dense's, in iterations, replicate by replicate.
    pub later: Option<Sample>,
    pub tally: Tally,
}

/// How many tickets of a cell have no score, and why; and how many broke the bound that stopped their pipeline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub missing: usize,
    pub failed: usize,
    pub stopped: usize,
    pub diverged: usize,
    pub broke_bound: usize,
}

/// Every cell: variants in plan order, pipelines in spec order, from the most weights to the fewest.
pub(super) fn cells(study: &Study) -> Vec<Cell<'_>> {
    let of_variant = |variant| study.header.pipelines.iter().flat_map(move |p| of_pipeline(study, variant, &p.name));
    variants(study).into_iter().flat_map(of_variant).collect()
}

fn of_pipeline<'a>(study: &'a Study, variant: &'a str, pipeline: &'a str) -> Vec<Cell<'a>> {
    let dense = dense(study, variant).map_or(Vec::new(), |dense| dense.rows);
    groups(study, variant, pipeline).iter().map(|group| cell(variant, pipeline, group, &dense)).collect()
}

fn cell<'a>(variant: &'a str, pipeline: &'a str, group: &Group, dense: &[&Row]) -> Cell<'a> {
    let steps: HashSet<&str> = dense.iter().map(|row| row.step.as_str()).collect();
    let is_reference = group.rows.iter().any(|row| steps.contains(row.step.as_str()));
    let reference: &[&Row] = if is_reference { &[] } else { dense };
    let (accuracy, stop) = (by_replicate(&group.rows, &accuracy), by_replicate(&group.rows, &early_stop));
    Cell {
        variant,
        pipeline,
        level: group.level,
        branch: group.branch,
        weights_remaining: group.weights_remaining,
        is_reference,
        difference: Sample::of(&paired(&accuracy, &by_replicate(reference, &self::accuracy))),
        later: Sample::of(&paired(&stop, &by_replicate(reference, &early_stop))),
        accuracy: sample(&accuracy),
        training: sample(&by_replicate(&group.rows, &training)),
        early_stop: sample(&stop),
        tally: tally(&group.rows),
    }
}

fn accuracy(row: &Row) -> Option<f64> {
    scores(row).map(|scores| scores.test_accuracy)
}

fn training(row: &Row) -> Option<f64> {
    scores(row).map(|scores| scores.final_train_accuracy)
}

fn early_stop(row: &Row) -> Option<f64> {
    // Where it is the training's end, it says nothing; of a ticket that was evaluated as it is there is none.
    scores(row)
        .filter(|_| row.is_trained() && row.early_stop != EarlyStop::Final)
        .map(|scores| scores.early_stop_iteration as f64)
}

fn scores(row: &Row) -> Option<&Scores> {
    row.scores().filter(|_| row.status == Status::Done)
}

fn sample(values: &[(u32, f64)]) -> Option<Sample> {
    Sample::of(&values.iter().map(|(_, value)| *value).collect::<Vec<_>>())
}

fn tally(rows: &[&Row]) -> Tally {
    let mut tally = Tally::default();
    for row in rows {
        tally.broke_bound += usize::from(row.broke_bound);
        match row.status {
            Status::Done => {}
            Status::Missing => tally.missing += 1,
            Status::Failed(_) => tally.failed += 1,
            Status::Stopped => tally.stopped += 1,
            Status::Diverged | Status::FollowsDiverged => tally.diverged += 1,
        }
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::fixture::{row, scored, study};

    #[test]
    fn a_difference_is_paired_by_replicate_with_dense() {
        let rows = vec![
            scored(row("dense", 0, 0, 1024), 0.5, 1000),
            scored(row("dense", 1, 0, 1024), 0.75, 1000),
            scored(row("imp", 1, 1, 512), 0.875, 900),
            row("imp", 0, 1, 512),
        ];
        let study = Study { rows, ..study() };
        let cells = cells(&study);
        assert_eq!(cells.len(), 2);
        assert_eq!(cells[0].difference, None);
        assert_eq!(cells[0].accuracy.unwrap().mean, 0.625);
        let difference = cells[1].difference.unwrap();
        assert_eq!((difference.n, difference.mean, cells[1].later.unwrap().mean), (1, 0.125, -100.0));
        assert_eq!(cells[1].tally, Tally { missing: 1, ..Tally::default() });
    }

    #[test]
    fn a_ticket_that_was_evaluated_as_it_is_has_no_early_stop() {
        let mut pruned = scored(row("imp", 0, 1, 512), 0.5, 900);
        pruned.record.as_mut().unwrap().training = None;
        let study = Study { rows: vec![scored(row("dense", 0, 0, 1024), 0.5, 1000), pruned], ..study() };
        let cells = cells(&study);
        assert_eq!((cells[1].early_stop, cells[1].later), (None, None));
        assert_eq!((cells[1].accuracy.unwrap().mean, cells[1].training.unwrap().mean), (0.5, 1.0));
    }

    #[test]
    fn the_ticket_that_broke_the_bound_is_marked_and_keeps_its_score() {
        let mut last = scored(row("imp", 0, 1, 512), 0.5, 900);
        last.broke_bound = true;
        let study = Study { rows: vec![last], ..study() };
        let cells = cells(&study);
        assert_eq!((cells[0].tally.broke_bound, cells[0].accuracy.unwrap().n), (1, 1));
    }
}
