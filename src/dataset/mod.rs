//! Data sets: formats that read files into memory, and what an experiment takes of them: subsets, smaller images, the
//! validation split, noise in labels.

pub mod archive;
mod average;
pub mod batch;
mod checked;
pub mod cifar;
pub mod cifar_python;
mod failure;
pub mod files;
mod folder;
pub mod idx;
pub mod image_folder;
pub mod mnist_1d;
mod noise;
pub mod npy;
mod npy_array;
pub mod order;
pub mod parquet;
mod parts;
mod pickle;
mod pixels;
mod prepared;
pub mod split;
mod subset;
mod watch;

pub use failure::Failure;
pub use files::Source;
pub use pixels::Pixels;
pub use prepared::Prepared;
pub use watch::{Deaf, Watch};

use std::path::PathBuf;

use average::average;

use crate::refusal::Refusal;
use crate::registry::Registry;
use crate::spec::DatasetSpec;

/// Examples in memory: one byte a pixel, channels first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examples {
    /// Channels, height, width.
    pub shape: [usize; 3],
    /// `labels.len() × channels × height × width` bytes.
    pub pixels: Pixels,
    /// Class of each example, from 0.
    pub labels: Vec<u16>,
}

/// A whole data set in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    pub train: Examples,
    pub test: Examples,
}

/// What a declaration says of a folder's content before anybody knows it: reading says what it is.
pub const UNKNOWN: &str = "unknown";

/// Reads a data set of one format.
pub trait Format: Send + Sync {
    /// The declared files that it reads, by name. None: it makes its examples itself.
    fn files(&self) -> Vec<&str> {
        Vec::new()
    }

