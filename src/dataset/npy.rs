//! Arrays of numpy: .npy files, or an .npz archive of them.

use std::io::{Cursor, Read};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zip::ZipArchive;
use zip::result::ZipError;

use super::npy_array::{self, Array};
use super::parts::{Part, area, hold_out};
use super::{Dataset, Examples, Failure, Format, Source};
use crate::registry::Plugin;
use crate::spec::DatasetSpec;

/// Images are bytes: examples × height × width, with a third or last axis of channels where there are several. Labels are
/// whole numbers of any size, one for each image.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Npy {
    /// The file that holds all arrays, where they are in one .npz. Otherwise each is a file of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub npz: Option<String>,
    /// File, or array in `npz`, of the training images.
    pub train_images: String,
    /// File, or array in `npz`, of the training labels.
    pub train_labels: String,
    /// File, or array in `npz`, of the test images. "": the last of the training examples are the test part, as many as
    /// `test` of the data set says.
    pub test_images: String,
    /// File, or array in `npz`, of the test labels.
    pub test_labels: String,
    /// Where the channels of images with several are.
    pub channels: Channels,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Channels {
    /// Examples × height × width × channels.
    Last,
    /// Examples × channels × height × width.
    First,
}

impl Default for Npy {
    fn default() -> Self {
        Npy {
            npz: None,
            train_images: "train_images.npy".into(),
            train_labels: "train_labels.npy".into(),
            test_images: "test_images.npy".into(),
            test_labels: "test_labels.npy".into(),
            channels: Channels::Last,
        }
    }
}

impl Plugin for Npy {
    const NAME: &'static str = "npy";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Arrays of numpy, in .npy files or an .npz archive";
    const SOURCE: &'static str = "https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html";
    const EXAMPLE: &'static str = r#"npz = "mnist.npz", train_images = "x_train", train_labels = "y_train", test_images = "x_test", test_labels = "y_test""#;
}

impl Format for Npy {
    fn files(&self) -> Vec<&str> {
        match &self.npz {
            Some(npz) => vec![npz],
            None => self.arrays().into_iter().flatten().collect(),
        }
    }

    fn read(&self, source: &Source<'_>) -> Result<Dataset, Failure> {
        let archive = self.npz.as_ref().map(|npz| Ok::<_, String>((npz, source.file(npz)?))).transpose()?;
        let spec = source.spec;
        let content = |name: &str, most: u64| match &archive {
            Some((npz, bytes)) => member(bytes, name, most).map_err(|e| format!("{npz}: {e}")),
            None => source.file(name),
        };
        let place = |array: &str| self.npz.as_ref().map_or(array.into(), |npz| format!("{npz}: {array}"));
        let part = |[images, labels]: [&str; 2]| {
            let most = (spec.train as u64).saturating_add(spec.test as u64);
            let pixels = content(images, most.saturating_mul(area(spec) as u64))?;
            let mut part = Part::default();
            let count = self.images(pixels, spec, &mut part).map_err(|e| format!("{}: {e}", place(images)))?;
            let content = content(labels, most.saturating_mul(8))?;
            numbers(content, count, spec, &mut part).map_err(|e| format!("{}: {e}", place(labels)))?;
            Ok::<_, String>(part)
        };
        let [train, test] = [[&self.train_images, &self.train_labels], [&self.test_images, &self.test_labels]];
        let mut train = part(train.map(String::as_str))?;
        let test = match self.test_images.is_empty() {
            true => hold_out(&mut train, spec)?,
            false => part(test.map(String::as_str))?,
        };
        let examples = |part: Part| Examples { shape: spec.shape, pixels: part.pixels.into(), labels: part.labels };
        Ok(Dataset { train: examples(train), test: examples(test) })
    }
}

