//! A data set that rests on a device: a step sends the numbers of its examples there, and two sums come back.

use std::cell::OnceCell;

use burn::tensor::{Device, Int, Tensor, TensorData, activation};

use super::feed::{Feed, Split, sent, spaced};
use crate::dataset::Prepared;
use crate::device;
use crate::loss::Tally;
use crate::stage::Failure;

/// Training and validation examples rest on the device from when they are first asked for, unless they are mapped and may be
/// more than it holds: then they are sent, batch by batch. So are test examples, which are looked at after a training.
pub(super) struct Resting<'a> {
    data: &'a Prepared,
    device: &'a Device,
    /// Of `data.dataset.train`.
    pixels: OnceCell<Option<Tensor<2>>>,
}

/// Examples that are sent at once: what they take on the host is small.
const SENT: usize = 1000;

impl<'a> Resting<'a> {
    pub fn new(data: &'a Prepared, device: &'a Device) -> Resting<'a> {
        Resting { data, device, pixels: OnceCell::new() }
    }

    /// The images, sent once.
    fn all(&self) -> Option<Tensor<2>> {
        let (data, device) = (self.data, self.device);
        let examples = &data.dataset.train;
        if examples.pixels.are_mapped() {
            return None;
        }
        let len: usize = examples.shape.iter().product();
        let all: Vec<u32> = (0..examples.labels.len() as u32).collect();
        let mut pixels = Tensor::<2>::empty([all.len(), len], device);
        for (start, some) in (0..).step_by(SENT).zip(all.chunks(SENT)) {
            pixels = pixels.slice_assign([start..start + some.len(), 0..len], sent(data, Split::Train, some, device));
        }
        Some(pixels)
    }

    /// `[batch, 1]`.
    fn labels(&self, split: Split, indices: &[u32]) -> Tensor<2, Int> {
        let labels = split.labels(self.data, indices);
        numbers(labels.into_iter().map(i32::from), self.device).reshape([indices.len(), 1])
    }
}

impl Feed for Resting<'_> {
    fn pixels(&self, split: Split, indices: &[u32]) -> Tensor<2> {
        match (split, self.pixels.get_or_init(|| self.all())) {
            (Split::Train | Split::Validation, Some(pixels)) => {
                let indices = numbers(indices.iter().map(|index| *index as i32), self.device);
                pixels.clone().select(0, indices)
            }
            _ => sent(self.data, split, indices, self.device),
        }
    }

    fn slope(&self, indices: &[u32], logits: Tensor<2>, smoothing: f64) -> Result<(Tally, Tensor<2>), Failure> {
        let Said { sums, slope } = says(logits, self.labels(Split::Train, indices), smoothing);
        Ok((tally(indices.len(), &device::fetched(sums)?), slope))
    }

    fn tally(
        &self,
        (split, most): (Split, usize),
        batch: usize,
        forward: &dyn Fn(Tensor<2>) -> Tensor<2>,
    ) -> Result<Tally, Failure> {
        let indices = spaced(split.of(self.data).1, most);
        let sums = indices.chunks(batch).map(|batch| {
            let logits = forward(self.pixels(split, batch));
            says(logits, self.labels(split, batch), 0.0).sums
        });
        let sums: Vec<Tensor<1>> = sums.collect();
        let mut total = Tally::default();
        if sums.is_empty() {
            return Ok(total);
        }
        // The one time that the host waits.
        let sums = device::fetched(Tensor::cat(sums, 0))?;
        indices.chunks(batch).zip(sums.chunks(2)).for_each(|(batch, sums)| total.add(&tally(batch.len(), sums)));
        Ok(total)
    }
}

fn numbers(values: impl Iterator<Item = i32>, device: &Device) -> Tensor<1, Int> {
    let values: Vec<i32> = values.collect();
    let len = values.len();
    Tensor::from_data(TensorData::new(values, [len]), device)
}

