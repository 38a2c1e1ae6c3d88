//! What each pipeline came to: the verdicts of its tickets in a few words.

use indexmap::IndexSet;
use serde::Serialize;

use super::cells::Cell;
use super::format;
use super::verdict::{Verdict, judges_winning, verdict};
use crate::record::Study;
use crate::units::percent;

/// Of one pipeline that is no control, in one variant.
pub(super) struct PipelineVerdict<'a> {
    variant: &'a str,
    pipeline: &'a str,
    found: Found<'a>,
}

enum Found<'a> {
    DenseAtChance,
    /// All weights stay: there is nothing to go down to.
    Whole(&'a Cell<'a>, Verdict),
    Matching(Matching<'a>),
    /// No ticket matches; the best one.
    Below(&'a Cell<'a>),
}

struct Matching<'a> {
    /// The smallest winning ticket of the run.
    winning: Option<&'a Cell<'a>>,
    /// The last of those that match without a break, from the most weights on; `None` where the first one does not match, or
    /// where tickets are no ladder.
    down_to: Option<&'a Cell<'a>>,
    /// Those that match, too.
    others: Vec<&'a Cell<'a>>,
    /// Whether there was a reinitialisation to compare with.
    judges_winning: bool,
}

/// Of every pipeline that has something to compare with dense.
pub(super) fn pipeline_verdicts<'a>(study: &Study, cells: &'a [Cell<'a>]) -> Vec<PipelineVerdict<'a>> {
    let facts = |cell: &Cell| study.header.pipelines.iter().find(|p| p.name == cell.pipeline);
    let is_subject = |cell: &&Cell| cell.difference.is_some() && facts(cell).is_none_or(|p| p.each.is_none());
    let subjects: IndexSet<(&str, &str)> =
        cells.iter().filter(is_subject).map(|cell| (cell.variant, cell.pipeline)).collect();
    let of = |(variant, pipeline)| {
        let is_own = |cell: &&Cell| (cell.variant, cell.pipeline) == (variant, pipeline);
        let own: Vec<_> = cells.iter().filter(is_own).filter_map(|c| Some((c, verdict(study, cells, c)?))).collect();
        let ladder = study.header.pipelines.iter().any(|p| p.name == pipeline && p.learns != "mask");
        let judged = own.iter().any(|(cell, _)| judges_winning(study, cells, cell));
        Some(PipelineVerdict { variant, pipeline, found: found(&own, ladder, judged)? })
    };
    subjects.into_iter().filter_map(of).collect()
}

/// `own` from the most weights to the fewest.
fn found<'a>(own: &[(&'a Cell<'a>, Verdict)], ladder: bool, judges_winning: bool) -> Option<Found<'a>> {
    if let [(cell, verdict)] = own
        && cell.weights_remaining == 1.0
        && *verdict != Verdict::DenseAtChance
    {
        return Some(Found::Whole(cell, *verdict));
    }
    let matching = |(_, verdict): &&(&Cell, Verdict)| matches!(verdict, Verdict::Winning | Verdict::Matching);
    let run = if ladder { own.iter().take_while(matching).count() } else { 0 };
    let winning = own[..run].iter().rev().find(|(_, verdict)| *verdict == Verdict::Winning);
    let others: Vec<&Cell> = own[run..].iter().filter(matching).map(|(cell, _)| *cell).collect();
    if run > 0 || !others.is_empty() {
        return Some(Found::Matching(Matching {
            winning: winning.map(|(cell, _)| *cell),
            down_to: own[..run].last().map(|(cell, _)| *cell),
            others,
            judges_winning,
        }));
    }
    if own.iter().any(|(_, verdict)| *verdict == Verdict::DenseAtChance) {
        return Some(Found::DenseAtChance);
    }
    let mean = |cell: &Cell| cell.difference.map_or(f64::MIN, |difference| difference.mean);
    let best = own.iter().max_by(|(a, _), (b, _)| mean(a).total_cmp(&mean(b)))?;
    Some(Found::Below(best.0))
}

impl PipelineVerdict<'_> {
    /// "winning down to 13.1% weights remaining (−0.07 points to dense)".
    fn sentence(&self) -> String {
        let off = |cell: &Cell| format!("({} points to dense)", format::points(cell.difference));
        let at = |cell: &Cell| format!("{} weights remaining {}", percent(cell.weights_remaining), off(cell));
        match &self.found {
            Found::DenseAtChance => "not judged, dense is at chance".into(),
            Found::Whole(cell, verdict) => format!("{} {}", verdict.words(), off(cell)),
            Found::Matching(matching) => matching.words(" down to ", &at),
            Found::Below(best) => format!("below dense, at best {}", at(best)),
        }
    }

    /// The same as a table's cell has room for: "winning to 13.1%".
    fn brief(&self) -> String {
        let off = |cell: &Cell| format!("({})", format::points(cell.difference));
        match &self.found {
            Found::DenseAtChance => Verdict::DenseAtChance.words().into(),
            Found::Whole(cell, verdict) => format!("{} {}", verdict.words(), off(cell)),
            Found::Matching(matching) => matching.words(" to ", &|cell| percent(cell.weights_remaining)),
            Found::Below(best) => format!("{} {}", Verdict::Below.words(), off(best)),
        }
    }
}

