//! A linear layer of which only the kept weights exist: y = x · W + b.
//!
//! Within a block of up to 64 examples, features are made to lie side by side (`[features][block]`): then a kept weight
//! multiplies whole vectors, whatever its neighbours are.

use super::blocks::Blocks;
use super::dots::Pairs;
use super::parallel;
use super::pattern::{Pattern, index};
use super::rows::{Dots, Gather, Sums};
use crate::kernel::buffer::Buffer;
use crate::kernel::simd;

/// The pattern of a pruned weight `[inputs, units]`. Values are in the order of the kept indices.
pub struct SparseLinear {
    inputs: usize,
    units: usize,
    /// For each tile of inputs, for each unit, its inputs.
    into_units: Pattern,
    tiles: usize,
    /// For each input, its units.
    into_inputs: Pattern,
    /// (input, unit) of each value.
    pairs: Pairs,
}

/// x as `[block][inputs][examples of the block]`, which the forward pass has made and the backward pass can use.
pub struct Transposed(Buffer);

/// Inputs are taken tile by tile, so that their rows stay in the nearest cache while all units take what they need; unless
/// units would take fewer terms than this, on average, from a tile: then it costs more to come back to a unit's sums.
const TERMS: usize = 16;

/// Rows that fit in the nearest cache.
const LEAST: usize = 128;

impl SparseLinear {
    /// `kept`: rising indices into the row-major dense weight `[inputs, units]`.
    pub fn new(inputs: usize, units: usize, kept: impl Iterator<Item = usize>) -> Self {
        let pairs: Vec<_> = kept.map(|at| (index(at / units), index(at % units))).collect();
        assert!(pairs.iter().all(|(input, _)| (*input as usize) < inputs), "a kept index is past the weight's end");
        let pairs = Pairs::new((inputs, units), pairs);
        let each = pairs.get().iter().map(|(input, unit)| (*input as usize, *unit as usize));
        let tile = (TERMS * inputs * units).div_ceil(pairs.get().len().max(1)).max(LEAST);
        let into_units = each.clone().map(|(input, unit)| (input / tile * units + unit, input));
        let tiles = inputs.div_ceil(tile);
        let into_units = Pattern::new(tiles * units, into_units);
        let into_inputs = Pattern::new(inputs, each);
        Self { inputs, units, into_units, tiles, into_inputs, pairs }
    }

    /// How many weights are kept.
    pub fn kept(&self) -> usize {
        self.pairs.get().len()
    }

    /// y `[batch, units]` from x `[batch, inputs]`, with max(·, 0) if `relu`.
    ///
    /// With `keep`, x as this pass has transposed it is left there for [`Self::backward`].
    pub fn forward(
        &self,
        x: &[f32],
        values: &[f32],
        bias: Option<&[f32]>,
        relu: bool,
        y: &mut [f32],
        keep: Option<&mut Option<Transposed>>,
    ) {
        let batch = self.batch(x, y);
        assert_eq!(values.len(), self.kept());
        assert!(bias.is_none_or(|bias| bias.len() == self.units));
        let blocks = Blocks::new(batch);
        let keeps = keep.is_some();
        let mut transposed = Buffer::new(self.inputs * if keeps { blocks.lanes() } else { blocks.widest() });
        let mut outputs = Buffer::new(self.units * blocks.widest());
        for block in blocks.iter() {
            let at = if keeps { block.start * self.inputs } else { 0 };
            let columns = &mut transposed[at..at + self.inputs * block.width];
            block.enter(x, None, self.inputs, columns);
            let outputs = &mut outputs[..self.units * block.width];
            let columns = &*columns;
            parallel::rows(outputs, block.width, self.kept(), |first, sums| {
                let rows = first..first + sums.len() / block.width;
                let (pattern, tiles) = (&self.into_units, self.tiles);
                simd::run(Gather { pattern, tiles, values, bias, relu, columns, rows, sums, width: block.width })
            });
            block.leave(outputs, self.units, y);
        }
        if let Some(keep) = keep {
            *keep = Some(Transposed(transposed));
        }
    }

