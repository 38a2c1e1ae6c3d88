//! Verdicts, by the rule that the report states.

use super::cells::Cell;
use crate::record::Study;

/// What a cell is, compared with dense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Matching, early stop no later than dense's, and its reinitialisation not matching.
    Winning,
    /// The mean paired difference to dense is at least the study's bound.
    Matching,
    Below,
    /// The dense network has learned nothing that shows on test examples: whatever matches it has not, either.
    DenseAtChance,
}

impl Verdict {
    pub fn words(self) -> &'static str {
        match self {
            Verdict::Winning => "winning",
            Verdict::Matching => "matching",
            Verdict::Below => "below dense",
            Verdict::DenseAtChance => "dense at chance",
        }
    }
}

/// `None` where there is no difference to judge: of dense itself, and before there are results.
pub(super) fn verdict(study: &Study, cells: &[Cell], cell: &Cell) -> Option<Verdict> {
    let winning = || {
        let no_later = cell.later.is_some_and(|later| later.mean <= 0.0);
        no_later && reinitialised(study, cells, cell).and_then(|other| matches(study, other)) == Some(false)
    };
    Some(match matches(study, cell)? {
        _ if dense_at_chance(study, cells, cell.variant) => Verdict::DenseAtChance,
        true if winning() => Verdict::Winning,
        true => Verdict::Matching,
        false => Verdict::Below,
    })
}

fn matches(study: &Study, cell: &Cell) -> Option<bool> {
    // Sums of decimal fractions are a little off: a difference of exactly the bound matches.
    Some(cell.difference?.mean >= study.header.matching - 1e-12)
}

/// Whether a variant's dense network is on average no further above 1 ÷ classes than three binomial standard errors of its
/// test examples: as it is where labels are random.
fn dense_at_chance(study: &Study, cells: &[Cell], variant: &str) -> bool {
    let data = study.header.dataset_of(variant);
    let chance = 1.0 / data.classes.max(1) as f64;
    let error = (chance * (1.0 - chance) / data.test.max(1) as f64).sqrt();
    let dense = cells.iter().find(|cell| cell.variant == variant && cell.is_reference);
    dense.and_then(|cell| cell.accuracy).is_some_and(|accuracy| accuracy.mean <= chance + 3.0 * error)
}

/// Whether there is a reinitialisation to tell a winning ticket from a matching one.
pub(super) fn judges_winning(study: &Study, cells: &[Cell], cell: &Cell) -> bool {
    reinitialised(study, cells, cell).is_some_and(|other| other.difference.is_some())
}

/// The control that trains this very ticket's masks from other initial weights: one level may have tickets of several sizes.
fn reinitialised<'a>(study: &Study, cells: &'a [Cell<'a>], cell: &Cell) -> Option<&'a Cell<'a>> {
    let is_control =
        |other: &&Cell| {
            study.header.pipelines.iter().any(|p| {
                p.name == other.pipeline && p.uses == "reinitialise" && p.each.as_deref() == Some(cell.pipeline)
            })
        };
    let place = |cell: &Cell| (cell.level, cell.weights_remaining, cell.branch);
    let is_ticket = |other: &&Cell| other.variant == cell.variant && place(other) == place(cell);
    cells.iter().filter(is_ticket).find(is_control)
}

#[cfg(test)]
mod tests {
    use super::super::cells::cells;
    use super::*;
    use crate::figure::fixture::{row, scored, study};
    use crate::record::Row;

    /// Two replicates of dense (0.75 at 1000), of IMP at level 1, and of its reinitialisation.
    fn judged(imp: [f64; 2], stop: u64, reinitialised: f64) -> Option<Verdict> {
        let of = |replicate: u32| -> [Row; 3] {
            [
                scored(row("dense", replicate, 0, 1024), 0.75, 1000),
                scored(row("imp", replicate, 1, 512), imp[replicate as usize], stop),
                scored(row("reinitialise", replicate, 1, 512), reinitialised, 1000),
            ]
        };
        let study = Study { rows: (0..2).flat_map(of).collect(), ..study() };
        let cells = cells(&study);
        let imp = cells.iter().find(|cell| cell.pipeline == "imp")?;
        verdict(&study, &cells, imp)
    }

    #[test]
    fn a_mean_difference_of_exactly_the_bound_matches_and_less_does_not() {
        // −0.003 and −0.001 are −0.002 on average; −0.003 and −0.0012 are −0.0021.
        assert_eq!(judged([0.747, 0.749], 1001, 0.5), Some(Verdict::Matching));
        assert_eq!(judged([0.747, 0.7488], 900, 0.5), Some(Verdict::Below));
    }

    #[test]
    fn winning_needs_an_early_stop_no_later_and_a_reinitialisation_that_does_not_match() {
        assert_eq!(judged([0.75, 0.75], 1000, 0.7), Some(Verdict::Winning));
        assert_eq!(judged([0.75, 0.75], 1001, 0.7), Some(Verdict::Matching));
        assert_eq!(judged([0.75, 0.75], 1000, 0.749), Some(Verdict::Matching));
    }

    #[test]
    fn without_a_result_of_its_reinitialisation_no_ticket_is_winning() {
        assert_eq!(judged([0.75, 0.75], 900, f64::NAN), Some(Verdict::Matching));
    }

    #[test]
    fn each_of_two_tickets_of_one_level_is_compared_with_its_own_reinitialisation() {
        // The larger one's reinitialisation matches, the smaller one's does not.
        let of = |replicate: u32| {
            let dense = scored(row("dense", replicate, 0, 1024), 0.75, 1000);
            let ticket = |kept, control| {
                let pruned = scored(row("imp", replicate, 1, kept), 0.75, 900);
                [pruned, scored(row("reinitialise", replicate, 1, kept), control, 1000)]
            };
            [dense].into_iter().chain(ticket(512, 0.75)).chain(ticket(256, 0.5))
        };
        let study = Study { rows: (0..2).flat_map(of).collect(), ..study() };
        let cells = cells(&study);
        let imp = cells.iter().filter(|cell| cell.pipeline == "imp");
        let verdicts: Vec<_> = imp.map(|cell| verdict(&study, &cells, cell)).collect();
        assert_eq!(verdicts, [Some(Verdict::Matching), Some(Verdict::Winning)]);
    }

    #[test]
    fn where_dense_is_at_chance_nothing_is_judged() {
        // Of ten classes and a thousand test examples: 0.1 + 3 × √(0.1 × 0.9 ÷ 1000) = 0.12846.
        let judged = |dense: f64| {
            let rows = vec![scored(row("dense", 0, 0, 1024), dense, 1000), scored(row("imp", 0, 1, 512), 0.13, 900)];
            let study = Study { rows, ..study() };
            let cells = cells(&study);
            verdict(&study, &cells, &cells[1])
        };
        assert_eq!(judged(0.1284), Some(Verdict::DenseAtChance));
        assert_eq!(judged(0.1285), Some(Verdict::Matching));
    }
}