fn tally(examples: usize, sums: &[f32]) -> Tally {
    Tally { examples, loss: f64::from(sums[0]), correct: sums[1] as usize }
}

/// What a batch of logits says of its labels.
struct Said {
    /// The sum of the losses, and how many are right.
    sums: Tensor<1>,
    /// The mean loss's gradient with respect to the logits.
    slope: Tensor<2>,
}

/// Cross-entropy of softmax, as `loss` has it on the host. Labels are `[batch, 1]`.
fn says(logits: Tensor<2>, labels: Tensor<2, Int>, smoothing: f64) -> Said {
    let [batch, classes] = logits.dims();
    let class = Tensor::<1, Int>::arange(0..classes as i64, &logits.device()).reshape([1, classes]);
    let (class, label) = (class.expand([batch, classes]), labels.clone().expand([batch, classes]));
    let is_label = class.clone().equal(label.clone());
    let log_p = activation::log_softmax(logits.clone(), 1);
    let mut loss = log_p.clone().mask_fill(is_label.clone().bool_not(), 0.0).sum().neg();
    let mut target = is_label.float();
    if smoothing > 0.0 {
        // Every class has its part of the label, and the label the rest.
        let part = smoothing / classes as f64;
        loss = loss * (1.0 - smoothing) - log_p.clone().sum() * part;
        target = target * (1.0 - smoothing) + part;
    }
    // The first of equal logits is the answer; where one is not a number, there is none.
    let own = logits.clone().gather(1, labels).expand([batch, classes]);
    let behind = logits.clone().equal(own.clone()).bool_and(class.greater_equal(label));
    let passed = logits.lower(own).bool_or(behind).int().sum_dim(1).equal_elem(classes as i64);
    let sums = Tensor::cat(vec![loss, passed.int().sum().float()], 0);
    Said { sums, slope: (log_p.exp() - target) / batch as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::testing::devices;
    use crate::loss::tally_with_gradient;

    fn said(logits: &[f32], labels: &[u16], smoothing: f64, device: &Device) -> (Tally, Vec<f32>) {
        let batch = labels.len();
        let logits = Tensor::from_data(TensorData::new(logits.to_vec(), [batch, logits.len() / batch]), device);
        let labels = numbers(labels.iter().map(|label| i32::from(*label)), device).reshape([batch, 1]);
        let Said { sums, slope } = says(logits, labels, smoothing);
        (tally(batch, &device::fetched(sums).unwrap()), device::fetched(slope).unwrap())
    }

    #[test]
    fn a_device_says_of_logits_what_the_host_says() {
        // The second row has two largest logits, and its label is the second of them; the third's is the first.
        let logits = [0.5, -1.0, 2.0, 3.0, 1.0, 3.0, 7.0, 7.0, -7.0, 1e30, -1e30, 0.0];
        let labels = [2, 2, 0, 0];
        for (device, smoothing) in devices().flat_map(|device| [0.0, 0.1].map(|s| (device.clone(), s))) {
            // Of the last row, whose logits are huge, a part of the loss would be, too.
            let (logits, labels) =
                if smoothing > 0.0 { (&logits[..9], &labels[..3]) } else { (&logits[..], &labels[..]) };
            let (found, slope) = said(logits, labels, smoothing, &device);
            let (tally, expected) = tally_with_gradient(logits, labels, 3, smoothing);
            assert_eq!((found.examples, found.correct), (tally.examples, tally.correct));
            assert!((found.loss - tally.loss).abs() < 1e-6 * tally.loss, "{} and {}", found.loss, tally.loss);
            assert!(slope.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-7), "{slope:?}, not {expected:?}");
        }
    }

    #[test]
    fn a_logit_that_is_no_number_is_a_nan_loss_and_no_right_answer() {
        for device in devices() {
            let (found, _) = said(&[f32::NAN, 1.0, 2.0, 1.0], &[1, 0], 0.0, &device);
            assert!(found.loss.is_nan() && found.correct == 1, "{found:?}");
        }
    }
}
