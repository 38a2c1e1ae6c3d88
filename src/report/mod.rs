//! From a study to a report: HTML, Markdown, figures, CSV. Reads the study and nothing else; equal studies give equal
//! bytes.

mod about;
mod analyses;
mod cells;
mod condition;
mod context;
mod evaluate;
mod format;
mod grid;
mod index;
mod layout;
mod output;
mod palette;
mod pipeline_verdict;
mod predictions;
mod problems;
mod provenance;
mod quantity;
mod results;
mod selection;
mod statistics;
pub mod svg;
mod template;
mod verdict;
mod verified;

pub use condition::Condition;
pub use index::{Entry, index};
pub use output::{Content, FIGURES, File, put, write};
pub use predictions::{Judgement, Outcome, judge, tally};
pub use results::csv as results_csv;

use std::path::Path;

use serde_json::json;

use crate::figure::Drawing;
use crate::record::Study;
use crate::registry::{Kind, Registry, Use};

/// All files of a study's report. `templates` is an experiment's own folder of templates, which come before the
/// shipped ones of the same names.
pub fn render<'a>(study: &'a Study, registry: &Registry, templates: Option<&Path>) -> Result<Vec<File<'a>>, String> {
    let figures = figures(study, registry)?;
    let cells = cells::cells(study);
    let (page, markdown) = template::render(&context::context(study, &cells, &figures), templates)?;
    let file = |path: &str, text: String| File { path: path.into(), content: Content::Text(text) };
    let mut files = vec![
        file("index.html", page),
        file("report.md", markdown),
        file("results.csv", results::csv(study)),
        File { path: "records.jsonl".into(), content: Content::Records(study) },
    ];
    files.extend(analyses::csv(study).map(|text| file(output::ANALYSES, text)));
    for (drawing, svg) in &figures {
        let table = results::table(&drawing.table.columns, drawing.table.rows.iter().cloned());
        files.push(file(&format!("figures/{}.svg", drawing.name), svg.clone()));
        files.push(file(&format!("figures/{}.csv", drawing.name), table));
    }
    Ok(files)
}

/// The order in which a reader wants the shipped figures; others follow by name.
const ORDER: [&str; 7] = ["accuracy", "training", "edge-popup", "sweep", "early-stop", "curves", "layers"];

fn figures(study: &Study, registry: &Registry) -> Result<Vec<(Drawing, String)>, String> {
    let mut abouts = registry.abouts(Kind::Figure);
    abouts.sort_by_key(|about| ORDER.iter().position(|name| *name == about.name).unwrap_or(ORDER.len()));
    let warning = selection::warning(study);
    let mut drawn = Vec::new();
    for about in abouts {
        let used = Use { name: about.name.into(), config: json!({}), version: about.version };
        if let Some(mut drawing) = registry.figures.build(&used)?.draw(study) {
            drawing.caption.extend(warning.iter().map(|warning| format!(" {warning}")));
            let svg = svg::render(&drawing)?;
            drawn.push((drawing, svg));
        }
    }
    Ok(drawn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::fixture;

    fn rendered(study: &Study) -> Vec<File<'_>> {
        render(study, &Registry::builtin(), None).unwrap()
    }

    fn text(files: &[File], path: &str) -> String {
        written(files.iter().find(|file| file.path == path).unwrap())
    }

    fn written(file: &File) -> String {
        let mut bytes = Vec::new();
        file.content.write(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn the_same_study_gives_the_same_bytes() {
        let (one, other) = (fixture::study(), fixture::study());
        let bytes = |study| rendered(study).iter().map(|file| (file.path.clone(), written(file))).collect::<Vec<_>>();
        assert_eq!(bytes(&one), bytes(&other));
    }

    #[test]
    fn the_page_needs_no_network_and_no_script() {
        let page = text(&rendered(&fixture::study()), "index.html");
        for foreign in ["<script", "src=\"http", "href=\"http", "url(http", "@import"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
    }

    #[test]
    fn hostile_names_are_text() {
        let mut study = fixture::study();
        study.header.title = "<script>alert(1)</script> | *x*".into();
        let files = rendered(&study);
        assert!(!text(&files, "index.html").contains("<script>alert"));
        assert!(!text(&files, "report.md").contains("<script>"));
    }

    #[test]
    fn a_ticket_that_has_not_run_is_listed() {
        let mut study = fixture::study();
        study.rows[0].status = crate::record::Status::Missing;
        study.rows[0].record = None;
        let files = rendered(&study);
        assert!(text(&files, "report.md").contains("missing: not run yet"));
        assert!(text(&files, "index.html").contains("Not complete"));
    }

    #[test]
    fn an_experiments_own_template_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("report.md.j2"), "Own: {{ header.experiment }}").unwrap();
        let study = fixture::study();
        let files = render(&study, &Registry::builtin(), Some(folder.path())).unwrap();
        assert_eq!(text(&files, "report.md"), format!("Own: {}", study.header.experiment));
    }
}
