//! What a training is fed: batches, and what their logits say of their labels.

use std::borrow::Cow;
use std::rc::Rc;

use burn::tensor::{Device, Tensor, TensorData};

use super::resting::Resting;
use crate::dataset::batch::labels;
use crate::dataset::{Examples, Prepared};
use crate::device::{self, Compute};
use crate::loss::{self, Tally};
use crate::stage::Failure;

#[derive(Clone, Copy)]
pub(super) enum Split {
    Train,
    Validation,
    Test,
}

impl Split {
    /// Where its examples are, and which they are.
    pub fn of(self, data: &Prepared) -> (&Examples, &[u32]) {
        match self {
            Split::Train => (&data.dataset.train, &data.split.train),
            Split::Validation => (&data.dataset.train, &data.split.validation),
            Split::Test => (&data.dataset.test, &data.test),
        }
    }

    /// The labels of some of its examples.
    pub fn labels(self, data: &Prepared, indices: &[u32]) -> Vec<u16> {
        match self {
            Split::Train | Split::Validation => labels(&data.train_labels, indices),
            Split::Test => labels(&data.test_labels, indices),
        }
    }
}

/// A data set beside a device. Pixels are `[batch, pixels]`, logits `[batch, classes]`, and no graph follows either.
pub(super) trait Feed {
    /// The pixels of some examples of a split.
    fn pixels(&self, split: Split, indices: &[u32]) -> Tensor<2>;

    /// What the logits of some training examples say, and the mean loss's gradient with respect to them.
    /// Labels are smoothed.
    fn slope(&self, indices: &[u32], logits: Tensor<2>, smoothing: f64) -> Result<(Tally, Tensor<2>), Failure>;

    /// What the logits that `forward` makes of a split, or of some examples of it, say, in so large batches, in its
    /// order.
    fn tally(
        &self,
        part: (Split, usize),
        batch: usize,
        forward: &dyn Fn(Tensor<2>) -> Tensor<2>,
    ) -> Result<Tally, Failure>;
}

/// A data set for a device: on the host where tensors rest there, and there where they rest elsewhere.
pub(super) fn feed<'a>(data: &'a Prepared, compute: &'a Compute) -> Rc<dyn Feed + 'a> {
    match compute.hosted {
        true => Rc::new(Hosted { data, device: &compute.plain }),
        false => Rc::new(Resting::new(data, &compute.plain)),
    }
}

/// Batches are gathered on the host, and so are the sums over logits.
struct Hosted<'a> {
    data: &'a Prepared,
    device: &'a Device,
}

impl Feed for Hosted<'_> {
    fn pixels(&self, split: Split, indices: &[u32]) -> Tensor<2> {
        sent(self.data, split, indices, self.device)
    }

    fn slope(&self, indices: &[u32], logits: Tensor<2>, smoothing: f64) -> Result<(Tally, Tensor<2>), Failure> {
        let dims = logits.dims();
        let labels = Split::Train.labels(self.data, indices);
        let (tally, slope) =
            loss::tally_with_gradient(&device::fetched(logits)?, &labels, self.data.classes, smoothing);
        Ok((tally, Tensor::from_data(TensorData::new(slope, dims), self.device)))
    }

    fn tally(
        &self,
        (split, most): (Split, usize),
        batch: usize,
        forward: &dyn Fn(Tensor<2>) -> Tensor<2>,
    ) -> Result<Tally, Failure> {
        let indices = spaced(split.of(self.data).1, most);
        let mut total = Tally::default();
        for batch in indices.chunks(batch) {
            let logits = device::fetched(forward(self.pixels(split, batch)))?;
            total.add(&loss::tally(&logits, &split.labels(self.data, batch), self.data.classes));
        }
        Ok(total)
    }
}

/// At most so many of them, evenly spaced.
pub(super) fn spaced(indices: &[u32], most: usize) -> Cow<'_, [u32]> {
    match most < indices.len() {
        true => (0..most).map(|at| indices[at * indices.len() / most]).collect(),
        false => Cow::Borrowed(indices),
    }
}

/// Pixels that are gathered on the host.
pub(super) fn sent(data: &Prepared, split: Split, indices: &[u32], device: &Device) -> Tensor<2> {
    changed(data, split, indices, device, |_, _| {})
}

/// Pixels that are gathered on the host, and changed there: `change` is given them with the shape of an image.
pub(super) fn changed(
    data: &Prepared,
    split: Split,
    indices: &[u32],
    device: &Device,
    change: impl FnOnce(&mut [f32], [usize; 3]),
) -> Tensor<2> {
    let (examples, _) = split.of(data);
    let len = examples.shape.iter().product();
    let mut pixels = data.pixels(examples, indices, device::buffer(indices.len() * len));
    change(&mut pixels, examples.shape);
    Tensor::from_data(TensorData::new(pixels, [indices.len(), len]), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_of_a_split_come_from_all_of_it() {
        let indices: Vec<u32> = (10..20).collect();
        assert_eq!(*spaced(&indices, 4), [10, 12, 15, 17]);
        assert_eq!(*spaced(&indices, 10), indices);
        assert_eq!(*spaced(&indices, usize::MAX), indices);
    }
}
