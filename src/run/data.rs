//! The data of every variant: what is the same is loaded once.

use std::path::PathBuf;
use std::sync::Arc;

use crate::dataset::{self, Dataset, Failure, Prepared, Watch};
use crate::registry::Registry;
use crate::spec::{DatasetSpec, Spec, Variant};

/// Finds, checks, reads and splits what each variant trains on, in their order.
pub fn data(
    spec: &Spec,
    registry: &Registry,
    directories: &[PathBuf],
    watch: &dyn Watch,
) -> Result<Vec<Arc<Prepared>>, Failure> {
    let mut read: Vec<(&DatasetSpec, Arc<Dataset>)> = Vec::new();
    let mut prepared: Vec<(&Variant, Arc<Prepared>)> = Vec::new();
    for variant in &spec.variants {
        let of = &variant.dataset;
        if let Some((_, same)) = prepared.iter().find(|(other, _)| other.seed == variant.seed && other.dataset == *of) {
            prepared.push((variant, same.clone()));
            continue;
        }
        let dataset = match read.iter().find(|(other, _)| same_examples(other, of)) {
            Some((_, dataset)) => dataset.clone(),
            None => Arc::new(dataset::load_watched(of, registry, directories, watch)?),
        };
        read.push((of, dataset.clone()));
        prepared.push((variant, Arc::new(Prepared::of(dataset, of, variant.seed)?)));
    }
    Ok(prepared.into_iter().map(|(_, prepared)| prepared).collect())
}

/// The data sets whose examples are in memory while an experiment runs, each once.
pub fn distinct(spec: &Spec) -> Vec<&DatasetSpec> {
    let mut distinct: Vec<&DatasetSpec> = Vec::new();
    for variant in &spec.variants {
        if !distinct.iter().any(|other| same_examples(other, &variant.dataset)) {
            distinct.push(&variant.dataset);
        }
    }
    distinct
}

/// Whether two data sets are read alike; they may be split, scaled and labelled differently.
fn same_examples(one: &DatasetSpec, other: &DatasetSpec) -> bool {
    let alike = DatasetSpec {
        validation: one.validation,
        normalise: one.normalise.clone(),
        subset: one.subset.clone(),
        label_noise: one.label_noise.clone(),
        ..other.clone()
    };
    *one == alike
}
