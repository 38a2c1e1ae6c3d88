//! `list`: what a spec may name, by kind.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::{Ended, place, print, say};
use crate::registry::Registry;
use crate::spec::catalogue::{self, Entry, Sort};

#[derive(Args)]
pub struct List {
    /// Only this kind: pipeline, model, dataset, criterion, stage, learn, layer, format, init, optimizer, schedule, augment, figure
    kind: Option<String>,
    /// Print JSON, for programs
    #[arg(long)]
    json: bool,
    /// Also what this experiment's own models/, pipelines/ and datasets/ declare
    #[arg(long, value_name = "DIR")]
    experiment: Option<PathBuf>,
    /// Write it into this folder instead, in Markdown, with all that `show` says: a page a kind
    #[arg(long, value_name = "DIR", conflicts_with = "json")]
    pages: Option<PathBuf>,
}

impl List {
    pub fn run(&self, registry: &Registry) -> Result<(), Ended> {
        let sorts: Vec<Sort> = match &self.kind {
            Some(kind) => vec![Sort::named(kind)?],
            None => Sort::all().collect(),
        };
        let list = |sort| {
            let found = catalogue::list(sort, registry, self.experiment.as_deref());
            found.map_err(|problems| Ended::Wrong(problems.render(false)))
        };
        let kinds = sorts.into_iter().map(|sort| Ok((sort, list(sort)?))).collect::<Result<Vec<_>, Ended>>()?;
        if let Some(folder) = &self.pages {
            let page = |(sort, entries): &(Sort, Vec<Entry>)| (format!("{sort}.md"), catalogue::page(*sort, entries));
            place::write("--pages", folder, &kinds.iter().map(page).collect::<Vec<_>>())?;
            say(&format!("{} are in {}.", super::count(kinds.len(), "page"), folder.display()));
            return Ok(());
        }
        let entries = kinds.iter().flat_map(|(_, entries)| entries);
        if self.json {
            return print(&format!("{:#}\n", entries.map(line).collect::<Value>()));
        }
        let mut text = String::new();
        for entry in entries {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{:<10} {:<24} {}", entry.sort.to_string(), entry.name, entry.summary);
        }
        print(&text)
    }
}

fn line(entry: &Entry) -> Value {
    json!({ "kind": entry.sort.to_string(), "name": entry.name, "summary": entry.summary })
}
