//! CIFAR's Python archives: files of a pickled dictionary with an array of images and a list of labels.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cifar::Labels;
use super::parts::{Part, area, gather};
use super::pickle::Pickle;
use super::{Dataset, Failure, Format, Source};
use crate::registry::Plugin;
use crate::spec::DatasetSpec;

/// Files of pickles, read as data: nothing that they name is run. Each is a dictionary: `data` is an array of bytes, a row
/// an image, channel after channel; `labels`, or `fine_labels` and `coarse_labels`, are lists.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CifarPython {
    /// Files of the training examples, in their order.
    pub train: Vec<String>,
    /// Files of the test examples. None: the last of the training files' examples, as many as `test` of the data set says.
    pub test: Vec<String>,
    /// Which of CIFAR-100's two labels counts. Without it, there is one, as in CIFAR-10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Labels>,
}

/// CIFAR-10's names.
impl Default for CifarPython {
    fn default() -> Self {
        let name = |number: usize| format!("cifar-10-batches-py/data_batch_{number}");
        let test = vec!["cifar-10-batches-py/test_batch".into()];
        CifarPython { train: (1..=5).map(name).collect(), test, labels: None }
    }
}

impl Plugin for CifarPython {
    const NAME: &'static str = "cifar-python";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "CIFAR-10's and CIFAR-100's Python archives";
    const SOURCE: &'static str = "https://www.cs.toronto.edu/~kriz/cifar.html";
    const EXAMPLE: &'static str =
        r#"train = ["cifar-100-python/train"], test = ["cifar-100-python/test"], labels = "fine""#;
}

impl Format for CifarPython {
    fn files(&self) -> Vec<&str> {
        self.train.iter().chain(&self.test).map(String::as_str).collect()
    }

    fn read(&self, source: &Source<'_>) -> Result<Dataset, Failure> {
        gather(source, [&self.train, &self.test], |content, part| batch(&content, self.labels, source.spec, part))
    }
}

