//! A data set made ready for an experiment: loaded, split, and with its pixels' scaling.

use std::path::PathBuf;
use std::sync::Arc;

use super::batch::{Gather, labels};
use super::split::{Split, split};
use super::{Dataset, Examples, load};
use crate::registry::Registry;
use crate::spec::DatasetSpec;

/// What every training and evaluation of an experiment reads from.
pub struct Prepared {
    /// Shared by variants that split or scale it differently.
    pub dataset: Arc<Dataset>,
    /// Training and validation examples, as indices of `dataset.train`.
    pub split: Split,
    /// Every index of `dataset.test`.
    pub test: Vec<u32>,
    pub classes: usize,
    gather: Gather,
}

impl Prepared {
    /// Finds, checks, reads and splits a data set; the split is keyed by the experiment's seed alone.
    pub fn load(
        spec: &DatasetSpec,
        seed: u64,
        registry: &Registry,
        directories: &[PathBuf],
    ) -> Result<Prepared, String> {
        Prepared::of(load(spec, registry, directories)?, spec, seed)
    }

    /// Splits a data set that is in memory already.
    pub fn of(dataset: impl Into<Arc<Dataset>>, spec: &DatasetSpec, seed: u64) -> Result<Prepared, String> {
        let dataset = dataset.into();
        Ok(Prepared {
            split: split(&dataset.train.labels, spec.validation, seed)?,
            test: (0..dataset.test.labels.len() as u32).collect(),
            classes: spec.classes,
            gather: Gather::new(&spec.normalise, spec.shape[0])?,
            dataset,
        })
    }

    /// A batch's scaled pixels, row-major, in place of whatever `out` held.
    pub fn pixels(&self, examples: &Examples, indices: &[u32], mut out: Vec<f32>) -> Vec<f32> {
        self.gather.pixels(examples, indices, &mut out);
        out
    }

    /// What a pixel of byte 0 is in each channel.
    pub fn black(&self) -> Vec<f32> {
        self.gather.black()
    }

    /// A batch's classes.
    pub fn labels(&self, examples: &Examples, indices: &[u32]) -> Vec<u16> {
        labels(examples, indices)
    }
}
