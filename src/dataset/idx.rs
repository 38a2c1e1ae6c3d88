//! IDX, MNIST's format: big-endian magic 0x000008NN, NN dimensions of four bytes each, then one byte an element.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Dataset, Examples, Failure, Format, Source};
use crate::registry::Plugin;
use crate::spec::DatasetSpec;

/// Which of the declared files holds what. Images have one channel.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Idx {
    /// File of the training images: examples × height × width.
    pub train_images: String,
    /// File of the training labels.
    pub train_labels: String,
    /// File of the test images: examples × height × width.
    pub test_images: String,
    /// File of the test labels.
    pub test_labels: String,
}

/// MNIST's names, which data sets made after it share.
impl Default for Idx {
    fn default() -> Self {
        Idx {
            train_images: "train-images-idx3-ubyte.gz".into(),
            train_labels: "train-labels-idx1-ubyte.gz".into(),
            test_images: "t10k-images-idx3-ubyte.gz".into(),
            test_labels: "t10k-labels-idx1-ubyte.gz".into(),
        }
    }
}

impl Plugin for Idx {
    const NAME: &'static str = "idx";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "IDX, the format of MNIST and of data sets made after it";
    const SOURCE: &'static str = "http://yann.lecun.com/exdb/mnist/";
    const EXAMPLE: &'static str = r#"train_images = "digits-images.gz", train_labels = "digits-labels.gz""#;
}

impl Format for Idx {
    fn files(&self) -> Vec<&str> {
        [&self.train_images, &self.train_labels, &self.test_images, &self.test_labels].map(String::as_str).into()
    }

    fn read(&self, source: &Source<'_>) -> Result<Dataset, Failure> {
        let part = |images: &str, labels: &str| {
            examples(source.spec, (images, source.file(images)?), (labels, source.file(labels)?))
        };
        Ok(Dataset {
            train: part(&self.train_images, &self.train_labels)?,
            test: part(&self.test_images, &self.test_labels)?,
        })
    }
}

/// Images and their labels, each a file's name and bytes.
fn examples(spec: &DatasetSpec, images: (&str, Vec<u8>), labels: (&str, Vec<u8>)) -> Result<Examples, String> {
    let (image_file, label_file) = (images.0, labels.0);
    let ([count, height, width], pixels) = parse::<3>(images.1).map_err(|e| format!("{image_file}: {e}"))?;
    let ([label_count], labels) = parse::<1>(labels.1).map_err(|e| format!("{label_file}: {e}"))?;
    let shape = [1, height, width];
    if shape != spec.shape {
        return Err(format!("{image_file}: its images are {shape:?}, the declaration says shape = {:?}", spec.shape));
    }
    if count != label_count {
        return Err(format!("{label_file}: it holds {label_count} labels for the {count} images of {image_file}"));
    }
    if let Some(example) = labels.iter().position(|label| usize::from(*label) >= spec.classes) {
        let (label, last) = (labels[example], spec.classes.saturating_sub(1));
        return Err(format!("{label_file}: example {example} (from 0) is labelled {label}, classes are 0 to {last}"));
    }
    Ok(Examples { shape, pixels: pixels.into(), labels: labels.into_iter().map(u16::from).collect() })
}

