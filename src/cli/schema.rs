//! `schema`: JSON Schemas for editors.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use super::{Ended, place, print, say};
use crate::registry::Registry;
use crate::spec::schema::{Subject, schema};

#[derive(Args)]
pub struct SchemaCommand {
    /// experiment, model, pipeline or dataset
    kind: Option<String>,
    /// Write the schemas of all kinds of files into this folder
    #[arg(long, value_name = "DIR", conflicts_with = "kind", required_unless_present = "kind")]
    dir: Option<PathBuf>,
    /// Also name what this experiment's own models/, pipelines/ and datasets/ declare
    #[arg(long, value_name = "DIR")]
    experiment: Option<PathBuf>,
}

impl SchemaCommand {
    pub fn run(&self, registry: &Registry) -> Result<(), Ended> {
        let text = |subject| {
            let schema = schema(subject, registry, self.experiment.as_deref());
            schema.map(|schema: Value| format!("{schema:#}\n")).map_err(|problems| Ended::Wrong(problems.render(false)))
        };
        if let Some(folder) = &self.dir {
            let file = |subject: Subject| Ok((subject.file(), text(subject)?));
            let files = Subject::ALL.into_iter().map(file).collect::<Result<Vec<_>, Ended>>()?;
            place::write("--dir", folder, &files)?;
            say(&format!("{} schemas are in {}.", Subject::ALL.len(), folder.display()));
            return Ok(());
        }
        let kind = self.kind.as_deref().unwrap_or_default();
        match Subject::ALL.into_iter().find(|subject| subject.to_string() == kind) {
            Some(subject) => print(&text(subject)?),
            None => Err(format!("{kind:?} has no schema: choose among experiment, model, pipeline, dataset").into()),
        }
    }
}
