//! What is trained on: a data set's files, and how an experiment splits them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::registry::Use;
use crate::spec::schema;

/// A data set's declaration, with how this experiment splits it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, description = "a data set")]
pub struct DatasetSpec {
    #[schemars(skip)]
    pub name: String,
    /// A line for `list`.
    #[schemars(default)]
    pub summary: String,
    #[schemars(default)]
    pub licence: String,
    #[schemars(default)]
    pub citation: String,
    /// Where its owners describe it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub homepage: Option<String>,
    /// The folder, below a data directory, that holds the files.
    #[schemars(length(min = 1))]
    pub folder: String,
    /// Addresses that end in "/": a file is at mirror + its name.
    #[serde(default)]
    #[schemars(inner(regex(pattern = r"^https?://[!-~]+$")))]
    pub mirrors: Vec<String>,
    /// The Debian package that installs the files below /usr/share/datasets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debian_package: Option<String>,
    /// How the files are read.
    #[schemars(schema_with = "schema::format")]
    pub format: Use,
    /// Each file by its name and what it must hold.
    #[serde(rename = "file", default)]
    pub files: Vec<FileSpec>,
    /// Hash of a whole folder, or "unknown" until a run says it. For formats that read one: SHA-256 of a line a file, as
    /// `sha256sum` prints it, in byte order of the paths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^([0-9a-f]{64}|unknown)$"))]
    pub content: Option<String>,
    /// Labels are 0 to classes − 1.
    #[schemars(range(min = 1))]
    pub classes: usize,
    /// Channels, height, width.
    #[schemars(inner(range(min = 1)))]
    pub shape: [usize; 3],
    /// Examples in the training split, before validation examples are taken from it.
    #[schemars(range(min = 1))]
    pub train: usize,
    /// Examples in the test split.
    #[schemars(range(min = 1))]
    pub test: usize,
    /// Pixel byte p becomes (p ÷ 255 − mean) ÷ std, channel by channel.
    pub normalise: Normalise,
    /// Validation examples, drawn from the training split by class.
    #[schemars(range(min = 1))]
    pub validation: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct FileSpec {
    /// The name as distributed; it is found with or without ".gz".
    #[schemars(length(min = 1))]
    pub name: String,
    /// SHA-256 of the decompressed bytes.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub sha256: String,
    /// Number of decompressed bytes.
    pub bytes: u64,
}

/// Pixel byte p becomes (p ÷ 255 − mean) ÷ std, channel by channel.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Normalise {
    pub mean: Vec<f32>,
    pub std: Vec<f32>,
}
