//! Data sets in parquet, as Hugging Face distributes them: a row an example.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::parts::gather;
use super::{Dataset, Failure, Format, Source};
use crate::registry::Plugin;

#[cfg_attr(not(feature = "parquet"), path = "parquet/without.rs")]
mod rows;

/// A column of images, PNG or JPEG, each bytes or a structure with `bytes`; and one of whole numbers. Images are of the
/// declared shape, of one channel or three. Only a Tombola that is built with the feature `parquet` reads it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Parquet {
    /// Files of the training examples, in their order.
    pub train: Vec<String>,
    /// Files of the test examples. None: the last of the training files' examples, as many as `test` of the data set says.
    pub test: Vec<String>,
    /// The column of images.
    pub image: String,
    /// The column of labels.
    pub label: String,
}

/// Hugging Face's names, of data sets of one file for each part.
impl Default for Parquet {
    fn default() -> Self {
        Parquet {
            train: vec!["train-00000-of-00001.parquet".into()],
            test: vec!["test-00000-of-00001.parquet".into()],
            image: "image".into(),
            label: "label".into(),
        }
    }
}

impl Plugin for Parquet {
    const NAME: &'static str = "parquet";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Parquet, as Hugging Face distributes data sets (a Cargo feature)";
    const SOURCE: &'static str = "https://huggingface.co/docs/datasets/image_dataset";
    const EXAMPLE: &'static str = r#"image = "img", label = "fine_label""#;
}

impl Format for Parquet {
    fn files(&self) -> Vec<&str> {
        self.train.iter().chain(&self.test).map(String::as_str).collect()
    }

    fn read(&self, source: &Source<'_>) -> Result<Dataset, Failure> {
        built()?;
        gather(source, [&self.train, &self.test], |content, part| self.rows(content, source.spec, part))
    }
}

