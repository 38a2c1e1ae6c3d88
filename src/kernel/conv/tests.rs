//! Every pass against loops that say what it is, in f64.

use proptest::prelude::*;

use super::{Conv, backward, forward};
use crate::kernel::simd::portable;
use crate::kernel::testing::on_threads;

/// Values in −1..1 that look random: the top bits of a linear congruential generator.
fn values(len: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..len).map(|_| next()).collect()
}

/// Calls `each(x index, weight index, y index)` for every product in the convolution.
fn products(conv: &Conv, mut each: impl FnMut(usize, usize, usize)) {
    let (rows, columns, kernel) = (conv.output_height(), conv.output_width(), conv.kernel);
    for n in 0..conv.batch {
        for o in 0..conv.outputs {
            for (r, q) in (0..rows).flat_map(|r| (0..columns).map(move |q| (r, q))) {
                let y = ((n * conv.outputs + o) * rows + r) * columns + q;
                for c in 0..conv.inputs {
                    for (i, j) in (0..kernel).flat_map(|i| (0..kernel).map(move |j| (i, j))) {
                        let row = (r * conv.stride + i).wrapping_sub(conv.padding);
                        let column = (q * conv.stride + j).wrapping_sub(conv.padding);
                        if row < conv.height && column < conv.width {
                            let x = ((n * conv.inputs + c) * conv.height + row) * conv.width + column;
                            each(x, ((o * conv.inputs + c) * kernel + i) * kernel + j, y);
                        }
                    }
                }
            }
        }
    }
}

struct Case {
    conv: Conv,
    x: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    dy: Vec<f32>,
}

/// What a pass over a case gives: `y` (with bias and ReLU), `dx`, `dw`, `db`.
type Passes = [Vec<f32>; 4];

impl Case {
    fn new(conv: Conv) -> Self {
        let (x, weight) = (values(conv.input_len(), 1), values(conv.weight_len(), 2));
        Self { conv, x, weight, bias: values(conv.outputs, 3), dy: values(conv.output_len(), 4) }
    }

    /// Into buffers of NaN, to see that every value is written.
    fn passes(&self) -> Passes {
        let conv = &self.conv;
        let nan = |len| vec![f32::NAN; len];
        let (mut y, mut dx) = (nan(conv.output_len()), nan(conv.input_len()));
        let (mut dw, mut db) = (nan(conv.weight_len()), nan(conv.outputs));
        forward(conv, &self.x, &self.weight, Some(&self.bias), true, &mut y);
        let (dx_out, dw_out, db_out) = (Some(&mut dx[..]), Some(&mut dw[..]), Some(&mut db[..]));
        backward(conv, &self.x, &self.weight, Some(&y), &mut self.dy.clone(), dx_out, dw_out, db_out);
        [y, dx, dw, db]
    }

    /// The same in f64, with the gate that `y` gives.
    fn oracle(&self, y: &[f32]) -> [Vec<f64>; 4] {
        let plane = self.conv.output_height() * self.conv.output_width();
        let output = |i: usize| i / plane % self.conv.outputs;
        let mut sums: Vec<f64> = (0..self.dy.len()).map(|i| f64::from(self.bias[output(i)])).collect();
        let dy: Vec<f64> = self.dy.iter().zip(y).map(|(dy, y)| if *y <= 0.0 { 0.0 } else { f64::from(*dy) }).collect();
        let (mut dx, mut dw) = (vec![0.0; self.x.len()], vec![0.0; self.weight.len()]);
        products(&self.conv, |x, w, y| {
            sums[y] += f64::from(self.x[x]) * f64::from(self.weight[w]);
            dx[x] += dy[y] * f64::from(self.weight[w]);
            dw[w] += dy[y] * f64::from(self.x[x]);
        });
        sums.iter_mut().for_each(|y| *y = y.max(0.0));
        let mut db = vec![0.0; self.conv.outputs];
        dy.iter().enumerate().for_each(|(i, dy)| db[output(i)] += dy);
        [sums, dx, dw, db]
    }

    fn assert_is_the_oracle(&self) {
        let passes = self.passes();
        for ((name, pass), oracle) in ["y", "dx", "dw", "db"].iter().zip(&passes).zip(self.oracle(&passes[0])) {
            for (i, (value, oracle)) in pass.iter().zip(&oracle).enumerate() {
                let near = (f64::from(*value) - oracle).abs() < 2e-5 * (10.0 + oracle.abs());
                assert!(near, "{name}[{i}] is {value}, not {oracle}: {:?}", self.conv);
            }
        }
    }
}

