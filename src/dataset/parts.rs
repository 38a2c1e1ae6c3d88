//! A data set's two parts, as formats gather them from files.

use super::{Dataset, Examples, Failure, Source};
use crate::spec::DatasetSpec;

/// One part as it grows, file after file.
#[derive(Default)]
pub struct Part {
    pub pixels: Vec<u8>,
    pub labels: Vec<u16>,
}

impl Part {
    /// Adds labels as files have them; one outside the classes is an error.
    pub fn label<N: Copy + TryInto<i128>>(&mut self, labels: &[N], spec: &DatasetSpec) -> Result<(), String> {
        let (first, last) = (self.labels.len(), spec.classes.saturating_sub(1));
        for label in labels {
            let number: Option<i128> = (*label).try_into().ok();
            let class = number.and_then(|n| u16::try_from(n).ok()).filter(|n| usize::from(*n) < spec.classes);
            let Some(class) = class else {
                let (example, number) = (self.labels.len() - first, number.unwrap_or(i128::MAX));
                return Err(format!("example {example} (from 0) is labelled {number}, classes are 0 to {last}"));
            };
            self.labels.push(class);
        }
        Ok(())
    }
}

/// Pixels of one example.
pub fn area(spec: &DatasetSpec) -> usize {
    spec.shape.iter().product()
}

/// Both parts from their files, each read by `parse`, which adds its examples to the part. Where there are no files of
/// the test part, its examples are the last of the others.
pub fn gather(
    source: &Source<'_>,
    [train, test]: [&[String]; 2],
    parse: impl Fn(Vec<u8>, &mut Part) -> Result<(), String>,
) -> Result<Dataset, Failure> {
    let names = [train, test].concat();
    let mut parts = [Part::default(), Part::default()];
    for ((name, content), number) in names.iter().zip(source.files(&names)?).zip(0..) {
        if source.watch.is_stopped() {
            return Err(Failure::Interrupted);
        }
        let part = &mut parts[usize::from(number >= train.len())];
        parse(content, part).map_err(|e| format!("{name}: {e}"))?;
    }
    let [mut train, mut rest] = parts;
    if test.is_empty() {
        rest = hold_out(&mut train, source.spec)?;
    }
    let examples = |part: Part| Examples { shape: source.spec.shape, pixels: part.pixels.into(), labels: part.labels };
    Ok(Dataset { train: examples(train), test: examples(rest) })
}

/// Takes the declared number of test examples from the end.
pub fn hold_out(train: &mut Part, spec: &DatasetSpec) -> Result<Part, String> {
    let all = train.labels.len();
    let left = all.checked_sub(spec.test).ok_or_else(|| {
        format!("of {all} examples, the last {} cannot be those of the test part: correct `test`", spec.test)
    })?;
    Ok(Part { pixels: train.pixels.split_off(left * area(spec)), labels: train.labels.split_off(left) })
}
