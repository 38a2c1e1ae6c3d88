//! Verdicts, by the rule that the report states.

use super::cells::Cell;
use super::format;
use crate::record::Study;
use crate::units::percent;

/// What a cell is, compared with dense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Matching, early stop no later than dense's, and its reinitialisation not matching.
    Winning,
    /// The mean paired difference to dense is at least the study's bound.
    Matching,
    Below,
}

impl Verdict {
    pub fn words(self) -> &'static str {
        match self {
            Verdict::Winning => "winning",
            Verdict::Matching => "matching",
            Verdict::Below => "below dense",
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
        true if winning() => Verdict::Winning,
        true => Verdict::Matching,
        false => Verdict::Below,
    })
}

fn matches(study: &Study, cell: &Cell) -> Option<bool> {
    // Sums of decimal fractions are a little off: a difference of exactly the bound matches.
    Some(cell.difference?.mean >= study.header.matching - 1e-12)
}

/// The same level of the control that trains this pipeline's masks from other initial weights.
fn reinitialised<'a>(study: &Study, cells: &'a [Cell<'a>], cell: &Cell) -> Option<&'a Cell<'a>> {
    let is_control =
        |other: &&Cell| {
            study.header.pipelines.iter().any(|p| {
                p.name == other.pipeline && p.uses == "reinitialise" && p.each.as_deref() == Some(cell.pipeline)
            })
        };
    cells.iter().filter(|other| other.variant == cell.variant && other.level == cell.level).find(is_control)
}

/// The study's outcome in a line.
pub(super) fn sentence(study: &Study, cells: &[Cell]) -> String {
    let found = outcomes(study, cells);
    let scored = cells.iter().any(|cell| cell.accuracy.is_some());
    if scored && cells.iter().all(|cell| cell.is_reference) {
        return "None: dense networks alone, nothing is compared with them.".into();
    }
    match (found.is_empty(), scored && !cells.iter().any(|cell| cell.is_reference)) {
        (false, _) => found.join("; ") + ".",
        (true, true) => "No verdict: no dense network is among the pipelines.".into(),
        (true, false) if study.rows.is_empty() => "None: analyses alone, nothing is compared with dense.".into(),
        (true, false) => "No result to compare with dense yet.".into(),
    }
}

/// The smallest winning or matching ticket of each pipeline that is no control.
pub(super) fn outcomes(study: &Study, cells: &[Cell]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut subjects: Vec<(&str, &str)> = Vec::new();
    for cell in cells.iter().filter(|cell| cell.difference.is_some()) {
        let control = study.header.pipelines.iter().any(|p| p.name == cell.pipeline && p.each.is_some());
        if !control && !subjects.contains(&(cell.variant, cell.pipeline)) {
            subjects.push((cell.variant, cell.pipeline));
        }
    }
    for (variant, pipeline) in subjects {
        let own: Vec<&Cell> = cells.iter().filter(|c| c.variant == variant && c.pipeline == pipeline).collect();
        let place = if variant.is_empty() { pipeline.into() } else { format!("{pipeline} ({variant})") };
        found.extend(outcome(study, cells, &own).map(|outcome| format!("{place}: {outcome}")));
    }
    found
}

fn outcome(study: &Study, cells: &[Cell], own: &[&Cell]) -> Option<String> {
    let smallest = |wanted: Verdict| own.iter().rev().find(|cell| verdict(study, cells, cell) == Some(wanted));
    let at = |cell: &&&Cell| {
        let difference = format::points(cell.difference);
        format!("{} weights remaining ({difference} points to dense)", percent(cell.weights_remaining))
    };
    let matching = smallest(Verdict::Matching);
    if let Some(cell) = smallest(Verdict::Winning) {
        let below = matching.filter(|matching| matching.weights_remaining < cell.weights_remaining);
        let below = below.map(|cell| format!(", matching down to {}", at(&cell)));
        return Some(format!("winning down to {}{}", at(&cell), below.unwrap_or_default()));
    }
    if let Some(cell) = matching {
        return Some(format!("matching, not winning, down to {}", at(&cell)));
    }
    let best = own.iter().filter(|cell| cell.difference.is_some());
    let mean = |cell: &Cell| cell.difference.map_or(f64::MIN, |difference| difference.mean);
    let best = best.max_by(|a, b| mean(a).total_cmp(&mean(b)))?;
    Some(format!("below dense, at best {}", at(&best)))
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
    fn the_sentence_names_the_smallest_winning_ticket_and_the_best_subnetwork() {
        let study = study();
        assert_eq!(
            sentence(&study, &cells(&study)),
            "imp: winning down to 32.7% weights remaining (−0.10 points to dense); \
             edge-popup: below dense, at best 25% weights remaining (−3.50 points to dense)."
        );
    }
}
