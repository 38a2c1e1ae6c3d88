//! The one context from which both templates render.

use std::collections::BTreeSet;

use serde::Serialize;

use super::cells::{Cell, Verdict, cells};
use crate::figure::Drawing;
use crate::record::{Header, Host, Provenance, Row, Status, Study};
use crate::units::percent;

#[derive(Serialize)]
pub struct Context<'a> {
    pub header: &'a Header,
    pub verdict: String,
    /// "complete", or how much is there.
    pub status: String,
    pub key: Vec<KeyRow>,
    pub figures: Vec<FigureView<'a>>,
    pub compute: Vec<Compute>,
    pub total_time: String,
    pub provenance: Vec<(String, String)>,
    /// Tickets without scores, and why.
    pub gaps: Vec<Gap>,
    /// The variants' column is shown where there is a sweep.
    pub swept: bool,
}

#[derive(Serialize)]
pub struct KeyRow {
    pub variant: String,
    pub pipeline: String,
    pub level: u32,
    pub remaining: String,
    /// "3", or "2 of 3" where tickets are missing.
    pub n: String,
    pub accuracy: String,
    pub range: String,
    pub difference: String,
    pub early_stop: String,
    pub verdict: &'static str,
}

#[derive(Serialize)]
pub struct FigureView<'a> {
    pub drawing_name: &'a str,
    pub title: &'a str,
    pub caption: &'a str,
    pub alternative: &'a str,
    pub svg: String,
    pub columns: &'a [String],
    pub rows: &'a [Vec<String>],
}

#[derive(Serialize)]
pub struct Compute {
    pub pipeline: String,
    pub tickets: usize,
    pub time: String,
}

#[derive(Serialize)]
pub struct Gap {
    pub ticket: String,
    pub why: String,
}

/// Everything that the templates say of a study and its drawn figures.
pub fn context<'a>(study: &'a Study, figures: &'a [(Drawing, String)]) -> Context<'a> {
    let cells = cells(study);
    Context {
        header: &study.header,
        verdict: verdict(&cells),
        status: status(study),
        key: cells.iter().map(key_row).collect(),
        figures: figures.iter().map(|(drawing, svg)| figure(drawing, svg)).collect(),
        compute: study.header.pipelines.iter().map(|p| compute(study, &p.name)).collect(),
        total_time: duration(seconds(study.rows.iter())),
        provenance: provenance(study),
        gaps: study.rows.iter().filter_map(gap).collect(),
        swept: study.rows.iter().any(|row| !row.variant.is_empty()),
    }
}

/// A fraction in %, two decimals.
fn points(fraction: f64) -> String {
    format!("{:.2}", fraction * 100.0)
}

fn key_row(cell: &Cell<'_>) -> KeyRow {
    let none = || "–".to_string();
    let accuracy = cell.accuracy.as_ref();
    let expected = cell.planned - cell.stopped;
    let n = accuracy.map_or(0, |a| a.n);
    KeyRow {
        variant: cell.variant.to_string(),
        pipeline: cell.pipeline.name.clone(),
        level: cell.level,
        remaining: percent(cell.weights_remaining),
        n: match cell.scored == expected {
            true if expected == 0 => "stopped".into(),
            true => n.to_string(),
            false => format!("{n} ({} of {expected} tickets)", cell.scored),
        },
        accuracy: accuracy.map_or_else(none, |a| match a.std {
            Some(std) => format!("{} ± {}", points(a.mean), points(std)),
            None => points(a.mean),
        }),
        range: accuracy.map_or_else(none, |a| format!("{}–{}", points(a.min), points(a.max))),
        difference: match (&cell.difference, cell.verdict) {
            (_, Verdict::Dense) | (None, _) => none(),
            (Some(d), _) => match d.half_width {
                Some(half) => format!("{:+.2} ± {}", d.mean * 100.0, points(half)),
                None => format!("{:+.2}", d.mean * 100.0),
            },
        },
        early_stop: cell.early_stop.as_ref().map_or_else(none, |stop| format!("{:.0}", stop.mean)),
        verdict: cell.verdict.word(),
    }
}