    /// Gradients from dy `[batch, units]`: of x, of the kept values and of the bias, where wanted.
    ///
    /// `y` is the output where ReLU was fused. `transposed` is what the forward pass kept of the same x.
    #[expect(clippy::too_many_arguments, reason = "a kernel's tensors")]
    pub fn backward(
        &self,
        x: &[f32],
        values: &[f32],
        y: Option<&[f32]>,
        dy: &[f32],
        mut dx: Option<&mut [f32]>,
        mut dvalues: Option<&mut [f32]>,
        mut dbias: Option<&mut [f32]>,
        transposed: Option<&Transposed>,
    ) {
        let batch = self.batch(x, dy);
        assert!(values.len() == self.kept() && dvalues.as_ref().is_none_or(|d| d.len() == self.kept()));
        assert!(y.is_none_or(|y| y.len() == dy.len()) && dx.as_ref().is_none_or(|dx| dx.len() == x.len()));
        assert!(dbias.as_ref().is_none_or(|dbias| dbias.len() == self.units));
        let blocks = Blocks::new(batch);
        let mut dys = Buffer::new(self.units * blocks.widest());
        let own = if dx.is_some() || (dvalues.is_some() && transposed.is_none()) { blocks.widest() } else { 0 };
        let mut own = Buffer::new(self.inputs * own);
        for block in blocks.iter() {
            let (add, width) = (block.start > 0, block.width);
            let dys = &mut dys[..self.units * width];
            block.enter(dy, y, self.units, dys);
            let dys = &*dys;
            if let Some(dbias) = &mut dbias {
                simd::run(Sums { rows: dys, width, add, sums: dbias });
            }
            if let Some(dvalues) = &mut dvalues {
                let xs = match transposed {
                    Some(Transposed(all)) => &all[block.start * self.inputs..][..self.inputs * width],
                    None => {
                        block.enter(x, None, self.inputs, &mut own[..self.inputs * width]);
                        &own[..self.inputs * width]
                    }
                };
                parallel::rows(dvalues, 1, self.kept(), |first, dots| {
                    simd::run(Dots { pairs: &self.pairs, first, left: xs, right: dys, width, add, dots });
                });
            }
            if let Some(dx) = &mut dx {
                let sums = &mut own[..self.inputs * width];
                self.back(values, dys, width, sums);
                block.leave(sums, self.inputs, dx);
            }
        }
        if batch == 0 {
            dvalues.into_iter().chain(dbias).for_each(|gradient| gradient.fill(0.0));
        }
    }

    /// The gradient of a block's x, `[inputs][width]`, from that of its y, `[units][width]`.
    fn back(&self, values: &[f32], columns: &[f32], width: usize, sums: &mut [f32]) {
        parallel::rows(sums, width, self.kept(), |first, sums| {
            let (pattern, rows) = (&self.into_inputs, first..first + sums.len() / width);
            simd::run(Gather { pattern, tiles: 1, values, bias: None, relu: false, columns, rows, sums, width });
        });
    }

    fn batch(&self, x: &[f32], y: &[f32]) -> usize {
        let batch = y.len() / self.units;
        assert_eq!((x.len(), y.len()), (batch * self.inputs, batch * self.units));
        batch
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
        inputs: usize,
        units: usize,
        batch: usize,
        kept: Vec<usize>,
        x: Vec<f32>,
        values: Vec<f32>,
        bias: Vec<f32>,
        dy: Vec<f32>,
    }

    /// y, dx, dvalues, dbias.
    type Results = [Vec<f32>; 4];

    impl Case {
        fn new(inputs: usize, units: usize, batch: usize, percent: u64, seed: u64) -> Self {
            let kept = some_of(inputs * units, percent, seed);
            let [x, dy] = [(inputs, 1), (units, 2)].map(|(n, salt)| numbers(batch * n, seed + salt));
            let (values, bias) = (numbers(kept.len(), seed + 3), numbers(units, seed + 4));
            Self { inputs, units, batch, kept, x, values, bias, dy }
        }

        fn ours(&self, relu: bool, keeps: bool) -> Results {
            let layer = SparseLinear::new(self.inputs, self.units, self.kept.iter().copied());
            let old = |n: usize| vec![f32::NAN; n];
            let [mut y, mut dx] = [self.units, self.inputs].map(|n| old(self.batch * n));
            let (mut dvalues, mut dbias) = (old(self.kept.len()), old(self.units));
            let mut keep = None;
            layer.forward(&self.x, &self.values, Some(&self.bias), relu, &mut y, keeps.then_some(&mut keep));
            let (gate, kept) = (relu.then_some(&y[..]), keep.as_ref());
            let (dx_out, dvalues_out, dbias_out) = (Some(&mut dx[..]), Some(&mut dvalues[..]), Some(&mut dbias[..]));
            layer.backward(&self.x, &self.values, gate, &self.dy, dx_out, dvalues_out, dbias_out, kept);
            [y, dx, dvalues, dbias]
        }

