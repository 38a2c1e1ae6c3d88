//! The fully connected layer: y = x · W + b and its gradients.

use std::ops::Range;

use super::buffer::Buffer;
use super::product::Product;
use super::transpose::Transpose;
use super::{INPUTS, Incoming, Later, Op, Reads, relu, simd};

/// A layer at work on x, W and b: x is `[batch, inputs]`, W `[inputs, units]`, b `[units]` or nothing, y
/// `[batch, units]`, row-major.
#[derive(Clone, Copy, Debug)]
pub struct Linear {
    pub batch: usize,
    pub inputs: usize,
    pub units: usize,
    /// Whether a ReLU follows at once.
    pub relu: bool,
}

impl Op for Linear {
    fn shape(&self) -> Vec<usize> {
        vec![self.batch, self.units]
    }

    fn reads(&self) -> Reads {
        Reads { x: true, y: self.relu }
    }

    fn forward(&self, [x, weight, bias]: [&[f32]; INPUTS], y: &mut [f32]) {
        let Linear { batch, inputs, units, relu } = *self;
        let product = Product {
            rows: batch,
            columns: units,
            depth: inputs,
            left: x,
            left_row: inputs,
            left_step: 1,
            right: weight,
            bias: (!bias.is_empty()).then_some(bias),
            relu,
            transposed: false,
        };
        product.into(y);
    }

    fn backward(
        &self,
        [x, weight, _]: [&[f32]; INPUTS],
        y: &[f32],
        dy: &mut dyn Incoming,
        [dx, dweight, dbias]: [Option<&mut [f32]>; INPUTS],
    ) {
        if self.relu {
            relu::gate(y, dy.write());
        }
        let dy = dy.read();
        if let Some(dbias) = dbias.filter(|dbias| !dbias.is_empty()) {
            sum_rows(dy, dbias);
        }
        if let Some(dweight) = dweight {
            self.weight_gradient(x, dy, 0..self.inputs).into(dweight);
        }
        if let Some(dx) = dx {
            self.input_gradient(weight, dy, dx);
        }
    }
}

/// Whole rows of tiles of dW.
const PIECE_ROWS: usize = 12;
/// Values of dW that stay in the nearer caches until they are used.
const PIECE: usize = 1 << 15;

impl Later for Linear {
    fn piece(&self) -> usize {
        (PIECE / self.units / PIECE_ROWS).max(1) * PIECE_ROWS * self.units
    }

    fn piece_of_gradient(&self, x: &[f32], dy: &[f32], from: usize, dweight: &mut [f32]) {
        let first = from / self.units;
        self.weight_gradient(x, dy, first..first + dweight.len() / self.units).into_here(dweight);
    }
}

impl Linear {
    /// dW = xᵀ · dy, of the weights that leave `rows` of the inputs.
    fn weight_gradient<'a>(self, x: &'a [f32], dy: &'a [f32], rows: Range<usize>) -> Product<'a> {
        let Linear { batch, inputs, units, .. } = self;
        Product {
            rows: rows.len(),
            columns: units,
            depth: batch,
            left: &x[rows.start.min(x.len())..],
            left_row: 1,
            left_step: inputs,
            right: dy,
            bias: None,
            relu: false,
            transposed: false,
        }
    }

    /// dx = dy · Wᵀ. Both ways sum in the same order.
    fn input_gradient(self, weight: &[f32], dy: &[f32], dx: &mut [f32]) {
        let Linear { batch, inputs, units, .. } = self;
        let product = Product {
            rows: batch,
            columns: inputs,
            depth: units,
            left: dy,
            left_row: units,
            left_step: 1,
            right: &[],
            bias: None,
            relu: false,
            transposed: false,
        };
        if weight.len() <= SMALL {
            let right = &transpose(weight, units);
            return Product { right, ..product }.into(dx);
        }
        // As (W · dyᵀ)ᵀ: W is the largest of them and is read in the order in which it lies.
        let right = &transpose(dy, units);
        Product { rows: inputs, columns: batch, left: weight, right, transposed: true, ..product }.into(dx);
    }
}

/// So few weights that they stay in the nearer caches while they are transposed and used.
const SMALL: usize = 1 << 17;

/// A matrix of rows of `columns`, its rows and columns exchanged.
fn transpose(from: &[f32], columns: usize) -> Buffer {
    let rows = from.len() / columns.max(1);
    let mut to = Buffer::new(from.len());
    let gate = None;
    let to_step = rows;
    simd::run(Transpose { from, from_step: columns, gate, rows, columns, to: &mut to, to_step, padded: rows });
    to
}

