//! CIFAR's binary format: records of one or two label bytes and an image, channel after channel.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::parts::{Part, area, gather};
use super::{Dataset, Failure, Format, Source};
use crate::registry::Plugin;
use crate::spec::DatasetSpec;

/// Files of records: a label, or a coarse and a fine one, a byte each, and then the image's bytes, red, green, blue.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cifar {
    /// Files of the training examples, in their order.
    pub train: Vec<String>,
    /// Files of the test examples. None: the last of the training files' examples, as many as `test` of the data set says.
    pub test: Vec<String>,
    /// Which of CIFAR-100's two labels counts. Without it, records have one label, as CIFAR-10's have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Labels>,
}

/// CIFAR-100 has 100 fine classes within 20 coarse ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Labels {
    Fine,
    Coarse,
}

/// CIFAR-10's names.
impl Default for Cifar {
    fn default() -> Self {
        let name = |number: usize| format!("cifar-10-batches-bin/data_batch_{number}.bin");
        let test = vec!["cifar-10-batches-bin/test_batch.bin".into()];
        Cifar { train: (1..=5).map(name).collect(), test, labels: None }
    }
}

impl Plugin for Cifar {
    const NAME: &'static str = "cifar";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "CIFAR-10's and CIFAR-100's binary records";
    const SOURCE: &'static str = "https://www.cs.toronto.edu/~kriz/cifar.html";
    const EXAMPLE: &'static str =
        r#"train = ["cifar-100-binary/train.bin"], test = ["cifar-100-binary/test.bin"], labels = "fine""#;
}

impl Format for Cifar {
    fn files(&self) -> Vec<&str> {
        self.train.iter().chain(&self.test).map(String::as_str).collect()
    }

    fn read(&self, source: &Source<'_>) -> Result<Dataset, Failure> {
        gather(source, [&self.train, &self.test], |content, part| records(&content, self.labels, source.spec, part))
    }
}

