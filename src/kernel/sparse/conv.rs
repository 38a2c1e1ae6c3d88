//! A convolution of which only the kept weights exist, without im2col: each kept weight is one constant offset in planes
//! of pixels, and multiplies whole vectors of them.

use super::aligned::Aligned;
use super::general::General;
use crate::kernel::conv::Conv;
use crate::kernel::tasks::each_part;

/// Gradients of values are summed in this many parts of the batch, then together: so many threads can share the work, and
/// the order does not depend on how many there are.
const PARTS: usize = 4;

/// The pattern of a pruned weight `[outputs, inputs, kernel, kernel]`. Values are in the order of the kept indices.
pub struct SparseConv {
    shape: Conv,
    kept: usize,
    way: Way,
}

enum Way {
    Aligned(Aligned),
    General(General),
}

/// One kept weight; `at` is its (row, column) in the kernel.
#[derive(Clone, Copy)]
pub(super) struct Tap {
    pub output: usize,
    pub input: usize,
    pub at: (usize, usize),
}

impl SparseConv {
    /// `kept`: rising indices into the row-major dense weight. The shape's `batch` does not matter.
    pub fn new(shape: Conv, kept: impl Iterator<Item = usize>) -> Self {
        let Conv { inputs, height, width, outputs, kernel, stride, padding, .. } = shape;
        assert!(kernel > 0 && stride > 0 && inputs * outputs > 0, "a convolution has taps and channels");
        assert!(height.min(width) + 2 * padding >= kernel, "the kernel is larger than the padded image");
        let kept: Vec<usize> = kept.collect();
        assert!(kept.is_sorted_by(|a, b| a < b), "kept indices must rise");
        let taps: Vec<Tap> = kept
            .iter()
            .map(|at| {
                let (channels, tap) = (at / (kernel * kernel), at % (kernel * kernel));
                Tap { output: channels / inputs, input: channels % inputs, at: (tap / kernel, tap % kernel) }
            })
            .collect();
        assert!(taps.iter().all(|tap| tap.output < outputs), "a kept index is past the weight's end");
        let aligned = Aligned::new(shape, &taps).map(Way::Aligned);
        let way = aligned.unwrap_or_else(|| Way::General(General::new(shape, &taps)));
        Self { shape, kept: kept.len(), way }
    }

    /// How many weights are kept.
    pub fn kept(&self) -> usize {
        self.kept
    }

    /// y `[batch, outputs, …]` from x `[batch, inputs, height, width]`, with max(·, 0) if `relu`.
    pub fn forward(&self, x: &[f32], values: &[f32], bias: Option<&[f32]>, relu: bool, y: &mut [f32]) {
        let (image, output) = (self.shape.image(), self.shape.output());
        let batch = self.batch(x, y);
        assert_eq!(values.len(), self.kept);
        assert!(bias.is_none_or(|bias| bias.len() == self.shape.outputs));
        let threads = rayon::current_num_threads();
        let part = batch.div_ceil(threads).max(1);
        each_part(x.chunks(part * image).zip(y.chunks_mut(part * output)), |(x, y)| match &self.way {
            Way::Aligned(way) => way.forward(x, values, bias, relu, y),
            Way::General(way) => way.forward(x, values, bias, relu, y),
        });
    }

    /// Gradients from dy `[batch, outputs, …]`: of x, of the kept values and of the bias, where wanted.
    ///
    /// `y` is the output where ReLU was fused.
    #[expect(clippy::too_many_arguments, reason = "a kernel's tensors")]
    pub fn backward(
        &self,
        x: &[f32],
        values: &[f32],
        y: Option<&[f32]>,
        dy: &[f32],
        dx: Option<&mut [f32]>,
        dvalues: Option<&mut [f32]>,
        dbias: Option<&mut [f32]>,
    ) {
        let (image, output) = (self.shape.image(), self.shape.output());
        let batch = self.batch(x, dy);
        assert_eq!(values.len(), self.kept);
        assert!(y.is_none_or(|y| y.len() == dy.len()) && dx.as_ref().is_none_or(|dx| dx.len() == x.len()));
        let part = batch.div_ceil(PARTS).max(1);
        let mut dxs: Vec<Option<&mut [f32]>> = match dx {
            Some(dx) => dx.chunks_mut(part * image).map(Some).collect(),
            None => (0..batch.div_ceil(part)).map(|_| None).collect(),
        };
        let mut gradients: Vec<Part> = dxs
            .iter_mut()
            .enumerate()
            .map(|(i, dx)| {
                let end = batch.min((i + 1) * part);
                let (images, outputs) = (i * part * image..end * image, i * part * output..end * output);
                Part {
                    x: &x[images],
                    y: y.map(|y| &y[outputs.clone()]),
                    dy: &dy[outputs],
                    dx: dx.take(),
                    dvalues: dvalues.is_some().then(|| vec![0.0; self.kept()]),
                    dbias: dbias.is_some().then(|| vec![0.0; self.shape.outputs]),
                }
            })
            .collect();
        each_part(gradients.iter_mut(), |part| match &self.way {
            Way::Aligned(way) => way.backward(values, part),
            Way::General(way) => way.backward(values, part),
        });
        sum(dvalues, gradients.iter().map(|part| part.dvalues.as_deref()));
        sum(dbias, gradients.iter().map(|part| part.dbias.as_deref()));
    }