        fn oracle(&self, relu: bool, y: &[f32]) -> [Vec<Sum>; 4] {
            let mut sums: Vec<_> = (0..self.batch * self.units).map(|i| Sum::of(self.bias[i % self.units])).collect();
            let [mut dx, mut dvalues, mut dbias] =
                [self.x.len(), self.kept.len(), self.units].map(|length| vec![Sum::default(); length]);
            for example in 0..self.batch {
                let gated = |unit: usize| {
                    let at = example * self.units + unit;
                    if relu && y[at] <= 0.0 { 0.0 } else { f64::from(self.dy[at]) }
                };
                for (value, at) in self.kept.iter().enumerate() {
                    let (input, unit, weight) = (at / self.units, at % self.units, f64::from(self.values[value]));
                    let x = f64::from(self.x[example * self.inputs + input]);
                    sums[example * self.units + unit].add(x * weight);
                    dx[example * self.inputs + input].add(gated(unit) * weight);
                    dvalues[value].add(x * gated(unit));
                }
                (0..self.units).for_each(|unit| dbias[unit].add(gated(unit)));
            }
            if relu {
                sums.iter_mut().for_each(Sum::relu);
            }
            [sums, dx, dvalues, dbias]
        }

        fn check(&self, relu: bool) {
            let ours = self.ours(relu, true);
            ours.iter().zip(self.oracle(relu, &ours[0])).for_each(|(ours, oracle)| assert_near(ours, &oracle));
            assert_eq!(ours, self.ours(relu, false), "a transposed x that was kept changes nothing");
            let plain = portable::only(|| self.ours(relu, true));
            plain.iter().zip(self.oracle(relu, &plain[0])).for_each(|(plain, oracle)| assert_near(plain, &oracle));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn any_shape_matches_sums_in_double_precision(
            inputs in 1usize..70, units in 1usize..50, batch in 0usize..200, percent in 0u64..60, seed: u32, relu: bool,
        ) {
            Case::new(inputs, units, batch, percent, seed.into()).check(relu);
        }
    }

    proptest! {
        #[test]
        fn few_weights_match_too(inputs in 1usize..6, units in 1usize..6, batch in 1usize..4, percent in 0u64..100, seed: u32) {
            Case::new(inputs, units, batch, percent, seed.into()).check(true);
        }
    }

    #[test]
    fn four_numbers_worked_by_hand() {
        // W = [[2, ·], [3, 5]]: of W[0] only the first is kept.
        let layer = SparseLinear::new(2, 2, [0, 2, 3].into_iter());
        let (x, values, mut y) = ([1.0, 10.0], [2.0, 3.0, -5.0], [f32::NAN; 2]);
        layer.forward(&x, &values, Some(&[0.5, 0.25]), true, &mut y, None);
        assert_eq!(y, [2.0 + 30.0 + 0.5, 0.0]);
        let (mut dx, mut dvalues, mut dbias) = ([f32::NAN; 2], [f32::NAN; 3], [f32::NAN; 2]);
        let wanted = (Some(&mut dx[..]), Some(&mut dvalues[..]), Some(&mut dbias[..]));
        layer.backward(&x, &values, Some(&y), &[1.0, 7.0], wanted.0, wanted.1, wanted.2, None);
        assert_eq!((dx, dvalues, dbias), ([2.0, 3.0], [1.0, 10.0, 0.0], [1.0, 0.0]));
    }

    #[test]
    fn the_pruned_layers_of_lenet_match() {
        for (inputs, units, percent) in [(784, 300, 5), (300, 100, 20), (100, 10, 50)] {
            Case::new(inputs, units, 60, percent, 1).check(true);
        }
    }

    #[test]
    fn the_number_of_threads_changes_no_bit() {
        let case = Case::new(512, 300, 70, 20, 3);
        let on = |threads| on_threads(threads, || case.ours(true, true));
        let one = on(1);
        assert!(on(2) == one && on(4) == one);
    }

    #[test]
    fn an_example_has_the_same_bits_wherever_it_is_in_the_batch() {
        let case = Case::new(100, 30, 1, 30, 4);
        let alone = case.ours(false, false);
        let x = case.x.repeat(85);
        let many = Case { batch: 85, x, dy: case.dy.repeat(85), ..case }.ours(false, false);
        assert!(many[0] == alone[0].repeat(85) && many[1] == alone[1].repeat(85));
    }

    #[test]
    fn a_nan_passes_through_relu_and_its_gradient() {
        let layer = SparseLinear::new(1, 1, [0].into_iter());
        let (mut y, mut dx) = ([0.0], [0.0]);
        layer.forward(&[f32::NAN], &[1.0], None, true, &mut y, None);
        assert!(y[0].is_nan());
        layer.backward(&[f32::NAN], &[1.0], Some(&y), &[3.0], Some(&mut dx), None, None, None);
        assert_eq!(dx, [3.0]);
    }
}
