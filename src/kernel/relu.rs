//! ReLU, the sum of two branches with ReLU, and the gate that is the gradient of both.

use super::tasks;

/// `y = x` where `!(x < 0)`, else 0: a NaN stays.
pub fn relu(x: &[f32], y: &mut [f32]) {
    each(
        [x],
        y,
        #[inline(always)]
        |[x], _| rectified(x),
    );
}

/// `dy` becomes 0 where `y <= 0`: the gradient of `y = relu(x)`, or of `y = relu(a + b)` for a and for b.
pub fn gate(y: &[f32], dy: &mut [f32]) {
    each(
        [y],
        dy,
        #[inline(always)]
        |[y], dy| gated(y, dy),
    );
}

/// `y = a + b`, then ReLU where `relu`. The gradient of a, and of b, is `dy` after the gate, or without ReLU `dy` itself.
pub fn add_relu(a: &[f32], b: &[f32], relu: bool, y: &mut [f32]) {
    let floor = floor(relu);
    each(
        [a, b],
        y,
        #[inline(always)]
        move |[a, b], _| at_least(floor, a + b),
    );
}

/// `a += b`.
pub fn add_to(a: &mut [f32], b: &[f32]) {
    each(
        [b],
        a,
        #[inline(always)]
        |[b], a| a + b,
    );
}

#[inline(always)]
fn rectified(x: f32) -> f32 {
    at_least(0.0, x)
}

/// What nothing is smaller than: a number instead of a branch.
fn floor(relu: bool) -> f32 {
    if relu { 0.0 } else { f32::NEG_INFINITY }
}

#[inline(always)]
fn at_least(floor: f32, x: f32) -> f32 {
    if x < floor { floor } else { x }
}

#[inline(always)]
fn gated(y: f32, dy: f32) -> f32 {
    if y <= 0.0 { 0.0 } else { dy }
}

/// `out[i] = f(inputs[..][i], out[i])`.
fn each<const N: usize>(inputs: [&[f32]; N], out: &mut [f32], f: impl Fn([f32; N], f32) -> f32 + Copy + Send + Sync) {
    assert!(inputs.iter().all(|input| input.len() == out.len()), "inputs and output differ in length");
    tasks::each_piece(
        out,
        1,
        1,
        #[inline(always)]
        |start, out| combine(inputs.map(|input| &input[start..start + out.len()]), out, f),
    );
}

#[inline(always)]
fn combine<const N: usize>(inputs: [&[f32]; N], out: &mut [f32], f: impl Fn([f32; N], f32) -> f32) {
    for (i, out) in out.iter_mut().enumerate() {
        // SAFETY: each input was cut to the length of `out`. With checks the loop is not vectorised.
        *out = f(inputs.map(|input| unsafe { *input.get_unchecked(i) }), *out);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::simd;
    use crate::kernel::testing::on_threads;

    const NAN: f32 = f32::NAN;

    /// Every function of this file, of memory that was NaN.
    fn all(a: &[f32], b: &[f32]) -> [Vec<f32>; 5] {
        let mut all = [(); 5].map(|()| vec![NAN; a.len()]);
        relu(a, &mut all[0]);
        all[1].copy_from_slice(b);
        gate(a, &mut all[1]);
        add_relu(a, b, false, &mut all[2]);
        add_relu(a, b, true, &mut all[3]);
        all[4].copy_from_slice(a);
        add_to(&mut all[4], b);
        all
    }

    /// Which NaN comes of two is left open.
    fn bits(values: &[f32]) -> Vec<u32> {
        values.iter().map(|x| if x.is_nan() { 1 } else { x.to_bits() }).collect()
    }

    #[test]
    fn four_numbers_worked_by_hand() {
        let (a, b) = ([-1.0, 0.0, 2.0, -3.0], [5.0, 6.0, -7.0, 1.0]);
        let [relu, gate, sum, rectified_sum, sum_in_place] = all(&a, &b);
        assert_eq!(relu, [0.0, 0.0, 2.0, 0.0]);
        assert_eq!(gate, [0.0, 0.0, -7.0, 0.0]);
        assert_eq!(sum, [4.0, 6.0, -5.0, -2.0]);
        assert_eq!(sum_in_place, sum);
        assert_eq!(rectified_sum, [4.0, 6.0, 0.0, 0.0]);
    }

    #[test]
    fn a_nan_stays_and_lets_the_gradient_pass() {
        let [relu, gate, ..] = all(&[NAN, -NAN], &[3.0, 4.0]);
        assert!(relu.iter().all(|y| y.is_nan()));
        assert_eq!(gate, [3.0, 4.0]);
        let sums = all(&[NAN, 1.0], &[1.0, NAN]);
        assert!(sums[2..].iter().flatten().all(|y| y.is_nan()));
    }

    proptest! {
        #[test]
        fn all_agree_with_their_definition(values in prop::collection::vec(any::<[f32; 2]>(), 0..200)) {
            let column = |c: usize| values.iter().map(|v| v[c]).collect::<Vec<_>>();
            let (a, b) = (column(0), column(1));
            let relu = |x: f32| if x < 0.0 { 0.0 } else { x };
            let each = |f: &dyn Fn(f32, f32) -> f32| bits(&a.iter().zip(&b).map(|(a, b)| f(*a, *b)).collect::<Vec<_>>());
            let naive: [&dyn Fn(f32, f32) -> f32; 5] =
                [&|a, _| relu(a), &|a, b| if a <= 0.0 { 0.0 } else { b }, &|a, b| a + b, &|a, b| relu(a + b), &|a, b| a + b];
            let plain = simd::portable::only(|| all(&a, &b));
            for (i, (ours, plain)) in all(&a, &b).iter().zip(&plain).enumerate() {
                prop_assert_eq!(&bits(ours), &each(naive[i]));
                prop_assert_eq!(&bits(plain), &bits(ours));
            }
        }
    }

    #[test]
    fn threads_change_no_bit() {
        let a: Vec<f32> = (0..100_005).map(|i| (i as f32).sin()).collect();
        let b: Vec<f32> = a.iter().rev().copied().collect();
        let on = |threads| on_threads(threads, || all(&a, &b).map(|values| bits(&values)));
        let one = on(1);
        assert!(on(2) == one && on(4) == one);
    }
}