/// `D` dimensions and the elements. The header sizes nothing: it is only held against the bytes that are there.
fn parse<const D: usize>(mut bytes: Vec<u8>) -> Result<([usize; D], Vec<u8>), String> {
    let word = |i: usize| bytes.get(4 * i..4 * i + 4).map(|w| u32::from_be_bytes([w[0], w[1], w[2], w[3]]));
    let truncated = || format!("it is truncated: {} bytes are less than an IDX header", bytes.len());
    let (magic, expected) = (word(0).ok_or_else(truncated)?, 0x0800 + D as u32);
    if magic != expected {
        return Err(format!(
            "wrong magic number 0x{magic:08x}: IDX of {D} dimensions of bytes begins 0x{expected:08x}"
        ));
    }
    let mut dimensions = [0; D];
    for (i, dimension) in dimensions.iter_mut().enumerate() {
        *dimension = word(i + 1).ok_or_else(truncated)? as usize;
    }
    let header = 4 * (D + 1);
    let (wanted, found) = (dimensions.iter().map(|d| *d as u128).product::<u128>(), (bytes.len() - header) as u128);
    if found != wanted {
        let what = if found < wanted { "truncated" } else { "oversized" };
        return Err(format!("it is {what}: {found} bytes follow a header that announces {dimensions:?} = {wanted}"));
    }
    bytes.drain(..header);
    Ok((dimensions, bytes))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;
    use sha2::{Digest, Sha256};
    use tempfile::TempDir;

    use super::*;
    use crate::dataset::load;
    use crate::dataset::tests::declaration;
    use crate::registry::{Registry, Use};
    use crate::spec::FileSpec;

    const NAMES: [&str; 4] = ["train-images", "train-labels", "test-images", "test-labels"];

    fn idx(magic: u32, dimensions: &[u32], elements: &[u8]) -> Vec<u8> {
        let header = [&[magic], dimensions].concat();
        header.iter().flat_map(|word| word.to_be_bytes()).chain(elements.iter().copied()).collect()
    }

    /// Two training images and a test image of 1 × 2 pixels, in three classes.
    fn files() -> [Vec<u8>; 4] {
        [
            idx(0x803, &[2, 1, 2], &[10, 20, 30, 40]),
            idx(0x801, &[2], &[2, 0]),
            idx(0x803, &[1, 1, 2], &[50, 60]),
            idx(0x801, &[1], &[1]),
        ]
    }

    /// Writes the files below `directory`, as "tiny", and declares them as they are.
    fn declare(directory: &Path, files: &[Vec<u8>; 4]) -> DatasetSpec {
        std::fs::create_dir(directory.join("tiny")).unwrap();
        let declared = NAMES.iter().zip(files).map(|(name, bytes)| {
            std::fs::write(directory.join("tiny").join(name), bytes).unwrap();
            let sha256: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            FileSpec::checked_by_sha256(*name, sha256, bytes.len() as u64)
        });
        let [train_images, train_labels, test_images, test_labels] = NAMES;
        let config = json!({ "train_images": train_images, "train_labels": train_labels,
            "test_images": test_images, "test_labels": test_labels });
        DatasetSpec {
            format: Use { name: "idx".into(), config, version: 1 },
            classes: 3,
            shape: [1, 1, 2],
            train: 2,
            ..declaration("tiny", declared.collect())
        }
    }

    fn load_with(change: impl Fn(&mut [Vec<u8>; 4])) -> Result<Dataset, String> {
        let directory = TempDir::new().unwrap();
        let mut files = files();
        change(&mut files);
        load(&declare(directory.path(), &files), &Registry::builtin(), &[directory.path().into()])
    }

    /// Replacing file number `file` is an error that names it and every one of `parts`.
    fn assert_refused(file: usize, bytes: Vec<u8>, parts: &[&str]) {
        let error = load_with(|files| files[file] = bytes.clone()).unwrap_err();
        for part in parts.iter().chain([&NAMES[file]]) {
            assert!(error.contains(part), "{part:?} is not in {error:?}");
        }
    }

    #[test]
    fn images_and_labels_are_read_as_written() {
        let dataset = load_with(|_| {}).unwrap();
        let shape = [1, 1, 2];
        assert_eq!(dataset.train, Examples { shape, pixels: vec![10, 20, 30, 40].into(), labels: vec![2, 0] });
        assert_eq!(dataset.test, Examples { shape, pixels: vec![50, 60].into(), labels: vec![1] });
    }

    #[test]
    fn wrong_magic_is_refused() {
        assert_refused(0, idx(0x801, &[2, 1, 2], &[0; 4]), &["wrong magic number 0x00000801", "0x00000803"]);
        assert_refused(1, idx(0x803, &[2], &[0; 2]), &["wrong magic number 0x00000803", "0x00000801"]);
        // Little-endian, and elements of another type than bytes.
        assert_refused(2, idx(0x0308_0000, &[1, 1, 2], &[0; 2]), &["wrong magic number"]);
        assert_refused(3, idx(0x0d01, &[1], &[0]), &["wrong magic number"]);
    }

    #[test]
    fn a_file_that_ends_within_its_header_or_elements_is_refused() {
        assert_refused(0, vec![], &["truncated", "0 bytes"]);
        assert_refused(0, idx(0x803, &[2, 1], &[]), &["truncated", "12 bytes"]);
        assert_refused(0, idx(0x803, &[2, 1, 2], &[0; 3]), &["truncated", "3 bytes", "[2, 1, 2] = 4"]);
        assert_refused(3, idx(0x801, &[1], &[]), &["truncated", "0 bytes"]);
    }

    #[test]
    fn bytes_after_the_elements_are_refused() {
        assert_refused(0, idx(0x803, &[2, 1, 2], &[0; 5]), &["oversized", "5 bytes", "[2, 1, 2] = 4"]);
        assert_refused(1, idx(0x801, &[2], &[0; 3]), &["oversized", "3 bytes"]);
    }

    #[test]
    fn a_header_that_announces_more_than_memory_is_only_truncated() {
        assert_refused(0, idx(0x803, &[u32::MAX; 3], &[0; 4]), &["truncated", "4 bytes"]);
    }

    #[test]
    fn a_label_outside_the_classes_is_refused_with_its_example() {
        assert_refused(1, idx(0x801, &[2], &[2, 3]), &["example 1", "labelled 3", "0 to 2"]);
    }

    #[test]
    fn labels_for_another_number_of_images_are_refused() {
        assert_refused(1, idx(0x801, &[3], &[0, 1, 2]), &["3 labels for the 2 images of train-images"]);
    }

    #[test]
    fn images_of_another_shape_than_declared_are_refused() {
        assert_refused(2, idx(0x803, &[1, 2, 1], &[0; 2]), &["[1, 2, 1]", "shape = [1, 1, 2]"]);
    }
}
