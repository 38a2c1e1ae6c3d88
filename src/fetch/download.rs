//! What is downloaded in one piece, and what it must hold.

use std::io::BufRead;

use crate::dataset::Source;
use crate::dataset::archive;
use crate::dataset::files::{self, Judged};
use crate::spec::{DatasetSpec, FileSpec};

/// A declared file, or an archive with several.
#[derive(Clone, Debug)]
pub struct Download {
    /// As it is distributed.
    pub name: String,
    /// What it holds.
    pub files: Vec<FileSpec>,
}

impl Download {
    /// Everything that a data set is distributed as.
    pub fn all(spec: &DatasetSpec) -> Vec<Download> {
        let mut all: Vec<Download> = Vec::new();
        for file in &spec.files {
            match all.iter_mut().find(|download| download.name == file.distributed()) {
                Some(archive) => archive.files.push(file.clone()),
                None => all.push(Download { name: file.distributed().to_string(), files: vec![file.clone()] }),
            }
        }
        all
    }

    /// Where it is found, and whether what is there is what is declared; `None` where it is nowhere.
    pub fn place(&self, source: &Source<'_>) -> Result<Option<Judged>, String> {
        source.place(&self.files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>())
    }

    /// Whether `content`, as it is distributed, holds what is declared. It may be read no further than that takes.
    pub fn check(&self, content: impl BufRead + 'static) -> Result<(), String> {
        files::check(&self.name, &self.files.iter().collect::<Vec<_>>(), content)
    }

    /// The declared bytes, decompressed.
    pub fn bytes(&self) -> u64 {
        self.files.iter().fold(0, |sum, file| sum.saturating_add(file.bytes))
    }

    /// SHA-256 of the declared bytes, of a file that has it.
    pub fn sha256(&self) -> Option<&str> {
        match &self.files[..] {
            [file] if file.archive.is_none() => file.sha256.as_deref(),
            _ => None,
        }
    }

    /// Bytes, as distributed, that the declared ones can take: compression makes what it cannot compress a little longer.
    /// An archive may hold more than is declared of it.
    pub fn most(&self) -> u64 {
        let bytes = self.bytes();
        match self.files.iter().any(|file| file.archive.is_some()) {
            true => archive::most(bytes),
            false => bytes.saturating_add(bytes / 100).saturating_add(64 << 10),
        }
    }
}
