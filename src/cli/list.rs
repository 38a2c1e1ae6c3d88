//! `list`: what a spec may name, by kind.

use std::fmt::Write;

use clap::Args;
use serde_json::json;

use super::{Ended, print};
use crate::registry::{Kind, Registry};
use crate::spec::catalogue::{self, Declared};

#[derive(Args)]
pub struct List {
    /// Only this kind: pipeline, model, dataset, criterion, stage, learn, layer, format, init, optimizer, schedule, figure
    kind: Option<String>,
    /// Print JSON, for programs
    #[arg(long)]
    json: bool,
}

/// One line of the catalogue.
struct Line {
    kind: String,
    name: String,
    summary: String,
}

impl List {
    pub fn run(&self, registry: &Registry) -> Result<(), Ended> {
        let mut lines = lines(registry)?;
        if let Some(kind) = &self.kind {
            let kinds = kinds();
            if !kinds.contains(kind) {
                return Err(format!("{kind:?} is not a kind: choose among {}", kinds.join(", ")).into());
            }
            lines.retain(|line| line.kind == *kind);
        }
        if self.json {
            let json = |l: &Line| json!({ "kind": l.kind, "name": l.name, "summary": l.summary });
            return print(&format!("{:#}\n", lines.iter().map(json).collect::<serde_json::Value>()));
        }
        let mut text = String::new();
        for line in &lines {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{:<10} {:<24} {}", line.kind, line.name, line.summary);
        }
        print(&text)
    }
}

/// The kinds that `list` and `show` know: declared ones first.
pub fn kinds() -> Vec<String> {
    let declared = DECLARED.iter().map(|(name, _)| name.to_string());
    declared.chain(Kind::ALL.iter().map(Kind::to_string)).collect()
}

pub const DECLARED: [(&str, Declared); 3] =
    [("pipeline", Declared::Pipeline), ("model", Declared::Model), ("dataset", Declared::Dataset)];

fn lines(registry: &Registry) -> Result<Vec<Line>, Ended> {
    let mut lines = Vec::new();
    for (kind, declared) in DECLARED {
        let found = catalogue::list(declared, None).map_err(|problems| Ended::Wrong(problems.render(false)))?;
        lines.extend(found.into_iter().map(|d| Line { kind: kind.into(), name: d.name, summary: d.summary }));
    }
    for kind in Kind::ALL {
        let line = |about: &crate::registry::About| Line {
            kind: kind.to_string(),
            name: about.name.into(),
            summary: about.summary.into(),
        };
        lines.extend(registry.abouts(kind).into_iter().map(line));
    }
    Ok(lines)
}