/// The line at the top: the smallest matching ticket of each pipeline that prunes, the best learned mask.
fn verdict(cells: &[Cell<'_>]) -> String {
    let mut sentences = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    for cell in cells.iter().filter(|cell| cell.pipeline.each.is_none()) {
        if !names.contains(&cell.pipeline.name.as_str()) {
            names.push(&cell.pipeline.name);
        }
    }
    for name in names {
        let own: Vec<&Cell<'_>> = cells.iter().filter(|c| c.pipeline.name == name && c.accuracy.is_some()).collect();
        sentences.extend(match own.first() {
            Some(first) if first.pipeline.learns == "mask" => best_mask(name, &own),
            Some(_) if own.iter().any(|cell| cell.level > 0) => smallest_matching(name, &own),
            _ => None,
        });
    }
    match sentences.is_empty() {
        true => "Nothing to compare has run yet.".into(),
        false => sentences.join(" "),
    }
}

fn smallest_matching(name: &str, own: &[&Cell<'_>]) -> Option<String> {
    let good = |cell: &&&Cell<'_>| matches!(cell.verdict, Verdict::Matching | Verdict::Winning) && cell.level > 0;
    let Some(smallest) = own.iter().rev().find(good) else {
        return Some(format!("No ticket of {name} matches the dense network."));
    };
    let difference = smallest.difference.as_ref()?;
    Some(format!(
        "{name}: the smallest {} ticket keeps {} of the weights ({:+.2} points against dense, n = {}).",
        smallest.verdict.word(),
        percent(smallest.weights_remaining),
        difference.mean * 100.0,
        difference.n
    ))
}

fn best_mask(name: &str, own: &[&Cell<'_>]) -> Option<String> {
    let mean = |cell: &Cell<'_>| cell.accuracy.as_ref().map_or(f64::MIN, |a| a.mean);
    let best = own.iter().max_by(|a, b| mean(a).total_cmp(&mean(b)))?;
    let against = best.difference.as_ref().map(|d| format!(", {:+.2} points against dense", d.mean * 100.0));
    Some(format!(
        "{name}: no weight trained, the best mask keeps {} of them and reaches {}%{} (n = {}).",
        percent(best.weights_remaining),
        points(mean(best)),
        against.unwrap_or_default(),
        best.accuracy.as_ref().map_or(0, |a| a.n)
    ))
}

fn status(study: &Study) -> String {
    let expected = study.rows.iter().filter(|row| row.status != Status::Stopped).count();
    let done = study.rows.iter().filter(|row| matches!(row.status, Status::Done | Status::Diverged)).count();
    match done == expected {
        true => format!("complete: {done} tickets"),
        false => format!("incomplete: {done} of {expected} tickets"),
    }
}

fn figure<'a>(drawing: &'a Drawing, svg: &str) -> FigureView<'a> {
    FigureView {
        drawing_name: &drawing.name,
        title: &drawing.title,
        caption: &drawing.caption,
        alternative: &drawing.alternative,
        svg: svg.to_string(),
        columns: &drawing.table.columns,
        rows: &drawing.table.rows,
    }
}

/// Time spent on tickets; a step that several rows share counts once.
fn seconds<'a>(rows: impl Iterator<Item = &'a Row>) -> f64 {
    let mut seen = BTreeSet::new();
    rows.filter_map(|row| row.record.as_ref()).filter(|r| seen.insert(&r.step)).map(|r| r.seconds).sum()
}

fn compute(study: &Study, pipeline: &str) -> Compute {
    let rows: Vec<&Row> = study.rows.iter().filter(|row| row.pipeline == pipeline).collect();
    Compute {
        pipeline: pipeline.to_string(),
        tickets: rows.iter().filter(|row| row.record.is_some()).count(),
        time: duration(seconds(rows.into_iter())),
    }
}

fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 120.0 => format!("{s:.1} s"),
        s if s < 7200.0 => format!("{:.1} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

fn gap(row: &Row) -> Option<Gap> {
    let why = match &row.status {
        Status::Done | Status::Stopped => return None,
        Status::Diverged => {
            let at = row.record.as_ref().and_then(|r| r.training.as_ref()).and_then(|t| t.diverged);
            at.map_or("diverged".into(), |iteration| format!("diverged at iteration {iteration}"))
        }
        Status::FollowsDiverged => "follows a ticket that diverged".into(),
        Status::Missing => "not run yet".into(),
        Status::Failed(message) => format!("failed: {message}"),
    };
    let ticket = format!(
        "{}, replicate {}, level {}, {}",
        row.pipeline,
        row.replicate,
        row.level,
        percent(row.weights_remaining())
    );
    Some(Gap { ticket, why })
}

/// What the records say of where they come from: each fact with its distinct values.
fn provenance(study: &Study) -> Vec<(String, String)> {
    let all: Vec<&Provenance> = study.rows.iter().filter_map(|row| Some(&row.record.as_ref()?.provenance)).collect();
    let distinct = |of: &dyn Fn(&Provenance) -> String| {
        let values: BTreeSet<String> = all.iter().map(|p| of(p)).collect();
        values.into_iter().collect::<Vec<_>>().join("; ")
    };
    let host = |h: &Host| format!("{}, {} cores, {} GiB, {}", h.cpu, h.cores, h.memory_gib, h.system);
    let dirty = |p: &Provenance| match (&p.commit, p.dirty) {
        (Some(commit), Some(true)) => format!("{commit}, with uncommitted changes"),
        (Some(commit), _) => commit.clone(),
        (None, _) => "no repository".into(),
    };
    let started = || all.iter().map(|p| p.started.as_str());
    [
        ("Tombola", distinct(&|p| p.tombola.clone())),
        ("burn", distinct(&|p| p.burn.clone())),
        ("Compiler", distinct(&|p| p.rust.clone())),
        ("Device kind", distinct(&|p| p.device.clone())),
        ("Threads a job", distinct(&|p| p.threads.to_string())),
        ("Host", distinct(&|p| host(&p.host))),
        ("Commit", distinct(&dirty)),
        ("First ticket begun", started().min().unwrap_or("–").to_string()),
        ("Last ticket begun", started().max().unwrap_or("–").to_string()),
    ]
    .map(|(name, value)| (name.to_string(), value))
    .to_vec()
}
