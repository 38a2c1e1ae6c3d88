//! MANIFEST.json: what a pack holds, each file with its hash, and which data sets it needs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::data::Needed;
use super::part::Sealed;
use crate::unseen::is_harmful;

/// Its path in a pack.
pub const MANIFEST: &str = "MANIFEST.json";

/// What the first version of a pack calls itself.
pub const FORMAT: &str = "tombola-pack 1";

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Manifest {
    pub format: String,
    /// The experiment's name: it is in `experiments/NAME`.
    pub experiment: String,
    /// The version of the program that packed it.
    pub tombola: String,
    /// Whether `experiment.lock`, which says what a rerun is held to, is there.
    pub lock: bool,
    /// Steps whose tickets are there.
    pub tickets: usize,
    /// What must be got from elsewhere.
    pub datasets: Vec<Needed>,
    /// Every other file of the pack, in order of paths.
    pub files: Vec<Sealed>,
}

impl Manifest {
    pub fn text(&self) -> Result<String, String> {
        Ok(serde_json::to_string_pretty(self).map_err(|e| e.to_string())? + "\n")
    }

    /// Reads a text that anyone may have written: in one line each, what it says cannot be taken for what a command says.
    pub fn read(text: &str) -> Result<Manifest, String> {
        let json: Json = serde_json::from_str(text).map_err(|e| e.to_string())?;
        match is_in_lines(&json) {
            true => serde_json::from_value(json).map_err(|e| e.to_string()),
            false => Err("it has a text of several lines, or with characters that nobody sees".into()),
        }
    }

    /// How what was found differs from what should be there, a line each; nothing where it does not.
    pub fn differences(&self, found: &[Sealed]) -> Vec<String> {
        let by_path = |all: &[Sealed]| -> BTreeMap<String, Sealed> {
            all.iter().map(|file| (file.path.clone(), file.clone())).collect()
        };
        let (packed, there) = (by_path(&self.files), by_path(found));
        let mut differences = Vec::new();
        for (path, file) in &packed {
            match there.get(path) {
                None => differences.push(format!("{path:?} is missing")),
                Some(other) if other != file => differences.push(format!("{path:?} is not what was packed")),
                Some(_) => {}
            }
        }
        let more = there.keys().filter(|path| !packed.contains_key(*path));
        differences.extend(more.map(|path| format!("{path:?} was not packed")));
        differences
    }
}

/// Whether each text in it is one line, of characters that people see.
fn is_in_lines(json: &Json) -> bool {
    match json {
        Json::String(text) => !text.contains(|c: char| c.is_control() || is_harmful(c)),
        Json::Array(items) => items.iter().all(is_in_lines),
        Json::Object(entries) => entries.values().all(is_in_lines),
        _ => true,
    }
}
