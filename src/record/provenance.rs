//! Where, when, with what and for whom a step ran.

use serde::{Deserialize, Serialize};

/// Where, when and with what a step ran.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Provenance {
    pub tombola: String,
    pub burn: String,
    /// The compiler: "rustc 1.95.0".
    pub rust: String,
    /// The device kind: backend and version, architecture, instruction set.
    pub device: String,
    /// Threads that one job had.
    pub threads: usize,
    pub host: Host,
    /// Commit of the repository that holds the experiment, where there is one.
    pub commit: Option<String>,
    /// Whether that repository had uncommitted changes in the experiment's folder, in plugins or in source.
    pub dirty: Option<bool>,
    /// Those changes, where there are any: names of files as `git status` has them, and the difference of those that the
    /// repository knows, less secrets and home, and cut where it is long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<String>,
    /// When the step began, in UTC, RFC 3339, to the second.
    pub started: String,
    /// When it ended. This and the next were not recorded at first.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ended: String,
    /// The command line, less secrets and home.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub command: String,
    /// The folder's name of the experiment that ran the step: a store may be several experiments'. Records were without it
    /// at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment: Option<String>,
    /// That experiment's pipelines that had the step then; without an experiment, unknown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pipelines: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Host {
    pub cpu: String,
    pub cores: usize,
    pub memory_gib: u64,
    pub system: String,
}