fn conv(batch: usize, channels: (usize, usize), size: (usize, usize), taps: (usize, usize, usize)) -> Conv {
    let ((inputs, outputs), (height, width), (kernel, stride, padding)) = (channels, size, taps);
    Conv { batch, inputs, height, width, outputs, kernel, stride, padding }
}

fn any_conv() -> impl Strategy<Value = Conv> {
    let channels = (1..20usize, 1..20usize);
    let taps = (1..=7usize, 1..=4usize, 0..=3usize);
    let fits = |c: &Conv| c.height.min(c.width) + 2 * c.padding >= c.kernel;
    (1..6usize, channels, (1..20usize, 1..20usize), taps)
        .prop_map(|(batch, channels, size, taps)| conv(batch, channels, size, taps))
        .prop_filter("the kernel fits", fits)
}

/// Shapes that networks have, small enough for the oracle, and some that cross every block's edge.
fn usual() -> [Conv; 10] {
    [
        conv(2, (3, 16), (32, 32), (3, 1, 1)),
        conv(2, (16, 16), (32, 32), (3, 1, 1)),
        conv(2, (16, 32), (32, 32), (3, 2, 1)),
        conv(2, (16, 32), (32, 32), (1, 2, 0)),
        conv(3, (32, 64), (16, 16), (3, 2, 1)),
        conv(5, (64, 24), (8, 8), (3, 1, 1)),
        conv(37, (40, 12), (4, 4), (3, 1, 1)),
        conv(5, (128, 8), (4, 4), (3, 1, 1)),
        conv(1, (2, 3), (40, 41), (7, 1, 3)),
        conv(3, (300, 2), (5, 3), (1, 1, 0)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_convolution_is_its_loops(conv in any_conv()) {
        Case::new(conv).assert_is_the_oracle();
    }

    #[test]
    fn plain_instructions_are_its_loops_too(conv in any_conv()) {
        portable::only(|| Case::new(conv).assert_is_the_oracle());
    }
}

#[test]
fn usual_convolutions_are_their_loops() {
    usual().into_iter().for_each(|conv| Case::new(conv).assert_is_the_oracle());
}

#[test]
fn threads_do_not_change_a_bit() {
    let bits = |passes: Passes| passes.map(|pass| pass.iter().map(|v| v.to_bits()).collect::<Vec<_>>());
    for conv in usual() {
        let case = Case::new(conv);
        let on = |threads| on_threads(threads, || bits(case.passes()));
        let one = on(1);
        assert!(on(2) == one && on(4) == one, "{conv:?}");
    }
}

#[test]
fn four_pixels_worked_by_hand() {
    let conv = conv(1, (1, 1), (2, 2), (2, 1, 0));
    let (x, weight) = ([1.0, 2.0, 3.0, 4.0], [1.0, -1.0, 0.5, 2.0]);
    let mut y = [f32::NAN];
    // 1 − 2 + 1.5 + 8, and the bias 0.25
    forward(&conv, &x, &weight, Some(&[0.25]), true, &mut y);
    assert_eq!(y, [8.75]);
    let (mut dx, mut dw, mut db) = ([f32::NAN; 4], [f32::NAN; 4], [f32::NAN]);
    backward(&conv, &x, &weight, Some(&y), &mut [2.0], Some(&mut dx), Some(&mut dw), Some(&mut db));
    assert_eq!((dx, dw, db), ([2.0, -2.0, 1.0, 4.0], [2.0, 4.0, 6.0, 8.0], [2.0]));
}

#[test]
fn a_relu_lets_a_nan_through_and_so_does_its_gradient() {
    let conv = conv(1, (1, 1), (1, 3), (1, 1, 0));
    let mut y = [0.0; 3];
    forward(&conv, &[f32::NAN, -1.0, 1.0], &[1.0], None, true, &mut y);
    assert!(y[0].is_nan());
    assert_eq!(y[1..], [0.0, 1.0]);
    let mut dy = [5.0; 3];
    let mut dx = [0.0; 3];
    backward(&conv, &[1.0; 3], &[1.0], Some(&y), &mut dy, Some(&mut dx), None, None);
    assert_eq!((dy, dx), ([5.0, 0.0, 5.0], [5.0, 0.0, 5.0]));
}

#[test]
fn no_images_have_gradients_of_zero() {
    for stride in [1, 2] {
        let [y, dx, dw, db] = Case::new(conv(0, (3, 2), (4, 4), (3, stride, 1))).passes();
        assert_eq!((y.len(), dx.len()), (0, 0));
        assert!(dw.iter().chain(&db).all(|value| *value == 0.0));
    }
}