impl Npy {
    /// The names of the arrays that are read, part by part.
    fn arrays(&self) -> Vec<[&str; 2]> {
        let [train, test] = [[&self.train_images, &self.train_labels], [&self.test_images, &self.test_labels]];
        [train, test]
            .into_iter()
            .filter(|[images, _]| !images.is_empty())
            .map(|part| part.map(String::as_str))
            .collect()
    }

    /// Adds the images of an .npy file; and says how many they are.
    fn images(&self, content: Vec<u8>, spec: &DatasetSpec, part: &mut Part) -> Result<usize, String> {
        let Array { kind, columns_first, shape, elements, .. } = npy_array::read(&content)?;
        if kind != "u1" {
            let remedy = "save bytes, as `(images * 255).round().astype(numpy.uint8)` where they are from 0 to 1";
            return Err(format!("its images are of type {kind:?}, not bytes: {remedy}"));
        }
        let [channels, height, width] = spec.shape;
        let (expected, axes) = match (shape.len(), self.channels) {
            (3, _) if channels == 1 => (vec![height, width], "height × width"),
            (_, Channels::Last) => (vec![height, width, channels], "height × width × channels"),
            (_, Channels::First) => (vec![channels, height, width], "channels × height × width"),
        };
        let Some((count, found)) = shape.split_first().filter(|(_, found)| **found == expected) else {
            let found = shape.get(1..).unwrap_or_default();
            return Err(format!("its images are {found:?}, and the declared ones, {axes}, {expected:?}"));
        };
        if columns_first {
            return Err("it is in Fortran's order: save `numpy.ascontiguousarray(images)`".into());
        }
        match found.len() == 3 && self.channels == Channels::Last && channels > 1 {
            true => {
                part.pixels.extend(elements.chunks_exact(area(spec).max(1)).flat_map(|image| planar(image, channels)))
            }
            false => part.pixels.extend_from_slice(elements),
        }
        Ok(*count)
    }
}

/// An image whose channels come first, of one whose channels come last.
fn planar(image: &[u8], channels: usize) -> impl Iterator<Item = u8> {
    (0..channels).flat_map(move |channel| image[channel..].iter().step_by(channels).copied())
}

/// Adds the labels of an .npy file for so many images.
fn numbers(content: Vec<u8>, images: usize, spec: &DatasetSpec, part: &mut Part) -> Result<(), String> {
    let array = npy_array::read(&content)?;
    // Some data sets have a column of labels.
    if !matches!(array.shape[..], [_] | [_, 1]) {
        return Err(format!("its labels are {:?}: one for each image was expected", array.shape));
    }
    let labels = array.integers()?;
    if labels.len() != images {
        return Err(format!("it holds {} labels for {images} images", labels.len()));
    }
    part.label(&labels, spec)
}

/// Bytes of a header, at most.
const HEADER: u64 = 1 << 16;