impl Matching<'_> {
    fn words(&self, down_to: &str, at: &dyn Fn(&Cell) -> String) -> String {
        let word = if self.judges_winning { "matching, not winning," } else { "matching" };
        let mut parts = Vec::new();
        if let Some(winning) = self.winning {
            parts.push(format!("winning{down_to}{}", at(winning)));
        }
        if let Some(last) = self
            .down_to
            .filter(|last| self.winning.is_none_or(|winning| last.weights_remaining < winning.weights_remaining))
        {
            let word = if self.winning.is_some() { "matching" } else { word };
            parts.push(format!("{word}{down_to}{}", at(last)));
        }
        let others: Vec<String> = self.others.iter().map(|cell| percent(cell.weights_remaining)).collect();
        let at = match &others[..] {
            [] => return parts.join(", "),
            [only] => only.clone(),
            [first @ .., last] => format!("{} and {last}", first.join(", ")),
        };
        parts.push(if parts.is_empty() { format!("{word} at {at}") } else { format!("and again at {at}") });
        parts.join(", ")
    }
}

/// The study's verdict in a line.
pub(super) fn sentence(study: &Study, cells: &[Cell]) -> String {
    let said = |one: &PipelineVerdict| {
        let place = if one.variant.is_empty() { String::new() } else { format!(" ({})", one.variant) };
        format!("{}{place}: {}", one.pipeline, one.sentence())
    };
    let found: Vec<String> = pipeline_verdicts(study, cells).iter().map(said).collect();
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

/// The verdicts of a sweep as a table of pipelines and variants, whichever are fewer across.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Grid<'a> {
    columns: Vec<&'a str>,
    rows: Vec<(&'a str, Vec<String>)>,
}

impl<'a> Grid<'a> {
    /// `None` where there is nothing to compare with dense.
    pub fn of(verdicts: &[PipelineVerdict<'a>]) -> Option<Grid<'a>> {
        let variants: IndexSet<&str> = verdicts.iter().map(|one| one.variant).collect();
        let pipelines: IndexSet<&str> = verdicts.iter().map(|one| one.pipeline).collect();
        let brief = |variant: &str, pipeline: &str| {
            let found = verdicts.iter().find(|one| (one.variant, one.pipeline) == (variant, pipeline));
            found.map_or(format::NONE.into(), PipelineVerdict::brief)
        };
        let across = variants.len() <= pipelines.len();
        let (columns, rows) = if across { (&variants, &pipelines) } else { (&pipelines, &variants) };
        let row = |row: &&'a str| {
            let cell = |column: &&str| if across { brief(column, row) } else { brief(row, column) };
            (*row, columns.iter().map(cell).collect())
        };
        (!verdicts.is_empty())
            .then(|| Grid { columns: columns.iter().copied().collect(), rows: rows.iter().map(row).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::super::cells::cells;
    use super::*;
    use crate::figure::fixture::{everything, row, scored, study};

    /// Of dense (0.75) and tickets of these accuracies, each of half the weights of the one before it.
    fn said(pipeline: &str, accuracies: &[f64]) -> String {
        let mut rows = vec![scored(row("dense", 0, 0, 1024), 0.75, 1000)];
        rows.extend(accuracies.iter().enumerate().map(|(number, accuracy)| {
            let level = number as u32 + 1;
            scored(row(pipeline, 0, level, 1024 >> level), *accuracy, 2000)
        }));
        let study = Study { rows, ..study() };
        sentence(&study, &cells(&study))
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

    #[test]
    fn down_to_ends_where_a_ticket_is_below_dense_and_later_ones_are_told_apart() {
        assert_eq!(
            said("imp", &[0.75, 0.75, 0.5, 0.75]),
            "imp: matching down to 25% weights remaining (0.00 points to dense), and again at 6.2%."
        );
        assert_eq!(said("imp", &[0.5, 0.75]), "imp: matching at 25%.");
    }

    #[test]
    fn subnetworks_that_are_no_ladder_go_down_to_nothing() {
        assert_eq!(said("edge-popup", &[0.75, 0.75, 0.5]), "edge-popup: matching at 50% and 25%.");
    }

    #[test]
    fn a_network_that_keeps_all_weights_has_no_size_to_go_down_to() {
        let mut study = study();
        study.header.pipelines[1].name = "decay".into();
        study.rows = vec![scored(row("dense", 0, 0, 1024), 0.75, 100), scored(row("decay", 0, 0, 1024), 0.7, 100)];
        assert_eq!(sentence(&study, &cells(&study)), "decay: below dense (−5.00 points to dense).");
    }

    #[test]
    fn of_a_dense_network_at_chance_nothing_is_said_to_match() {
        let rows = vec![scored(row("dense", 0, 0, 1024), 0.1, 100), scored(row("imp", 0, 1, 512), 0.11, 100)];
        let study = Study { rows, ..study() };
        assert_eq!(sentence(&study, &cells(&study)), "imp: not judged, dense is at chance.");
    }

    #[test]
    fn a_sweeps_outcomes_stand_in_a_table() {
        let study = everything();
        let cells = cells(&study);
        let grid = Grid::of(&pipeline_verdicts(&study, &cells)).unwrap();
        assert_eq!(grid.columns, ["width=0.5", "width=1.0"]);
        let edge_popup = ("edge-popup", vec!["below dense (−3.50)".to_string(); 2]);
        assert_eq!(grid.rows.last(), Some(&edge_popup));
        assert_eq!(Grid::of(&[]), None);
    }
}