    fn batch(&self, x: &[f32], y: &[f32]) -> usize {
        let batch = x.len() / self.shape.image();
        assert_eq!((x.len(), y.len()), (batch * self.shape.image(), batch * self.shape.output()));
        batch
    }
}

/// Neighbouring images of the batch, and what their gradients come to.
pub(super) struct Part<'a> {
    pub x: &'a [f32],
    pub y: Option<&'a [f32]>,
    pub dy: &'a [f32],
    pub dx: Option<&'a mut [f32]>,
    pub dvalues: Option<Vec<f32>>,
    pub dbias: Option<Vec<f32>>,
}

/// Sums the parts in their order.
fn sum<'a>(total: Option<&mut [f32]>, parts: impl Iterator<Item = Option<&'a [f32]>>) {
    let Some(total) = total else { return };
    total.fill(0.0);
    for part in parts.flatten() {
        total.iter_mut().zip(part).for_each(|(total, part)| *total += part);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::simd::portable;
    use crate::kernel::sparse::testing::{numbers, some_of};
    use crate::kernel::testing::{Sum, assert_near, on_threads};

    struct Case {
        shape: Conv,
        kept: Vec<usize>,
        x: Vec<f32>,
        values: Vec<f32>,
        bias: Vec<f32>,
        dy: Vec<f32>,
    }

    impl Case {
        fn new(shape: Conv, percent: u64, seed: u64) -> Self {
            let kept = some_of(shape.outputs * shape.inputs * shape.kernel * shape.kernel, percent, seed);
            let (x, dy) =
                (numbers(shape.batch * shape.image(), seed + 1), numbers(shape.batch * shape.output(), seed + 2));
            let (values, bias) = (numbers(kept.len(), seed + 3), numbers(shape.outputs, seed + 4));
            Self { shape, kept, x, values, bias, dy }
        }

        /// y, dx, dvalues, dbias.
        fn ours(&self, relu: bool) -> [Vec<f32>; 4] {
            let layer = SparseConv::new(self.shape, self.kept.iter().copied());
            let old = |length: usize| vec![f32::NAN; length];
            let (mut y, mut dx) = (old(self.dy.len()), old(self.x.len()));
            let (mut dvalues, mut dbias) = (old(self.kept.len()), old(self.shape.outputs));
            layer.forward(&self.x, &self.values, Some(&self.bias), relu, &mut y);
            let gate = relu.then_some(&y[..]);
            let wanted = (Some(&mut dx[..]), Some(&mut dvalues[..]), Some(&mut dbias[..]));
            layer.backward(&self.x, &self.values, gate, &self.dy, wanted.0, wanted.1, wanted.2);
            [y, dx, dvalues, dbias]
        }

        fn oracle(&self, relu: bool, y: &[f32]) -> [Vec<Sum>; 4] {
            let Conv { batch, inputs, height, width, outputs, kernel, stride, padding } = self.shape;
            let along = |size: usize| (size + 2 * padding - kernel) / stride + 1;
            let (rows, columns) = (along(height), along(width));
            let pixels = rows * columns;
            let gated = |at: usize| if relu && y[at] <= 0.0 { 0.0 } else { f64::from(self.dy[at]) };
            let mut sums: Vec<_> = (0..y.len()).map(|i| Sum::of(self.bias[i / pixels % outputs])).collect();
            let [mut dx, mut dvalues, mut dbias] =
                [self.x.len(), self.kept.len(), outputs].map(|n| vec![Sum::default(); n]);
            (0..y.len()).for_each(|at| dbias[at / pixels % outputs].add(gated(at)));
            for (value, index) in self.kept.iter().enumerate() {
                let (ky, kx) = (index / kernel % kernel, index % kernel);
                let (input, output) = (index / (kernel * kernel) % inputs, index / (kernel * kernel) / inputs);
                for (image, r, c) in (0..batch * pixels).map(|i| (i / pixels, i / columns % rows, i % columns)) {
                    let (Some(h), Some(w)) =
                        ((r * stride + ky).checked_sub(padding), (c * stride + kx).checked_sub(padding))
                    else {
                        continue;
                    };
                    if h < height && w < width {
                        let from = ((image * inputs + input) * height + h) * width + w;
                        let to = ((image * outputs + output) * rows + r) * columns + c;
                        sums[to].add(f64::from(self.values[value]) * f64::from(self.x[from]));
                        dx[from].add(f64::from(self.values[value]) * gated(to));
                        dvalues[value].add(f64::from(self.x[from]) * gated(to));
                    }
                }
            }
            if relu {
                sums.iter_mut().for_each(Sum::relu);
            }
            [sums, dx, dvalues, dbias]
        }

        fn check(&self, relu: bool) {
            let plain = portable::only(|| self.ours(relu));
            for results in [self.ours(relu), plain] {
                results
                    .iter()
                    .zip(self.oracle(relu, &results[0]))
                    .for_each(|(ours, oracle)| assert_near(ours, &oracle));
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(150))]
        #[test]
        fn any_shape_matches_sums_in_double_precision(
            batch in 0usize..7, (inputs, outputs) in (1usize..5, 1usize..5), (height, width) in (1usize..14, 1usize..24),
            kernel in 1usize..6, stride in 1usize..4, padding in 0usize..4, percent in 0u64..100, seed: u32, relu: bool,
        ) {
            prop_assume!(height + 2 * padding >= kernel && width + 2 * padding >= kernel);
            let shape = Conv { batch, inputs, height, width, outputs, kernel, stride, padding };
            Case::new(shape, percent, seed.into()).check(relu);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(80))]
        #[test]
        fn rows_that_fill_vectors_match_too(
            batch in 1usize..3, (inputs, outputs) in (1usize..4, 1usize..4), height in 1usize..9, log_width in 1u32..8,
            padding in 0usize..4, percent in 0u64..100, seed: u32, relu: bool,
        ) {
            let (width, kernel) = (1 << log_width, 2 * padding + 1);
            let shape = Conv { batch, inputs, height, width, outputs, kernel, stride: 1, padding };
            Case::new(shape, percent, seed.into()).check(relu);
        }
    }

    const SMALL: Conv = Conv { batch: 1, inputs: 1, height: 2, width: 2, outputs: 1, kernel: 3, stride: 1, padding: 1 };

    #[test]
    fn four_numbers_worked_by_hand() {
        // Kept: the centre, 2, and its right neighbour, 10.
        let layer = SparseConv::new(SMALL, [4, 5].into_iter());
        let (x, values, mut y) = ([1.0, 2.0, 3.0, 4.0], [2.0, 10.0], [f32::NAN; 4]);
        layer.forward(&x, &values, Some(&[0.5]), false, &mut y);
        assert_eq!(y, [2.0 + 20.0 + 0.5, 4.5, 6.0 + 40.0 + 0.5, 8.5]);
        let (mut dx, mut dvalues, mut dbias) = ([f32::NAN; 4], [f32::NAN; 2], [f32::NAN]);
        let wanted = (Some(&mut dx[..]), Some(&mut dvalues[..]), Some(&mut dbias[..]));
        layer.backward(&x, &values, None, &[1.0, 0.0, 0.0, 3.0], wanted.0, wanted.1, wanted.2);
        assert_eq!((dx, dvalues, dbias), ([2.0, 10.0, 0.0, 6.0], [1.0 + 12.0, 2.0], [4.0]));
    }

    #[test]
    fn a_layer_of_conv_4_matches() {
        let shape = Conv { batch: 3, inputs: 64, height: 16, width: 16, outputs: 32, kernel: 3, stride: 1, padding: 1 };
        Case::new(shape, 5, 1).check(true);
    }

    #[test]
    fn the_number_of_threads_changes_no_bit() {
        for width in [9, 16] {
            let shape = Conv { batch: 11, inputs: 8, height: 9, width, outputs: 8, kernel: 3, stride: 1, padding: 1 };
            let case = Case::new(shape, 30, 2);
            let on = |threads| on_threads(threads, || case.ours(true));
            let one = on(1);
            assert!(on(2) == one && on(4) == one);
        }
    }

    #[test]
    fn a_nan_passes_through_relu_and_its_gradient() {
        let layer = SparseConv::new(SMALL, [4].into_iter());
        let (x, mut y, mut dx) = ([f32::NAN, 1.0, 1.0, 1.0], [0.0; 4], [0.0; 4]);
        layer.forward(&x, &[1.0], None, true, &mut y);
        assert!(y[0].is_nan() && y[1..] == [1.0; 3]);
        layer.backward(&x, &[1.0], Some(&y), &[3.0; 4], Some(&mut dx), None, None);
        assert_eq!(dx, [3.0; 4]);
    }
}