/// The array of this name in an .npz file, read no further than `most` bytes and a header.
fn member(npz: &[u8], name: &str, most: u64) -> Result<Vec<u8>, String> {
    let mut archive = ZipArchive::new(Cursor::new(npz)).map_err(|e| format!("it is damaged, or not .npz: {e}"))?;
    if archive.has_duplicate_names() {
        return Err("it holds two arrays of one name: save each once, with numpy.savez".into());
    }
    let spellings = [name.to_string(), format!("{name}.npy")];
    let Some(index) = spellings.iter().find_map(|name| archive.index_for_name(name)) else {
        let names = archive.file_names().take(20).flatten();
        let names: Vec<_> = names.map(|name| name.trim_end_matches(".npy").to_string()).collect();
        return Err(format!("it holds no array {name:?}, but {names:?}"));
    };
    let entry = archive.by_index(index).map_err(|e| match e {
        ZipError::Io(why) => format!("{name}: {why}"),
        other => format!("{name}: {other}: save it with numpy.savez or numpy.savez_compressed"),
    })?;
    let most = most.saturating_add(HEADER);
    let mut bytes = Vec::new();
    entry.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(|e| format!("{name}: it is damaged: {e}"))?;
    match bytes.len() as u64 > most {
        true => Err(format!("{name}: it holds more than the {most} bytes of the declared examples")),
        false => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use serde_json::{Value, json};
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;
    use crate::dataset::tests::{Files, declaration};
    use crate::registry::Use;

    fn npy(descr: &str, shape: &[usize], elements: &[u8]) -> Vec<u8> {
        let sides: String = shape.iter().map(|side| format!("{side},")).collect();
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sides}), }}\n");
        [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), elements].concat()
    }

    /// Images of 1 × 2 pixels of so many channels, in three classes: two to train on, and one.
    fn spec(channels: usize, config: Value) -> DatasetSpec {
        let format = Use { name: Npy::NAME.into(), config, version: Npy::VERSION };
        DatasetSpec { format, classes: 3, shape: [channels, 1, 2], train: 2, ..declaration("tiny", vec![]) }
    }

    /// Images and labels of two and of one.
    fn arrays(train: Vec<u8>, test: Vec<u8>) -> [(&'static str, Vec<u8>); 4] {
        [
            ("train_images.npy", train),
            ("train_labels.npy", npy("<i8", &[2], &[2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])),
            ("test_images.npy", test),
            ("test_labels.npy", npy("|u1", &[1, 1], &[0])),
        ]
    }

    fn files(arrays: &[(&'static str, Vec<u8>)]) -> Files {
        Files::new(&arrays.iter().map(|(name, bytes)| (*name, &bytes[..])).collect::<Vec<_>>())
    }

    fn grey() -> [(&'static str, Vec<u8>); 4] {
        arrays(npy("|u1", &[2, 1, 2], &[1, 2, 3, 4]), npy("|u1", &[1, 1, 2], &[5, 6]))
    }

    #[test]
    fn images_without_channels_and_labels_of_any_size_are_read() {
        let dataset = files(&grey()).load(spec(1, json!({}))).unwrap();
        assert_eq!((&dataset.train.pixels[..], &dataset.train.labels[..]), (&[1, 2, 3, 4][..], &[2, 1][..]));
        assert_eq!((&dataset.test.pixels[..], &dataset.test.labels[..]), (&[5, 6][..], &[0][..]));
    }

    #[test]
    fn channels_come_first_in_memory_wherever_they_are_in_the_file() {
        // Red 1 and 4, green 2 and 5, blue 3 and 6.
        let last =
            arrays(npy("|u1", &[2, 1, 2, 3], &[[1, 2, 3, 4, 5, 6]; 2].concat()), npy("|u1", &[1, 1, 2, 3], &[7; 6]));
        let first =
            arrays(npy("|u1", &[2, 3, 1, 2], &[[1, 4, 2, 5, 3, 6]; 2].concat()), npy("|u1", &[1, 3, 1, 2], &[7; 6]));
        for (arrays, channels) in [(last, "last"), (first, "first")] {
            let dataset = files(&arrays).load(spec(3, json!({ "channels": channels }))).unwrap();
            assert_eq!(dataset.train.pixels[..], [[1, 4, 2, 5, 3, 6]; 2].concat());
        }
    }

    #[test]
    fn without_test_images_the_last_training_examples_are_the_test_part() {
        let config = json!({ "test_images": "", "test_labels": "" });
        let dataset = files(&grey()[..2]).load(DatasetSpec { train: 1, ..spec(1, config) }).unwrap();
        assert_eq!(
            (dataset.train.labels, dataset.test.labels, &dataset.test.pixels[..]),
            (vec![2], vec![1], &[3, 4][..])
        );
    }

    fn npz(arrays: &[(&'static str, Vec<u8>)]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in arrays {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn an_npz_holds_arrays_by_name_with_or_without_their_ending() {
        let names = json!({ "npz": "all.npz", "train_images": "train_images", "test_labels": "test_labels" });
        let dataset = files(&[("all.npz", npz(&grey()))]).load(spec(1, names)).unwrap();
        assert_eq!((&dataset.train.pixels[..], &dataset.test.labels[..]), (&[1, 2, 3, 4][..], &[0][..]));
        let lacking = json!({ "npz": "all.npz", "train_images": "x_train" });
        let error = files(&[("all.npz", npz(&grey()))]).load(spec(1, lacking)).unwrap_err();
        assert!(error.contains("all.npz: it holds no array \"x_train\"") && error.contains("train_images"), "{error}");
    }

    #[test]
    fn what_is_wrong_with_an_array_names_the_npz_and_the_array() {
        let mut arrays = grey();
        arrays[1].1 = npy("|O", &[2], b"a pickle");
        let error = files(&[("all.npz", npz(&arrays))]).load(spec(1, json!({ "npz": "all.npz" }))).unwrap_err();
        assert!(error.contains("all.npz: train_labels.npy: it holds Python's objects"), "{error}");
    }

    #[test]
    fn an_npz_with_a_name_twice_is_refused() {
        // The writer refuses to: the last of five names becomes the first.
        let mut arrays = grey().to_vec();
        arrays.push(("train_image_.npy", npy("|u1", &[2, 1, 2], &[9; 4])));
        let mut archive = npz(&arrays);
        let places: Vec<_> = (0..archive.len()).filter(|at| archive[*at..].starts_with(b"train_image_")).collect();
        places.iter().for_each(|at| archive[at + 11] = b's');
        assert_eq!(places.len(), 2, "beside the array, and in the directory");
        let error = files(&[("all.npz", archive)]).load(spec(1, json!({ "npz": "all.npz" }))).unwrap_err();
        assert!(error.contains("all.npz: it holds two arrays of one name"), "{error}");
    }

    #[test]
    fn an_npz_that_inflates_beyond_the_declared_examples_is_left() {
        let mut arrays = grey();
        arrays[0].1 = npy("|u1", &[1 << 26], &vec![0; 1 << 26]);
        let error = files(&[("all.npz", npz(&arrays))]).load(spec(1, json!({ "npz": "all.npz" }))).unwrap_err();
        assert!(error.contains("train_images.npy: it holds more than the 65542 bytes"), "{error}");
    }

    /// A file in the place of number `file` is an error that names it and every one of `parts`.
    fn assert_refused(file: usize, bytes: Vec<u8>, parts: &[&str]) {
        let mut arrays = grey();
        arrays[file].1 = bytes;
        let error = files(&arrays).load(spec(1, json!({}))).unwrap_err();
        for part in parts.iter().chain([&arrays[file].0]) {
            assert!(error.contains(part), "{part:?} is not in {error:?}");
        }
    }

    #[test]
    fn other_types_shapes_and_counts_are_refused() {
        let remedy = "(images * 255).round().astype(numpy.uint8)";
        assert_refused(0, npy("<f4", &[2, 1, 2], &[0; 16]), &["of type \"f4\", not bytes", remedy]);
        assert_refused(0, npy("|u1", &[2, 2, 1], &[0; 4]), &["its images are [2, 1]", "height × width, [1, 2]"]);
        assert_refused(0, npy("|u1", &[], &[0]), &["its images are []"]);
        assert_refused(2, npy("|u1", &[1, 1, 2, 3], &[0; 6]), &["its images are [1, 2, 3]", "[1, 2, 1]"]);
        assert_refused(1, npy("<f8", &[2], &[0; 16]), &["labels are of type \"f8\"", "astype(numpy.int64)"]);
        assert_refused(1, npy("|u1", &[3], &[0; 3]), &["3 labels for 2 images"]);
        assert_refused(1, npy("|u1", &[1, 2], &[0; 2]), &["its labels are [1, 2]"]);
        assert_refused(1, npy("|i1", &[2], &[0, 255]), &["example 1 (from 0) is labelled -1"]);
        assert_refused(3, b"no array".to_vec(), &["not .npy"]);
    }
}
