//! A page of docs/reference: all of one sort, in Markdown.

use std::fmt::Write;

use super::{Declared, Entry, Sort};
use crate::registry::Kind;

/// The page of these entries, which are all of one sort.
pub fn page(sort: Sort, entries: &[Entry]) -> String {
    let (title, about) = heading(sort);
    let mut text = format!("<!-- Written by `tombola list --pages docs/reference`. -->\n\n# {title}\n\n{about}\n");
    entries.iter().for_each(|entry| section(&mut text, entry));
    text
}

fn heading(sort: Sort) -> (&'static str, &'static str) {
    match sort {
        Sort::Declared(Declared::Pipeline) => (
            "Pipelines",
            "A pipeline is one method of the comparison: `[pipeline.NAME]` with `use`, or stages written out. \
             An experiment's own is a file `pipelines/NAME.toml`.",
        ),
        Sort::Declared(Declared::Model) => (
            "Models",
            "`[model]` names one with `use`, or writes its layers out. An experiment's own is a file \
             `models/NAME.toml`.",
        ),
        Sort::Declared(Declared::Dataset) => (
            "Data sets",
            "`[dataset]` names one with `use`; every key of its file may be overridden there. An experiment's own is a \
             file `datasets/NAME.toml`.",
        ),
        Sort::Plugin(Kind::Criterion) => ("Criteria", "A criterion ranks the weights of a prune: the highest stay."),
        Sort::Plugin(Kind::Stage) => {
            ("Stages", "A stage maps a ticket to a ticket. `repeat`, `foreach` and `branch` are made of stages.")
        }
        Sort::Plugin(Kind::Learn) => ("What a training learns", "`learn` of a train stage: the weights, or the mask."),
        Sort::Plugin(Kind::Layer) => (
            "Layers",
            "A model is a list of `[[layer]]`, each with one key, its kind, and perhaps a `name`. `residual` and \
             `repeat` are made of layers.",
        ),
        Sort::Plugin(Kind::Format) => ("Formats", "How the files of a data set are read."),
        Sort::Plugin(Kind::Init) => ("Initialisers", "How weight tensors start; biases start at 0."),
        Sort::Plugin(Kind::Optimizer) => ("Optimizers", "How values move. A masked weight stays exactly 0 under each."),
        Sort::Plugin(Kind::Augment) => {
            ("Augmentations", "How training images are changed each time that they are seen.")
        }
        Sort::Plugin(Kind::Schedule) => ("Schedules", "How the learning rate changes over a training."),
        Sort::Plugin(Kind::Figure) => {
            ("Figures", "A report has each of these that its study has something to show for; no spec names one.")
        }
    }
}

/// Writing to a String cannot fail.
fn section(text: &mut String, entry: &Entry) {
    let _ = write!(text, "\n## {}\n\n{}.", entry.name, entry.summary.trim_end_matches('.'));
    if !entry.source.is_empty() {
        let _ = write!(text, " ({})", entry.source.trim_end_matches('.'));
    }
    text.push('\n');
    if !entry.details.is_empty() {
        let _ = write!(text, "\n{}\n", entry.details);
    }
    if !entry.parameters.is_empty() {
        text.push_str("\n| parameter | takes | otherwise | |\n| --- | --- | --- | --- |\n");
        for parameter in &entry.parameters {
            let otherwise = match &parameter.default {
                Some(default) => format!("`{default}`"),
                None => parameter.otherwise(),
            };
            let cells = [&format!("`{}`", parameter.name), &parameter.takes, &otherwise, &parameter.help];
            let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
    }
    if !entry.measures.is_empty() {
        let _ = write!(text, "\nA prediction may name what it measures: {}.\n", entry.measures.join(", "));
    }
    if let Some(example) = &entry.example {
        let _ = write!(text, "\nIn `{}`:\n\n```toml\n{}```\n", example.file, example.text);
    }
}
