//! What is downloaded in one piece, and what it must hold.

use std::io::BufRead;

use crate::dataset::Source;
use crate::dataset::files::{self, Place};
use crate::spec::{DatasetSpec, FileSpec};

/// A declared file.
#[derive(Clone, Debug)]
pub struct Download {
    /// As it is distributed.
    pub name: String,
    pub file: FileSpec,
}

impl Download {
    /// Everything that a data set is distributed as.
    pub fn all(spec: &DatasetSpec) -> Vec<Download> {
        spec.files.iter().map(|file| Download { name: file.name.clone(), file: file.clone() }).collect()
    }

    /// Where it is found, and whether what is there is what is declared; `None` where it is nowhere.
    pub fn place(&self, source: &Source<'_>) -> Result<Option<(Place, Result<(), String>)>, String> {
        source.place(&self.name)
    }

    /// Whether `content`, as it is distributed, holds what is declared. It may be read no further than that takes.
    pub fn check(&self, content: impl BufRead + 'static) -> Result<(), String> {
        files::check(&self.file, content)
    }

    /// The declared bytes, decompressed.
    pub fn bytes(&self) -> u64 {
        self.file.bytes
    }

    /// Bytes, as distributed, that the declared ones can take: compression makes what it cannot compress a little longer.
    pub fn most(&self) -> u64 {
        let bytes = self.bytes();
        bytes.saturating_add(bytes / 100).saturating_add(64 << 10)
    }
}
