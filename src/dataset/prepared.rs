//! A data set made ready for an experiment: loaded, drawn from, split, with its labels and its pixels' scaling.

use std::path::PathBuf;
use std::sync::Arc;

use super::batch::Gather;
use super::noise;
use super::split::{Split, split};
use super::subset::{Drawn, subset};
use super::{Dataset, Examples, load};
use crate::registry::Registry;
use crate::spec::DatasetSpec;

/// What every training and evaluation of an experiment reads from.
pub struct Prepared {
    /// Shared by variants that draw from it, split, label or scale it differently.
    pub dataset: Arc<Dataset>,
    /// Training and validation examples, as indices of `dataset.train`.
    pub split: Split,
    /// Test examples, as indices of `dataset.test`.
    pub test: Vec<u32>,
    pub classes: usize,
    /// Of every example of `dataset.train`, as they are learned: renumbered, with their noise.
    pub train_labels: Vec<u16>,
    /// Of every example of `dataset.test`, renumbered likewise.
    pub test_labels: Vec<u16>,
    gather: Gather,
}

impl Prepared {
    /// Finds, checks, reads and splits a data set. What is drawn of it is keyed by the experiment's seed alone.
    pub fn load(
        spec: &DatasetSpec,
        seed: u64,
        registry: &Registry,
        directories: &[PathBuf],
    ) -> Result<Prepared, String> {
        Prepared::of(load(spec, registry, directories)?, spec, seed)
    }

    /// Draws from, splits and labels a data set that is in memory already: pixels stay where they are.
    pub fn of(dataset: impl Into<Arc<Dataset>>, spec: &DatasetSpec, seed: u64) -> Result<Prepared, String> {
        let dataset = dataset.into();
        let of = |examples: &Examples, part| {
            let kept = spec.subset.as_ref();
            let take = kept.and_then(|subset| if part == "train" { subset.train } else { subset.test });
            let classes = kept.and_then(|subset| subset.classes.as_deref());
            subset(&examples.labels, classes, take, (part, seed)).map_err(|e| format!("data set {:?}: {e}", spec.name))
        };
        let Drawn { examples, labels: mut train_labels } = of(&dataset.train, "train")?;
        let Drawn { examples: test, labels: test_labels } = of(&dataset.test, "test")?;
        let split = split(&train_labels, &examples, spec.validation, seed)?;
        if let Some(noise) = &spec.label_noise {
            noise::replace(&mut train_labels, &split.train, noise, spec.used_classes(), seed);
        }
        Ok(Prepared {
            split,
            test,
            train_labels,
            test_labels,
            classes: spec.used_classes(),
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
}

#[cfg(test)]
mod tests {
    use super::super::tests::declaration;
    use super::*;
    use crate::spec::{LabelNoise, NoiseKind, Subset};
    use crate::units::Rate;

    /// 60 training and 30 test images of one pixel, of classes 0, 1, 2 in turn.
    fn prepared(change: impl FnOnce(&mut DatasetSpec)) -> Prepared {
        let examples = |n: u8| {
            let labels = (0..n).map(|i| u16::from(i % 3)).collect();
            Examples { shape: [1, 1, 1], pixels: (0..n).collect::<Vec<_>>().into(), labels }
        };
        let dataset = Dataset { train: examples(60), test: examples(30) };
        let mut spec =
            DatasetSpec { classes: 3, train: 60, test: 30, validation: 12, ..declaration("thirds", Vec::new()) };
        change(&mut spec);
        Prepared::of(dataset, &spec, 1).unwrap()
    }

    #[test]
    fn noise_is_in_labels_of_training_examples_and_in_no_others() {
        for kind in [NoiseKind::Uniform, NoiseKind::Permuted] {
            let (clean, noisy) = (
                prepared(|_| {}),
                prepared(|spec| spec.label_noise = Some(LabelNoise { fraction: Rate::try_from(1.0).unwrap(), kind })),
            );
            assert_eq!((&noisy.split, &noisy.test_labels), (&clean.split, &clean.test_labels));
            let changed = |among: &[u32]| {
                among.iter().filter(|i| clean.train_labels[**i as usize] != noisy.train_labels[**i as usize]).count()
            };
            assert_eq!(changed(&clean.split.validation), 0);
            // 32 of 48 expected.
            assert!(changed(&clean.split.train) > 16, "{kind:?}");
        }
    }

    #[test]
    fn a_subset_is_split_and_relabelled_and_no_pixel_moves() {
        let whole = prepared(|_| {});
        let some = prepared(|spec| {
            spec.subset = Some(Subset { classes: Some(vec![2, 0]), train: Some(30), test: Some(10) });
        });
        assert_eq!(*some.dataset, *whole.dataset);
        assert_eq!(
            (some.split.train.len(), some.split.validation.len(), some.test.len(), some.classes),
            (18, 12, 10, 2)
        );
        for (own, labels, examples) in [
            (&some.split.train, &some.train_labels, &some.dataset.train),
            (&some.split.validation, &some.train_labels, &some.dataset.train),
            (&some.test, &some.test_labels, &some.dataset.test),
        ] {
            for example in own.iter().map(|example| *example as usize) {
                assert_eq!([2, 0][usize::from(labels[example])], examples.labels[example]);
            }
        }
    }

    #[test]
    fn without_validation_examples_all_are_trained_on() {
        let all = prepared(|spec| spec.validation = 0);
        assert_eq!((all.split.train.len(), all.split.validation.len()), (60, 0));
    }
}