/// The sum of a matrix's rows, from the first to the last.
fn sum_rows(values: &[f32], sum: &mut [f32]) {
    sum.fill(0.0);
    for row in values.chunks_exact(sum.len()) {
        sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::testing::values;

    /// Two examples of two features, two units, worked by hand.
    #[test]
    fn a_step_forward_and_back_worked_by_hand() {
        let layer = Linear { batch: 2, inputs: 2, units: 2, relu: true };
        let (x, weight, bias) = ([1.0, 2.0, 3.0, 4.0], [1.0, -1.0, 0.5, 0.5], [0.5, -1.0]);
        let mut y = [f32::NAN; 4];
        layer.forward([&x, &weight, &bias], &mut y);
        // x·W = [1+1, −1+1; 3+2, −3+2] = [2, 0; 5, −1]; plus the bias [2.5, −1; 5.5, −2]; then max(·, 0).
        assert_eq!(y, [2.5, 0.0, 5.5, 0.0]);
        let mut dy = vec![1.0, 10.0, 2.0, 20.0];
        let (mut dx, mut dweight, mut dbias) = ([f32::NAN; 4], [f32::NAN; 4], [f32::NAN; 2]);
        layer.backward([&x, &weight, &bias], &y, &mut dy, [Some(&mut dx), Some(&mut dweight), Some(&mut dbias)]);
        // The gate leaves dy = [1, 0; 2, 0]. dW = xᵀ·dy = [1·1 + 3·2, 0; 2·1 + 4·2, 0]; dx = dy·Wᵀ.
        assert_eq!(dweight, [7.0, 0.0, 10.0, 0.0]);
        assert_eq!(dx, [1.0, 0.5, 2.0, 1.0]);
        assert_eq!(dbias, [3.0, 0.0]);
    }

    #[test]
    fn pieces_of_the_gradient_have_the_bits_of_the_whole() {
        let layer = Linear { batch: 60, inputs: 500, units: 100, relu: false };
        let (x, dy) = (values(60 * 500, 1), values(60 * 100, 2));
        let mut whole = vec![f32::NAN; 500 * 100];
        layer.backward([&x, &[], &[]], &[], &mut dy.clone(), [None, Some(&mut whole), None]);
        let mut pieces = vec![f32::NAN; 500 * 100];
        assert!(layer.piece() < pieces.len());
        for (i, piece) in pieces.chunks_mut(layer.piece()).enumerate() {
            layer.piece_of_gradient(&x, &dy, i * layer.piece(), piece);
        }
        assert_eq!(pieces, whole);
    }

    /// The gradients of Σ y·c against differences, along one direction of every input at once.
    #[test]
    fn gradients_are_slopes() {
        let layer = Linear { batch: 5, inputs: 33, units: 19, relu: false };
        let inputs = [values(5 * 33, 1), values(33 * 19, 2), values(19, 3)];
        let (c, directions) = (values(5 * 19, 4), [values(5 * 33, 5), values(33 * 19, 6), values(19, 7)]);
        let at = |step: f32, moved: usize| -> f64 {
            let x: [Vec<f32>; 3] = std::array::from_fn(|i| {
                let step = if i == moved { step } else { 0.0 };
                inputs[i].iter().zip(&directions[i]).map(|(x, d)| x + step * d).collect()
            });
            let mut y = vec![0.0; 5 * 19];
            layer.forward(x.each_ref().map(|x| &x[..]), &mut y);
            y.iter().zip(&c).map(|(y, c)| f64::from(*y) * f64::from(*c)).sum()
        };
        let mut gradients = [vec![0.0; 5 * 33], vec![0.0; 33 * 19], vec![0.0; 19]];
        let slices = inputs.each_ref().map(|x| &x[..]);
        let mut y = vec![0.0; 5 * 19];
        layer.forward(slices, &mut y);
        layer.backward(slices, &y, &mut c.clone(), gradients.each_mut().map(|g| Some(&mut g[..])));
        for (i, (gradient, direction)) in gradients.iter().zip(&directions).enumerate() {
            let slope = (at(0.5, i) - at(-0.5, i)) / 1.0;
            let along: f64 = gradient.iter().zip(direction).map(|(g, d)| f64::from(*g) * f64::from(*d)).sum();
            assert!((slope - along).abs() < 1e-3 * slope.abs().max(1.0), "input {i}: {slope} {along}");
        }
    }
}
