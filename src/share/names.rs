//! The names that files have in a pack, each once: what a reviewer needs, and nothing that a program would find there and
//! take for its own, as a repository or the store of a verification.

use std::collections::BTreeSet;

use super::crates::METADATA;
use super::entry;
use super::manifest::MANIFEST;
use crate::spec::is_name;

/// What is not in a folder.
const TOP: [&str; 4] = [MANIFEST, METADATA, "CITATION.cff", "DATA.md"];

/// What a store has of a step.
const STEP: [&str; 2] = ["record.json", "ticket.safetensors"];

/// The names that are taken in the pack of an experiment.
pub struct Names {
    experiment: String,
    taken: BTreeSet<String>,
}

impl Names {
    pub fn of(experiment: &str) -> Names {
        Names { experiment: experiment.into(), taken: BTreeSet::new() }
    }

    /// Takes a path below the pack's own folder; an error says why no pack has it, in a sentence's second half.
    pub fn take(&mut self, path: &str) -> Result<(), &'static str> {
        if let Some(why) = entry::refused(&format!("{}/{path}", self.experiment)) {
            return Err(why);
        }
        if !self.has_a_place(path) {
            return Err("no pack has such a file there");
        }
        // Not every system tells capitals from small letters.
        self.taken.insert(path.to_lowercase()).then_some(()).ok_or("another has its name")
    }

    fn has_a_place(&self, path: &str) -> bool {
        let parts: Vec<&str> = path.split('/').collect();
        match parts[..] {
            [file] => TOP.contains(&file),
            ["experiments" | "reports" | "resolved", name, _, ..] => name == self.experiment,
            ["shipped", ref folders @ .., file] => {
                folders.iter().all(|folder| is_name(folder)) && file.strip_suffix(".toml").is_some_and(is_name)
            }
            ["runs", "steps", folder, step, file] => {
                is_hex(step) && folder.len() == 2 && step.starts_with(folder) && STEP.contains(&file)
            }
            _ => false,
        }
    }
}

/// As the ids of steps are spelled.
fn is_hex(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pack_has_is_taken_once_and_nothing_else_is() {
        let step = "ab".repeat(16);
        let mut names = Names::of("tickets");
        for path in [
            "MANIFEST.json",
            "DATA.md",
            "experiments/tickets/experiment.toml",
            "experiments/tickets/models/own/deep.toml",
            "reports/tickets/figures/accuracy.svg",
            "resolved/tickets/experiment.toml",
            "shipped/plugins/models/lenet-5.toml",
            &format!("runs/steps/ab/{step}/record.json"),
            &format!("runs/steps/ab/{step}/ticket.safetensors"),
        ] {
            assert_eq!(names.take(path), Ok(()), "{path}");
            assert_eq!(names.take(path), Err("another has its name"), "{path}");
        }
        assert_eq!(names.take("reports/tickets/figures/Accuracy.svg"), Err("another has its name"));
        for path in [
            "HEAD",
            "experiments/other/experiment.toml",
            "experiments/tickets",
            "shipped/run this first.toml",
            "shipped/plugins/program",
            "experiments/tickets/.git/config",
            &format!("runs/verify/tickets/steps/ab/{step}/record.json"),
            &format!("runs/steps/cd/{step}/record.json"),
            &format!("runs/steps/ab/{step}/at-5it.safetensors"),
            "runs/steps/ab/abab/record.json",
            "runs/lock",
        ] {
            assert!(names.take(path).is_err(), "{path}");
        }
    }
}