/// Adds a file's examples to `part`.
fn batch(bytes: &[u8], labels: Option<Labels>, spec: &DatasetSpec, part: &mut Part) -> Result<(), String> {
    let key = match labels {
        None => "labels",
        Some(Labels::Fine) => "fine_labels",
        Some(Labels::Coarse) => "coarse_labels",
    };
    let pickle = Pickle::read(bytes)?;
    let (shape, pixels) = pickle.bytes(pickle.get("data")?).map_err(|e| format!("`data` is {e}"))?;
    let labels = pickle.integers(pickle.get(key)?).map_err(|e| format!("`{key}` is {e}"))?;
    let [count, row] = shape[..] else { return Err(format!("`data` is of {shape:?}: a row an image was expected")) };
    if row != area(spec) as u64 {
        return Err(format!("its images are {row} bytes, the declaration says shape = {:?}", spec.shape));
    }
    if count != labels.len() as u64 {
        return Err(format!("it holds {} `{key}` for {count} images", labels.len()));
    }
    part.label(&labels, spec)?;
    part.pixels.extend_from_slice(&pixels);
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::dataset::tests::{Files, declaration};
    use crate::registry::Use;

    /// What Python's pickle wrote: `python3 pickles.py` with Python 3.11 and numpy 2.4, where pickles.py is
    ///
    ///     import pickle, numpy
    ///     data = numpy.arange(18, dtype=numpy.uint8).reshape(3, 6) * 14
    ///     names = ["a.png", "b.png", "c.png"]
    ///     ten = {"batch_label": "training batch 1 of 1", "labels": [2, 0, 1], "data": data, "filenames": names}
    ///     hundred = {"filenames": names, "fine_labels": [2, 0, 1], "coarse_labels": [1, 0, 0], "data": data}
    ///     for protocol in (2, 4, 5):
    ///         open(f"ten-{protocol}.pickle", "wb").write(pickle.dumps(ten, protocol))
    ///     open("hundred-2.pickle", "wb").write(pickle.dumps(hundred, 2))
    ///     for protocol in (2, 4):
    ///         bytes = {key.encode(): value for key, value in ten.items()}
    ///         open(f"bytes-{protocol}.pickle", "wb").write(pickle.dumps(bytes, protocol))
    const TEN: [&[u8]; 5] = [
        include_bytes!("fixtures/ten-2.pickle"),
        include_bytes!("fixtures/ten-4.pickle"),
        include_bytes!("fixtures/ten-5.pickle"),
        include_bytes!("fixtures/bytes-2.pickle"),
        include_bytes!("fixtures/bytes-4.pickle"),
    ];
    const HUNDRED: &[u8] = include_bytes!("fixtures/hundred-2.pickle");

    /// As Python 2 wrote CIFAR's own files: texts and bytes are one, and the module has numpy's old name.
    const OLD: &[u8] = b"\x80\x02}q\x01(U\x06labelsq\x02]q\x03(K\x02K\x00eU\x04dataq\x04cnumpy.core.multiarray\n\
        _reconstruct\nq\x05cnumpy\nndarray\nq\x06K\x00\x85q\x07U\x01b\x87Rq\x08(K\x01K\x02K\x06\x86q\tcnumpy\ndtype\nq\n\
        U\x02u1K\x00K\x01\x87Rq\x0b(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T\x0c\0\0\0\
        \x01\x02\x03\x04\x05\x06\xf1\xf2\xf3\xf4\xf5\xf6tbu.";

    /// Images of three channels of 1 × 2 pixels in three classes.
    fn spec(config: serde_json::Value) -> DatasetSpec {
        let format = Use { name: CifarPython::NAME.into(), config, version: CifarPython::VERSION };
        DatasetSpec { format, classes: 3, shape: [3, 1, 2], train: 2, test: 1, ..declaration("tiny", vec![]) }
    }

    #[test]
    fn what_python_pickled_is_read_whatever_the_protocol_and_whether_keys_are_texts_or_bytes() {
        for bytes in TEN {
            let dataset = Files::new(&[("ten", bytes)]).load(spec(json!({ "train": ["ten"], "test": [] }))).unwrap();
            assert_eq!((dataset.train.labels, dataset.test.labels), (vec![2, 0], vec![1]));
            assert_eq!(dataset.train.pixels[..], (0..12).map(|n| n * 14).collect::<Vec<u8>>());
            assert_eq!(dataset.test.pixels[..], [168, 182, 196, 210, 224, 238]);
        }
    }

    #[test]
    fn of_two_labels_one_counts() {
        for (labels, expected) in [("fine", [2, 0]), ("coarse", [1, 0])] {
            let config = json!({ "train": ["hundred"], "test": [], "labels": labels });
            assert_eq!(Files::new(&[("hundred", HUNDRED)]).load(spec(config)).unwrap().train.labels, expected);
        }
        let error = Files::new(&[("hundred", HUNDRED)]).load(spec(json!({ "train": ["hundred"], "test": [] })));
        let error = error.unwrap_err();
        for part in ["hundred: its dictionary has no \"labels\"", "fine_labels", "coarse_labels"] {
            assert!(error.contains(part), "{part:?} is not in {error:?}");
        }
    }

    #[test]
    fn what_python_2_pickled_is_read() {
        let mut part = Part::default();
        batch(OLD, None, &spec(json!({})), &mut part).unwrap();
        assert_eq!(part.labels, [2, 0]);
        assert_eq!(part.pixels, [1, 2, 3, 4, 5, 6, 241, 242, 243, 244, 245, 246]);
    }

    #[test]
    fn another_shape_another_number_of_labels_and_labels_outside_the_classes_are_refused() {
        let refused = |spec: DatasetSpec, bytes: &[u8]| batch(bytes, None, &spec, &mut Part::default()).unwrap_err();
        let other = DatasetSpec { shape: [1, 2, 2], ..spec(json!({})) };
        assert!(refused(other, OLD).contains("its images are 6 bytes, the declaration says shape = [1, 2, 2]"));
        let few = DatasetSpec { classes: 2, ..spec(json!({})) };
        assert!(refused(few, OLD).contains("example 0 (from 0) is labelled 2, classes are 0 to 1"));
        let at = OLD.windows(5).position(|bytes| bytes == b"K\x02K\0e").unwrap();
        let short = [&OLD[..at + 2], &OLD[at + 4..]].concat();
        assert!(refused(spec(json!({})), &short).contains("1 `labels` for 2 images"));
    }

    #[test]
    fn a_pickle_that_would_run_something_is_refused_by_what_it_would_run() {
        // pickle.dumps of an object whose __reduce__ is (os.system, ("true",)), protocol 2.
        let evil = b"\x80\x02cposix\nsystem\nq\x00X\x04\x00\x00\x00trueq\x01\x85q\x02Rq\x03.";
        let error = batch(evil, None, &spec(json!({})), &mut Part::default()).unwrap_err();
        assert!(error.contains("it would call posix.system, which is not done"), "{error}");
    }
}
