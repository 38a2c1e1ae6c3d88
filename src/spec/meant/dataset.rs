//! What is trained on: a data set's files, and how an experiment splits them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{LabelNoise, Subset};
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
    #[schemars(default, length(min = 1))]
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
    /// Each file by its name and what it must hold; none where the format makes its examples itself.
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
    /// Validation examples, drawn from the training split by class; with 0, early stop is a training's end.
    pub validation: usize,
    /// Some of the examples only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subset: Option<Subset>,
    /// The side of blocks of pixels that are averaged, rounded half up: images are so many times smaller each way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub average: Option<usize>,
    /// Labels of training examples that are replaced at random.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_noise: Option<LabelNoise>,
}

/// A file that a format reads, with one checksum.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct FileSpec {
    /// The name as distributed; it is found with or without ".gz". Of a file in an archive, its path there.
    #[schemars(length(min = 1))]
    pub name: String,
    /// The .tar, .tar.gz or .tgz that it is distributed in: the file is found within it, or unpacked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "\\.(tar|tar\\.gz|tgz)$"))]
    pub archive: Option<String>,
    /// SHA-256 of the decompressed bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub sha256: Option<String>,
    /// MD5 of the decompressed bytes, where no other checksum is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[0-9a-f]{32}$"))]
    pub md5: Option<String>,
    /// SHA-256 of a .gz as it is distributed, where only that is published: the file is not found decompressed then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub compressed_sha256: Option<String>,
    /// Number of decompressed bytes.
    pub bytes: u64,
}

/// What a file is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum<'a> {
    Sha256(&'a str),
    Md5(&'a str),
    Compressed(&'a str),
}

impl FileSpec {
    /// A file of these decompressed bytes.
    pub fn checked_by_sha256(name: impl Into<String>, sha256: impl Into<String>, bytes: u64) -> FileSpec {
        FileSpec { name: name.into(), sha256: Some(sha256.into()), bytes, ..FileSpec::default() }
    }

    /// The one that is declared; of a spec that was read there is one.
    pub fn checksum(&self) -> Option<Checksum<'_>> {
        let compressed = || self.compressed_sha256.as_deref().map(Checksum::Compressed);
        let md5 = || self.md5.as_deref().map(Checksum::Md5);
        self.sha256.as_deref().map(Checksum::Sha256).or_else(md5).or_else(compressed)
    }

    /// The checksum as steps' ids and reports have it.
    pub fn hash(&self) -> String {
        self.checksum().map(|checksum| checksum.to_string()).unwrap_or_default()
    }

    /// The name of what is downloaded: the archive, or the file itself.
    pub fn distributed(&self) -> &str {
        self.archive.as_deref().unwrap_or(&self.name)
    }
}

/// A SHA-256 of decompressed bytes bare, any other behind its name.
impl fmt::Display for Checksum<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Checksum::Sha256(hash) => f.write_str(hash),
            Checksum::Md5(hash) => write!(f, "md5:{hash}"),
            Checksum::Compressed(hash) => write!(f, "gz-sha256:{hash}"),
        }
    }
}

/// Pixel byte p becomes (p ÷ 255 − mean) ÷ std, channel by channel.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Normalise {
    pub mean: Vec<f32>,
    pub std: Vec<f32>,
}