/// Before gigabytes are read in vain.
fn built() -> Result<(), String> {
    match cfg!(feature = "parquet") {
        true => Ok(()),
        false => Err("this tombola is built without parquet: `cargo build --release --features parquet`".into()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::dataset::tests::{Files, declaration};
    use crate::registry::Use;
    use crate::spec::DatasetSpec;

    #[test]
    fn without_the_feature_an_error_says_how_to_build_with_it() {
        let format = Use { name: Parquet::NAME.into(), config: json!({}), version: Parquet::VERSION };
        let error = Files::new(&[]).load(DatasetSpec { format, ..declaration("tiny", vec![]) }).unwrap_err();
        assert_eq!(error.contains("--features parquet"), cfg!(not(feature = "parquet")), "{error}");
    }

    /// What pyarrow wrote: `python3 parquets.py` with pyarrow 26.0 and Pillow 13.0, where parquets.py is
    ///
    ///     import io, pyarrow as pa, pyarrow.parquet as pq
    ///     from PIL import Image
    ///     def encoded(kind, mode, pixels):
    ///         image, out = Image.new(mode, (2, 1)), io.BytesIO()
    ///         image.putdata(pixels)
    ///         image.save(out, kind)
    ///         return out.getvalue()
    ///     colours = [[(1, 2, 3), (4, 5, 6)], [(7, 8, 9), (10, 11, 12)], [(13, 14, 15), (16, 17, 18)]]
    ///     images = [{"bytes": encoded("PNG", "RGB", pixels), "path": None} for pixels in colours]
    ///     labels = {"fine_label": pa.array([2, 0, 1], pa.int64()), "coarse_label": pa.array([1, 0, 0], pa.int64())}
    ///     table = pa.table({"img": images} | labels)
    ///     table = table.replace_schema_metadata({"huggingface": '{"info": {"features": {"img": {"_type": "Image"}}}}'})
    ///     pq.write_table(table, "colours.parquet", compression="snappy")
    ///     flat = [encoded("PNG", "L", [20, 30]), encoded("PNG", "L", [40, 50])]
    ///     grey = pa.table({"image": flat, "label": pa.array([1, 0], pa.int32())})
    ///     pq.write_table(grey, "grey.parquet", compression="zstd")
    #[cfg(feature = "parquet")]
    mod with_the_feature {
        use proptest::prelude::*;

        use super::*;
        use crate::dataset::Dataset;

        const COLOURS: &[u8] = include_bytes!("fixtures/colours.parquet");
        const GREY: &[u8] = include_bytes!("fixtures/grey.parquet");

        /// The file "tiny.parquet", of two examples to train on and the rest.
        fn load(bytes: &[u8], more: serde_json::Value, change: impl Fn(&mut DatasetSpec)) -> Result<Dataset, String> {
            let mut config = json!({ "train": ["tiny.parquet"], "test": [] });
            config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let format = Use { name: Parquet::NAME.into(), config, version: Parquet::VERSION };
            let shape = [3, 1, 2];
            let mut spec = DatasetSpec { format, classes: 3, shape, train: 2, test: 1, ..declaration("tiny", vec![]) };
            change(&mut spec);
            Files::new(&[("tiny.parquet", bytes)]).load(spec)
        }

        fn colours() -> serde_json::Value {
            json!({ "image": "img", "label": "fine_label" })
        }

        #[test]
        fn images_in_a_structure_are_decoded_channel_after_channel() {
            let Dataset { train, test } = load(COLOURS, colours(), |_| {}).unwrap();
            assert_eq!((train.labels, test.labels), (vec![2, 0], vec![1]));
            assert_eq!(train.pixels[..], [1, 4, 2, 5, 3, 6, 7, 10, 8, 11, 9, 12]);
            assert_eq!(test.pixels[..], [13, 16, 14, 17, 15, 18]);
            let coarse = load(COLOURS, json!({ "image": "img", "label": "coarse_label" }), |_| {}).unwrap();
            assert_eq!(coarse.train.labels, [1, 0]);
        }

        #[test]
        fn grey_images_in_a_flat_column_have_one_channel() {
            let grey = |spec: &mut DatasetSpec| (spec.shape, spec.train) = ([1, 1, 2], 1);
            let Dataset { train, test } = load(GREY, json!({}), grey).unwrap();
            assert_eq!((&train.pixels[..], &train.labels[..]), (&[20, 30][..], &[1][..]));
            assert_eq!((&test.pixels[..], &test.labels[..]), (&[40, 50][..], &[0][..]));
        }

        #[test]
        fn other_columns_shapes_and_labels_are_refused_with_the_example() {
            let refused = |more: serde_json::Value, change: fn(&mut DatasetSpec), part: &str| {
                let error = load(COLOURS, more, change).unwrap_err();
                assert!(error.contains("tiny.parquet: example 0 (from 0)") && error.contains(part), "{error}");
            };
            refused(
                json!({}),
                |_| {},
                "no column `label`: `image` and `label` of the format are two of img, fine_label",
            );
            refused(json!({ "image": "img", "label": "img" }), |_| {}, "`img` is no whole number");
            refused(json!({ "image": "fine_label", "label": "fine_label" }), |_| {}, "`fine_label` holds no bytes");
            refused(
                colours(),
                |spec| spec.shape = [3, 2, 2],
                "an image of 1 × 2, and the declaration says shape = [3, 2, 2]",
            );
            refused(colours(), |spec| spec.shape = [1, 1, 2], "an image of Rgb8");
            refused(colours(), |spec| spec.classes = 2, "labelled 2, classes are 0 to 1");
        }

        #[test]
        fn a_file_that_ends_too_early_is_refused() {
            for end in [0, 4, 100, COLOURS.len() / 2, COLOURS.len() - 1] {
                assert!(load(&COLOURS[..end], colours(), |_| {}).unwrap_err().contains("not parquet"), "{end}");
            }
        }

        #[test]
        fn a_file_that_says_of_itself_what_cannot_be_is_refused() {
            let mut damaged = COLOURS.to_vec();
            // A column begins at a negative place, which the library does not expect.
            damaged[1105] = 129;
            let error = load(&damaged, colours(), |_| {}).unwrap_err();
            assert!(error.contains("tiny.parquet: it is damaged: column start and length"), "{error}");
        }

        proptest! {
            #[test]
            fn a_damaged_file_gives_examples_or_an_error(at in 0..COLOURS.len(), byte in any::<u8>()) {
                let mut damaged = COLOURS.to_vec();
                damaged[at] = byte;
                let _ = load(&damaged, colours(), |_| {});
            }
        }
    }
}
