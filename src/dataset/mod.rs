//! Data sets: formats that read files into memory, and the seeded validation split.

use crate::spec::DatasetSpec;

/// Examples in memory: one byte a pixel, channels first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examples {
    /// Channels, height, width.
    pub shape: [usize; 3],
    /// `labels.len() × channels × height × width` bytes.
    pub pixels: Vec<u8>,
    /// Class of each example, from 0.
    pub labels: Vec<u8>,
}

/// A whole data set in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    pub train: Examples,
    pub test: Examples,
}

/// Reads a data set of one format. The files were found, decompressed and checked against their SHA-256 before.
pub trait Format: Send + Sync {
    /// `file(name)` gives a declared file's decompressed bytes. An error says which file, and what is wrong with it.
    fn read(&self, spec: &DatasetSpec, file: &dyn Fn(&str) -> Result<Vec<u8>, String>) -> Result<Dataset, String>;
}
