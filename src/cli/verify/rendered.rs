//! Whether a report's files are what its records give.

use std::fs;
use std::path::Path;

use super::Ground;
use crate::cli::report::templates;
use crate::cli::{records, say};
use crate::record::Study;
use crate::report::{self, Content, File};

/// Tables that are made from records, and are nothing without them.
pub fn without_records(report: &Path) -> Vec<String> {
    let tables =
        ["results.csv", "analyses.csv"].into_iter().map(|name| report.join(name)).filter(|path| path.is_file());
    let told =
        |path: &Path| format!("{}: without {} nothing says what it was made from", path.display(), records::RECORDS);
    tables.map(|path| told(&path)).collect()
}

/// Tables that are not what the records give. Pages and drawings are told only: another version may have drawn them.
pub fn problems(study: &Study, ground: &Ground<'_>) -> Vec<String> {
    match report::render(study, ground.registry, None) {
        Ok(files) => unlike(&files, study, ground),
        Err(error) => vec![format!("{}: no report can be made of them: {error}", records::RECORDS)],
    }
}

fn unlike(files: &[File<'_>], study: &Study, ground: &Ground<'_>) -> Vec<String> {
    let (mut problems, mut pages) = (Vec::new(), Vec::new());
    for File { path, content } in files {
        let (Content::Text(made), place) = (content, ground.report.join(path)) else { continue };
        let Ok(written) = fs::read_to_string(&place) else { continue };
        match path.ends_with(".csv") {
            _ if written == *made => {}
            true => problems.push(line(&place, &written, made)),
            false => pages.push((path.as_str(), written)),
        }
    }
    let other = if pages.is_empty() { Vec::new() } else { otherwise(study, ground) };
    pages.retain(|(path, written)| !other.iter().any(|(name, made)| name == path && made == written));
    if let [(first, _), rest @ ..] = &pages[..] {
        let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
        say(&format!(
            "{}{more}: not what its records give with this version of tombola; `tombola report --from-records {}` renders \
             it again.",
            ground.report.join(first).display(),
            ground.report.display()
        ));
    }
    problems
}

/// What pages may be besides: of a time before the verdict that is there now, or by the experiment's own templates.
fn otherwise(study: &Study, ground: &Ground<'_>) -> Vec<(String, String)> {
    let own = templates(&ground.opened.spec.folder).ok().flatten();
    let before = &Study { verification: None, ..study.clone() };
    let mut pages = Vec::new();
    for (study, templates) in [(before, None), (study, own.as_deref()), (before, own.as_deref())] {
        for File { path, content } in report::render(study, ground.registry, templates).unwrap_or_default() {
            if let Content::Text(text) = content {
                pages.push((path, text));
            }
        }
    }
    pages
}

/// The first line that is another one.
fn line(place: &Path, written: &str, made: &str) -> String {
    let line = written.lines().zip(made.lines()).position(|(written, made)| written != made);
    let line = line.unwrap_or_else(|| written.lines().count().min(made.lines().count()));
    format!("{}: line {}: not what {} say", place.display(), line + 1, records::RECORDS)
}
