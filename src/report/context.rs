//! What the templates see: everything a report says, its numbers already written as text.

use serde::Serialize;

use super::cells::Cell;
use super::pipeline_verdict::{Grid, pipeline_verdicts, sentence};
use super::predictions::{Judgement, judge, tally};
use super::verdict::verdict;
use super::{about, analyses, format, problems, provenance, selection, svg, verified};
use crate::figure::{Drawing, Table};
use crate::record::{Header, Status, Study};
use crate::units::percent;

/// One context for the page and for the Markdown.
#[derive(Serialize)]
pub(super) struct Context<'a> {
    header: &'a Header,
    /// Who made it and how it may be used; "" and nothing where the experiment does not say.
    byline: String,
    about: about::Facts,
    verdict: String,
    /// Where test data select.
    warning: Option<String>,
    /// How early stops are chosen.
    early_stop: String,
    /// Percentage points below dense that still match.
    matching: String,
    progress: Progress,
    predictions: Vec<Judgement<'a>>,
    /// How many hold and fail.
    outcomes: String,
    /// Whether the study is a sweep, so that tables name the variant.
    sweep: bool,
    /// A sweep's verdicts by pipeline and variant.
    verdicts: Option<Grid<'a>>,
    cells: Vec<Line<'a>>,
    /// None of a study without analyses.
    analyses: Option<analyses::Tables<'a>>,
    figures: Vec<Figure<'a>>,
    compute: provenance::Compute<'a>,
    provenance: provenance::Facts,
    problems: Vec<problems::Problem<'a>>,
    /// None where nobody ran it again.
    verified: Option<verified::Verified<'a>>,
}

#[derive(Serialize)]
pub(super) struct Progress {
    pub complete: bool,
    pub done: usize,
    /// Tickets that the plan wants, evaluated or analysed; those beyond a stop rule are none.
    pub planned: usize,
    /// What these are: "tickets", "analyses", or both.
    pub of: &'static str,
    stopped: usize,
}

/// A line of the key table.
#[derive(Serialize)]
struct Line<'a> {
    variant: &'a str,
    pipeline: &'a str,
    /// A mask learner has none: only its weights remaining tell its tickets apart.
    level: String,
    weights: String,
    n: usize,
    accuracy: String,
    range: String,
    difference: String,
    interval: String,
    training: String,
    early_stop: String,
    /// "reference", "winning", "matching", "below dense", or "" where there is nothing to judge.
    verdict: &'static str,
    /// Tickets without a score, and those that broke a stop bound: "1 missing, 2 failed".
    notes: String,
}

#[derive(Serialize)]
struct Figure<'a> {
    /// Of several columns: a narrow page scrolls it.
    wide: bool,
    name: &'a str,
    title: &'a str,
    caption: &'a str,
    alternative: &'a str,
    svg: &'a str,
    columns: &'a [String],
    rows: &'a [Vec<String>],
}

/// `cells` are the study's; `figures` are drawings with their SVG.
pub(super) fn context<'a>(study: &'a Study, cells: &'a [Cell<'a>], figures: &'a [(Drawing, String)]) -> Context<'a> {
    let predictions = judge(study);
    let sweep = study.rows.iter().chain(&study.analyses).any(|row| !row.variant.is_empty());
    Context {
        header: &study.header,
        byline: about::byline(&study.header.about),
        about: about::facts(&study.header.about),
        verdict: sentence(study, cells),
        warning: selection::warning(study),
        early_stop: selection::method(study),
        matching: format::signed(study.header.matching),
        progress: progress(study),
        outcomes: tally(&predictions),
        predictions,
        sweep,
        verdicts: Grid::of(&pipeline_verdicts(study, cells)).filter(|_| sweep),
        cells: cells.iter().map(|cell| line(study, cells, cell)).collect(),
        analyses: (!study.analyses.is_empty()).then(|| analyses::tables(study)),
        figures: figures.iter().map(|(drawing, svg)| figure(drawing, svg)).collect(),
        compute: provenance::compute(study),
        provenance: provenance::facts(study),
        problems: problems::problems(study),
        verified: study.verification.as_ref().map(verified::verified),
    }
}

pub(super) fn progress(study: &Study) -> Progress {
    let all = || study.rows.iter().chain(&study.analyses);
    let count = |wanted: fn(&Status) -> bool| all().filter(|row| wanted(&row.status)).count();
    let stopped = count(|status| *status == Status::Stopped);
    let done = count(|status| matches!(status, Status::Done | Status::Diverged | Status::FollowsDiverged));
    let planned = all().count() - stopped;
    let of = match (study.rows.is_empty(), study.analyses.is_empty()) {
        (_, true) => "tickets",
        (true, false) => "analyses",
        (false, false) => "tickets and analyses",
    };
    Progress { complete: done == planned, done, planned, of, stopped }
}

fn line<'a>(study: &Study, cells: &[Cell], cell: &Cell<'a>) -> Line<'a> {
    let learns_mask = study.header.pipelines.iter().any(|p| p.name == cell.pipeline && p.learns == "mask");
    Line {
        variant: cell.variant,
        pipeline: cell.pipeline,
        level: level(cell, learns_mask),
        weights: percent(cell.weights_remaining),
        n: cell.accuracy.map_or(0, |accuracy| accuracy.n),
        accuracy: format::percent(cell.accuracy),
        range: format::range(cell.accuracy),
        difference: format::points(cell.difference),
        interval: format::interval(cell.difference),
        training: format::percent(cell.training),
        early_stop: cell.early_stop.map_or(format::NONE.into(), |stop| format!("{:.0}", stop.mean)),
        verdict: match verdict(study, cells, cell) {
            Some(verdict) => verdict.words(),
            None if cell.is_reference => "reference",
            None => "",
        },
        notes: format::tally(cell.tally),
    }
}

fn level(cell: &Cell, learns_mask: bool) -> String {
    let level = if learns_mask { format::NONE.into() } else { cell.level.to_string() };
    if cell.branch == 0 { level } else { format!("{level}, branch {}", cell.branch + 1) }
}

fn figure<'a>(drawing: &'a Drawing, svg: &'a str) -> Figure<'a> {
    let Drawing { name, title, caption, alternative, table: Table { columns, rows }, .. } = drawing;
    let wide = svg::is_wide(drawing);
    Figure { wide, name, title, caption, alternative, svg, columns, rows }
}
