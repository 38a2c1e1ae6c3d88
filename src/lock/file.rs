//! The lock as text, and back.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use super::{FILE, FORM, Lock};
use crate::spec::toml_text::{key, value};
use crate::unfinished;

/// A larger file is no lock: a ticket takes half a kilobyte.
const BYTES: u64 = 1 << 28;

const HEADING: &str = "\
# What a completed run of this experiment found, and what it was run from. `tombola verify` holds a rerun to it;
# `tombola run --update-lock` replaces it. Not to be edited.
";

impl Lock {
    /// The file's text: the same lock gives the same text.
    pub fn text(&self) -> String {
        let mut out = HEADING.to_string();
        let mut line = |text: String| out += &(text + "\n");
        line(format!("lock = {}", self.lock));
        line(format!("experiment = {}", value(&json(&self.experiment))));
        line(format!("device = {}", value(&json(&self.device))));
        self.tolerance.iter().for_each(|tolerance| line(format!("tolerance = {}", value(&json(tolerance)))));
        for (name, results) in [("tickets", &self.tickets), ("analyses", &self.analyses)] {
            if !results.is_empty() {
                line(format!("\n{name} = [\n{}]", listed(results)));
            }
        }
        line(format!("\n[versions]\n{}", pairs(&json(&self.versions))));
        for variant in &self.variant {
            let Value::Object(mut rest) = json(variant) else { continue };
            let [data, _] = ["data", "model"].map(|key| rest.shift_remove(key).unwrap_or_default());
            line(format!("[[variant]]\n{}model = [\n{}]\n", pairs(&Value::Object(rest)), listed(&variant.model)));
            line(format!("[variant.data]\n{}", pairs(&data)));
        }
        line(format!("[stages]\n{}", pairs(&json(&self.stages))));
        line(format!("[steps]\n{}", pairs(&json(&self.steps))));
        line(format!("[host]\n{}", pairs(&json(&self.host)).trim_end()));
        out
    }

    /// Reads a file's text; an error says the line.
    pub(super) fn read(text: &str) -> Result<Lock, String> {
        let at = |e: toml::de::Error| {
            let line = e.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            format!("{}{}", line.map_or(String::new(), |line| format!("line {line}: ")), e.message())
        };
        #[derive(serde::Deserialize)]
        struct Form {
            lock: u32,
        }
        // The form first: another one may have other keys.
        match toml::from_str::<Form>(text).map_err(at)?.lock {
            FORM => toml::from_str(text).map_err(at),
            other => Err(format!("it is of form {other}, and this version of tombola reads form {FORM}")),
        }
    }

    /// The lock in an experiment's folder, where there is one; an error names it, and how to be rid of it.
    pub fn of_folder(folder: &Path) -> Result<Option<Lock>, String> {
        let path = folder.join(FILE);
        let told = |e: String| {
            format!(
                "{}: {e}: take it back from version control, or `tombola run --update-lock` writes it anew",
                path.display()
            )
        };
        match path.symlink_metadata() {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Ok(about) if !about.is_file() => return Err(told("not a plain file".into())),
            Ok(about) if about.len() > BYTES => return Err(told("too large for a lock".into())),
            _ => {}
        }
        let text = fs::read_to_string(&path).map_err(|e| told(e.to_string()))?;
        Lock::read(&text).map(Some).map_err(told)
    }

    /// Writes it into an experiment's folder, whole or not at all.
    pub fn put(&self, folder: &Path) -> Result<(), String> {
        let path = folder.join(FILE);
        let written = tempfile::NamedTempFile::new_in(folder).and_then(|mut file| {
            file.write_all(self.text().as_bytes())?;
            file.as_file().sync_all()?;
            unfinished::open_to_all(file.as_file())?;
            file.persist(&path).map_err(|e| e.error)
        });
        written.map(drop).map_err(|e| format!("{}: {e}", path.display()))
    }
}

/// What serialises to JSON: all that a lock is made of does.
fn json(part: &impl Serialize) -> Value {
    serde_json::to_value(part).unwrap_or_default()
}

/// A key a line.
fn pairs(table: &Value) -> String {
    let entries = table.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    entries.map(|(name, entry)| format!("{} = {}\n", key(name), value(entry))).collect()
}

/// An element a line.
fn listed<T: Serialize>(items: &[T]) -> String {
    items.iter().map(|item| format!("  {},\n", value(&json(item)))).collect()
}
