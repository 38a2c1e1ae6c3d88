//! `show`: one thing that a spec may name, with its parameters, its source and an example.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Ended, print};
use crate::registry::Registry;
use crate::spec::catalogue::{self, Entry, Sort};

#[derive(Args)]
pub struct Show {
    /// pipeline, model, dataset, criterion, stage, learn, layer, format, init, optimizer, schedule or figure
    kind: String,
    /// Its name, as `list` prints it
    name: String,
    /// Print JSON, for programs
    #[arg(long)]
    json: bool,
    /// Also know what this experiment's own models/, pipelines/ and datasets/ declare
    #[arg(long, value_name = "DIR")]
    experiment: Option<PathBuf>,
}

impl Show {
    pub fn run(&self, registry: &Registry) -> Result<(), Ended> {
        let found = catalogue::show(Sort::named(&self.kind)?, &self.name, registry, self.experiment.as_deref());
        let entry = found.map_err(|problems| Ended::Wrong(problems.render(false)))?;
        print(&if self.json { as_json(&entry) } else { as_text(&entry) })
    }
}

/// Writing to a String cannot fail.
fn as_text(entry: &Entry) -> String {
    let mut text = format!("{}: {}\n", entry.name, entry.summary);
    if !entry.source.is_empty() {
        let _ = writeln!(text, "{}", entry.source);
    }
    if let Some(version) = entry.version {
        let _ = writeln!(text, "version {version}");
    }
    if !entry.details.is_empty() {
        let _ = writeln!(text, "\n{}", entry.details);
    }
    if !entry.parameters.is_empty() {
        text.push_str("\nParameters:\n");
    }
    for parameter in &entry.parameters {
        let _ = writeln!(text, "  {:<18} {} ({})", parameter.name, parameter.takes, parameter.otherwise());
        let _ = writeln!(text, "  {:<18} {}", "", parameter.help);
    }
    match &entry.example {
        Some(example) => {
            let _ = write!(text, "\nExample, in {}:\n{}", example.file, indented(&example.text));
        }
        None => text.push_str("\nNo spec names it: every report draws what its study has something to show for.\n"),
    }
    if let Some((name, toml)) = &entry.file {
        let _ = write!(text, "\nDeclared in {name}:\n{}", indented(toml));
    }
    text
}

fn indented(text: &str) -> String {
    text.lines().map(|line| if line.is_empty() { "\n".into() } else { format!("  {line}\n") }).collect()
}

fn as_json(entry: &Entry) -> String {
    let example = entry.example.as_ref().map(|example| json!({ "file": example.file, "text": example.text }));
    let file = entry.file.as_ref().map(|(name, text)| json!({ "name": name, "text": text }));
    let shown = json!({
        "kind": entry.sort.to_string(),
        "name": entry.name,
        "summary": entry.summary,
        "source": entry.source,
        "details": entry.details,
        "version": entry.version,
        "parameters": entry.parameters,
        "example": example,
        "file": file,
    });
    format!("{shown:#}\n")
}