/// Adds a file's records to `part`.
fn records(bytes: &[u8], labels: Option<Labels>, spec: &DatasetSpec, part: &mut Part) -> Result<(), String> {
    // How many label bytes there are, and which one counts.
    let (count, counts) = match labels {
        None => (1, 0),
        Some(Labels::Coarse) => (2, 0),
        Some(Labels::Fine) => (2, 1),
    };
    let record = count + area(spec);
    if !bytes.len().is_multiple_of(record) {
        let [shape, whole] = [format!("{:?}", spec.shape), format!("{} bytes", bytes.len())];
        return Err(format!(
            "{whole} are no whole number of records of {record}: {count} of labels, images of {shape}"
        ));
    }
    part.pixels.reserve_exact(bytes.len() / record * area(spec));
    let chosen: Vec<u8> = bytes.chunks_exact(record).map(|record| record[counts]).collect();
    part.label(&chosen, spec)?;
    bytes.chunks_exact(record).for_each(|record| part.pixels.extend(&record[count..]));
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::dataset::tests::{Files, declaration};
    use crate::registry::Use;

    /// Images of two channels of 1 × 2 pixels in three classes, read by this configuration.
    fn spec(config: serde_json::Value) -> DatasetSpec {
        let format = Use { name: Cifar::NAME.into(), config, version: Cifar::VERSION };
        DatasetSpec { format, classes: 3, shape: [2, 1, 2], train: 3, ..declaration("tiny", vec![]) }
    }

    #[test]
    fn a_record_is_a_label_and_the_channels_one_after_another() {
        let files = Files::new(&[
            ("a.bin", &[2, 10, 20, 30, 40, 0, 50, 60, 70, 80]),
            ("b.bin", &[1, 1, 2, 3, 4]),
            ("c.bin", &[1, 5, 6, 7, 8]),
        ]);
        let dataset = files.load(spec(json!({ "train": ["a.bin", "b.bin"], "test": ["c.bin"] }))).unwrap();
        assert_eq!(dataset.train.labels, [2, 0, 1]);
        assert_eq!(dataset.train.pixels[..], [10, 20, 30, 40, 50, 60, 70, 80, 1, 2, 3, 4]);
        assert_eq!((&dataset.test.labels[..], &dataset.test.pixels[..]), (&[1][..], &[5, 6, 7, 8][..]));
        assert_eq!(dataset.test.shape, [2, 1, 2]);
    }

    #[test]
    fn of_two_labels_the_first_is_coarse_and_the_second_fine() {
        let files = Files::new(&[("a.bin", &[0, 2, 9, 9, 9, 9].repeat(3)), ("b.bin", &[1, 0, 8, 8, 8, 8])]);
        for (labels, train, test) in [("coarse", 0, 1), ("fine", 2, 0)] {
            let config = json!({ "train": ["a.bin"], "test": ["b.bin"], "labels": labels });
            let dataset = files.load(spec(config)).unwrap();
            assert_eq!((&dataset.train.labels[..], &dataset.test.labels[..]), (&[train; 3][..], &[test][..]));
            assert_eq!(dataset.test.pixels[..], [8; 4]);
        }
    }

    #[test]
    fn without_test_files_the_last_examples_are_the_test_part() {
        let files =
            Files::new(&[("a.bin", &[0, 1, 1, 1, 1, 1, 2, 2, 2, 2]), ("b.bin", &[2, 3, 3, 3, 3, 0, 4, 4, 4, 4])]);
        let dataset = files.load(spec(json!({ "train": ["a.bin", "b.bin"], "test": [] }))).unwrap();
        assert_eq!(dataset.train.labels, [0, 1, 2]);
        assert_eq!((dataset.test.labels, &dataset.test.pixels[..]), (vec![0], &[4; 4][..]));
        let short = DatasetSpec { test: 5, ..spec(json!({ "train": ["a.bin", "b.bin"], "test": [] })) };
        assert!(files.load(short).unwrap_err().contains("of 4 examples, the last 5"));
    }

    #[test]
    fn half_a_record_is_refused_with_the_files_name_and_a_records_bytes() {
        let files = Files::new(&[("a.bin", &[0; 14]), ("b.bin", &[0; 5])]);
        let error = files.load(spec(json!({ "train": ["a.bin"], "test": ["b.bin"] }))).unwrap_err();
        for part in ["a.bin: 14 bytes", "records of 5", "1 of labels", "[2, 1, 2]"] {
            assert!(error.contains(part), "{part:?} is not in {error:?}");
        }
    }

    #[test]
    fn a_label_outside_the_classes_is_refused_with_its_file_and_example() {
        let files = Files::new(&[("a.bin", &[0, 9, 9, 9, 9, 3, 9, 9, 9, 9]), ("b.bin", &[0; 5])]);
        let error = files.load(spec(json!({ "train": ["a.bin"], "test": ["b.bin"] }))).unwrap_err();
        assert!(error.contains("a.bin: example 1 (from 0) is labelled 3, classes are 0 to 2"), "{error}");
    }

    #[test]
    fn a_file_that_is_named_twice_is_refused() {
        let files = Files::new(&[("a.bin", &[0; 5])]);
        let error = files.load(spec(json!({ "train": ["a.bin"], "test": ["a.bin"] }))).unwrap_err();
        assert!(error.contains("\"a.bin\" is named twice"), "{error}");
    }

    proptest! {
        #[test]
        fn whatever_the_bytes_are_there_is_an_error_or_an_image_for_each_label(
            bytes in prop::collection::vec(0u8..4, 0..60), two in any::<bool>()
        ) {
            let (mut part, labels) = (Part::default(), two.then_some(Labels::Fine));
            if records(&bytes, labels, &spec(json!({})), &mut part).is_ok() {
                prop_assert_eq!(part.pixels.len(), 4 * part.labels.len());
                prop_assert!(part.labels.iter().all(|label| *label < 3));
            }
        }
    }
}