    /// What is returned has the declared shape and no label outside the declared classes. An error says which file, and
    /// what is wrong with it.
    fn read(&self, source: &Source<'_>) -> Result<Dataset, Failure>;

    /// Whether it reads the data set's folder as a whole, whose `content` is declared, and no [[file]]. Its images are mapped,
    /// not held in memory.
    fn reads_a_folder(&self) -> bool {
        false
    }

    /// Errors where no files of this format could be what is declared.
    fn fits(&self, _spec: &DatasetSpec) -> Result<(), Refusal> {
        Ok(())
    }
}

/// Finds, checks and reads the data set that `spec` declares: built in, or below one of `directories`.
///
/// Errors where a file is missing or is not the declared one, and where the files hold other counts than declared.
pub fn load(spec: &DatasetSpec, registry: &Registry, directories: &[PathBuf]) -> Result<Dataset, String> {
    load_watched(spec, registry, directories, &Deaf).map_err(|why| why.to_string())
}

/// As `load`, telling how far it is, and hearing that it is to end.
pub fn load_watched(
    spec: &DatasetSpec,
    registry: &Registry,
    directories: &[PathBuf],
    watch: &dyn Watch,
) -> Result<Dataset, Failure> {
    if watch.is_stopped() {
        return Err(Failure::Interrupted);
    }
    let format = registry.formats.build(&spec.format)?;
    let source = Source { spec, directories, watch };
    let dataset = format.read(&source).map_err(|why| why.of(&spec.name))?;
    for (part, declared, examples) in [("train", spec.train, &dataset.train), ("test", spec.test, &dataset.test)] {
        let found = examples.labels.len();
        if found != declared {
            let why = format!("its declaration says {part} = {declared}, its files hold {found}: correct `{part}`");
            return Err(Failure::Wrong(why).of(&spec.name));
        }
    }
    Ok(match spec.average {
        None => dataset,
        Some(side) => Dataset { train: average(&dataset.train, side), test: average(&dataset.test, side) },
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use sha2::{Digest, Sha256};
    use tempfile::TempDir;

    use super::*;
    use crate::registry::{Plugin, Use};
    use crate::spec::{FileSpec, Normalise};

    /// A data set of one 1 × 1 image of one class in either part, in the folder of its name.
    pub(super) fn declaration(name: &str, files: Vec<FileSpec>) -> DatasetSpec {
        DatasetSpec {
            name: name.into(),
            summary: String::new(),
            licence: String::new(),
            citation: String::new(),
            homepage: None,
            folder: name.into(),
            mirrors: Vec::new(),
            debian_package: None,
            format: Use { name: idx::Idx::NAME.into(), config: serde_json::json!({}), version: idx::Idx::VERSION },
            files,
            content: None,
            classes: 1,
            shape: [1, 1, 1],
            train: 1,
            test: 1,
            normalise: Normalise { mean: vec![0.0], std: vec![1.0] },
            validation: 0,
            subset: None,
            average: None,
            label_noise: None,
        }
    }

    /// Files of a data directory, declared as they are.
    pub(super) struct Files {
        directory: TempDir,
        declared: Vec<FileSpec>,
    }

    impl Files {
        /// Writes these into the folder "tiny".
        pub(in crate::dataset) fn new(files: &[(&str, &[u8])]) -> Files {
            let directory = TempDir::new().unwrap();
            std::fs::create_dir(directory.path().join("tiny")).unwrap();
            let declared = files.iter().map(|(name, bytes)| {
                std::fs::write(directory.path().join("tiny").join(name), bytes).unwrap();
                let sha256: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
                FileSpec::checked_by_sha256(*name, sha256, bytes.len() as u64)
            });
            Files { declared: declared.collect(), directory }
        }

        /// Loads the data set "tiny" that has them.
        pub(in crate::dataset) fn load(&self, spec: DatasetSpec) -> Result<Dataset, String> {
            let spec = DatasetSpec { files: self.declared.clone(), ..spec };
            load(&spec, &Registry::builtin(), &[self.directory.path().into()])
        }
    }

    /// A shipped declaration. The tests of `spec` hold how it is read in earnest.
    fn shipped(name: &str) -> DatasetSpec {
        let path = format!("{}/plugins/datasets/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        let mut table: toml::Table = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let mut format = table.remove("format").unwrap().try_into::<toml::Table>().unwrap();
        let used = format.remove("use").unwrap().as_str().unwrap().to_string();
        let used = Use { name: used, config: serde_json::to_value(format).unwrap(), version: 1 };
        table.insert("format".into(), toml::Value::try_from(used).unwrap());
        table.insert("name".into(), name.into());
        table.try_into().unwrap()
    }

    fn class_counts(examples: &Examples) -> Vec<usize> {
        (0..10).map(|class| examples.labels.iter().filter(|label| **label == class).count()).collect()
    }

    /// Mean and standard deviation of each channel, where 255 counts as 1.
    fn channels(examples: &Examples) -> Vec<(f64, f64)> {
        let [channels, height, width] = examples.shape;
        let of = |channel: usize| {
            let planes = examples.pixels.chunks_exact(height * width).skip(channel).step_by(channels);
            let pixels: Vec<f64> = planes.flatten().map(|p| f64::from(*p) / 255.0).collect();
            let mean = pixels.iter().sum::<f64>() / pixels.len() as f64;
            (mean, (pixels.iter().map(|p| (p - mean).powi(2)).sum::<f64>() / pixels.len() as f64).sqrt())
        };
        (0..channels).map(of).collect()
    }

    /// Mean and standard deviation of all pixels, where 255 counts as 1.
    fn moments(dataset: &Dataset) -> (f64, f64) {
        let pixels = || dataset.train.pixels.iter().chain(dataset.test.pixels.iter()).map(|p| f64::from(*p) / 255.0);
        let n = pixels().count() as f64;
        let mean = pixels().sum::<f64>() / n;
        (mean, (pixels().map(|p| p * p).sum::<f64>() / n - mean * mean).sqrt())
    }

    fn builtin(name: &str) -> Dataset {
        load(&shipped(name), &Registry::builtin(), &[]).unwrap()
    }

    #[test]
    fn mnist_10k_is_built_in_with_its_documented_counts_and_moments() {
        let dataset = builtin("mnist-10k");
        assert_eq!(class_counts(&dataset.train), [801, 902, 793, 826, 784, 690, 811, 856, 755, 782]);
        assert_eq!(class_counts(&dataset.test), [200, 225, 198, 206, 196, 173, 203, 214, 189, 196]);
        let (mean, std) = moments(&dataset);
        assert!((mean - 0.1311).abs() < 5e-5 && (std - 0.3087).abs() < 5e-5, "{mean} {std}");
    }

    #[test]
    fn fashion_mnist_12k_is_built_in_with_1_000_and_250_of_each_class() {
        let dataset = builtin("fashion-mnist-12k");
        assert_eq!(class_counts(&dataset.train), [1000; 10]);
        assert_eq!(class_counts(&dataset.test), [250; 10]);
    }

    #[test]
    fn built_in_examples_are_not_sorted_by_class() {
        for name in ["mnist-10k", "fashion-mnist-12k"] {
            let dataset = builtin(name);
            for examples in [dataset.train, dataset.test] {
                let changes = examples.labels.windows(2).filter(|pair| pair[0] != pair[1]).count();
                // 90% of neighbours differ in a random order of ten equal classes, 9 pairs in a sorted one.
                assert!(changes * 100 > examples.labels.len() * 85, "{name}: {changes}");
            }
        }
    }

    #[test]
    fn a_count_other_than_the_declared_one_is_an_error_that_names_the_part() {
        let spec = DatasetSpec { test: 1999, ..shipped("mnist-10k") };
        let error = load(&spec, &Registry::builtin(), &[]).unwrap_err();
        assert!(error.contains("\"mnist-10k\"") && error.contains("test = 1999") && error.contains("2000"), "{error}");
    }

    /// A data set that is not built in, or `None`, said past the test harness's capture, where it is not installed.
    fn installed(test: &str, name: &str) -> Option<Dataset> {
        let spec = shipped(name);
        let directories = files::directories(None, |variable| std::env::var_os(variable));
        match load(&spec, &Registry::builtin(), &directories) {
            // An empty folder is none, as a download that failed leaves it.
            Err(why) if why.contains("is not built in, nor is it any of these") => {
                writeln!(std::io::stderr(), "skipped: {test}: it needs {name} in a data directory").unwrap();
                None
            }
            loaded => Some(loaded.unwrap()),
        }
    }

    #[test]
    fn cifar10_4k_has_its_documented_counts_labels_and_moments() {
        let Some(cifar) = installed("cifar10_4k_has_its_documented_counts_labels_and_moments", "cifar10-4k") else {
            return;
        };
        assert_eq!(cifar.train.labels[..10], [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]);
        assert_eq!(class_counts(&cifar.train), [319, 302, 337, 308, 328, 312, 330, 314, 327, 323]);
        assert_eq!(class_counts(&cifar.test), [77, 64, 83, 76, 94, 81, 84, 71, 80, 90]);
        // As numpy has them. All of CIFAR-10's: .4914 .4822 .4465, .2470 .2435 .2616.
        let expected = [(0.49111, 0.24592), (0.48156, 0.24272), (0.44500, 0.26110)];
        for ((mean, std), (m, s)) in channels(&cifar.train).into_iter().zip(expected) {
            assert!((mean - m).abs() < 1e-5 && (std - s).abs() < 1e-5, "{mean} {std}");
        }
    }

    #[test]
    fn cifar_10_and_cifar_100_are_read_where_they_are_installed() {
        let test = "cifar_10_and_cifar_100_are_read_where_they_are_installed";
        for (name, each) in [("cifar-10", 5000), ("cifar-100", 500)] {
            let Some(cifar) = installed(test, name) else { continue };
            assert_eq!(class_counts(&cifar.train), [each; 10]);
        }
    }

    #[test]
    fn full_mnist_has_its_published_order_and_counts() {
        let Some(mnist) = installed("full_mnist_has_its_published_order_and_counts", "mnist") else { return };
        assert_eq!(mnist.train.labels[..8], [5, 0, 4, 1, 9, 2, 1, 3]);
        assert_eq!(class_counts(&mnist.test), [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
    }

    #[test]
    fn full_fashion_mnist_begins_with_a_boot_and_its_test_part_with_our_subset() {
        let test = "full_fashion_mnist_begins_with_a_boot_and_its_test_part_with_our_subset";
        let Some(fashion) = installed(test, "fashion-mnist") else { return };
        assert_eq!(fashion.train.labels[..8], [9, 0, 0, 3, 0, 2, 7, 2]);
        let subset = builtin("fashion-mnist-12k").test;
        // No class has 250 of the first 2,000, so they are the same.
        assert_eq!(fashion.test.pixels[..2000 * 784], subset.pixels[..2000 * 784]);
    }

    #[test]
    fn mnist_10k_is_the_first_10_000_training_digits_of_mnist_each_once() {
        let test = "mnist_10k_is_the_first_10_000_training_digits_of_mnist_each_once";
        let Some(mnist) = installed(test, "mnist") else { return };
        let sorted = |parts: &[&Examples], count: usize| {
            let each = |part: &&Examples| {
                part.pixels.chunks_exact(784).zip(&part.labels).map(|(p, l)| (p.to_vec(), *l)).collect::<Vec<_>>()
            };
            let mut digits: Vec<_> = parts.iter().flat_map(each).take(count).collect();
            digits.sort_unstable();
            digits
        };
        let ours = builtin("mnist-10k");
        assert!(sorted(&[&ours.train, &ours.test], 10_000) == sorted(&[&mnist.train], 10_000));
    }
}
