//! Which values of a tensor are the smallest, found where it rests: nothing comes to the host.

use burn::tensor::{Bool, Int, Tensor};

use super::bridge;

/// Marks the `dropped` values of smallest magnitude, the first of equal ones first, as `kernel::top_k` does on the host.
///
/// Two departures: a magnitude that is subnormal counts as 0, as many devices compute, and NaN as infinity.
pub(super) fn smallest(values: Tensor<1>, dropped: usize) -> Tensor<1, Bool> {
    let len = values.dims()[0];
    assert!(dropped <= len, "{dropped} of {len} values cannot be dropped");
    if dropped == 0 || dropped == len {
        return Tensor::<1>::zeros([len], &values.device()).equal_elem(if dropped == 0 { 1.0 } else { 0.0 });
    }
    let size = magnitudes(values);
    let threshold = bridge::kth_smallest(&size, dropped).unwrap_or_else(|| searched(&size, dropped));
    let below = size.clone().lower(threshold.clone());
    let equal = size.equal(threshold);
    let of_equal = below.clone().int().sum().neg() + dropped as i64;
    let first = running(equal.clone().int()).lower_equal(of_equal);
    below.bool_or(equal.bool_and(first))
}

fn magnitudes(values: Tensor<1>) -> Tensor<1> {
    let nan = values.clone().is_nan();
    let size = values.abs().mask_fill(nan, f32::INFINITY);
    let subnormal = size.clone().lower_elem(f32::MIN_POSITIVE);
    size.mask_fill(subnormal, 0.0)
}

/// The k-th smallest of magnitudes, counted from 1, by operations that every device has: its bits are found from the
/// top. A bit is 1 where fewer than k values are below the number that has it and those before.
fn searched(size: &Tensor<1>, k: usize) -> Tensor<1> {
    let reached = |found: Tensor<1>, more: Tensor<1>| {
        let below = size.clone().lower(more.clone()).int().sum();
        found.mask_where(below.lower_elem(k as i64), more)
    };
    let mut found = Tensor::<1>::zeros([1], &size.device());
    // Where no bit is set yet, this one alone gives 2^(2^bit − 127).
    for exponent in (0..8).rev().map(|bit| 1 << bit) {
        let alone = (f64::from(exponent) - 127.0).exp2();
        let more = match exponent {
            128 => found.clone().add_scalar(alone),
            _ => found.clone().mul_scalar(f64::from(exponent).exp2()).clamp_min(alone),
        };
        found = reached(found, more);
    }
    let unit = found.clone();
    for bit in 1..=23 {
        let more = found.clone() + unit.clone() * f64::from(-bit).exp2();
        found = reached(found, more);
    }
    found
}

/// How many values a block of `running` has.
const BLOCK: usize = 256;

/// Each value with all before it, in blocks: the time of some devices' own sum grows with the square of the length.
fn running(values: Tensor<1, Int>) -> Tensor<1, Int> {
    let len = values.dims()[0];
    if len <= BLOCK {
        return values.cumsum(0);
    }
    let rows = len.div_ceil(BLOCK);
    let rest = Tensor::zeros([rows * BLOCK - len], &values.device());
    let within = Tensor::cat(vec![values, rest], 0).reshape([rows, BLOCK]).cumsum(1);
    let sums = within.clone().slice([0..rows, BLOCK - 1..BLOCK]).reshape([rows]);
    let before = (running(sums.clone()) - sums).reshape([rows, 1]);
    (within + before).reshape([rows * BLOCK]).narrow(0, 0, len)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};
    use proptest::prelude::*;

    use super::*;
    use crate::device::testing::devices;
    use crate::kernel::top_k;

    fn on(device: &Device, values: &[f32]) -> Tensor<1> {
        Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device)
    }

    fn kept(values: &[f32], dropped: usize, device: &Device) -> Vec<bool> {
        let marked = smallest(on(device, values), dropped).bool_not();
        marked.into_data().iter::<bool>().collect()
    }

    fn assert_agrees(values: &[f32], dropped: usize) {
        let mut select = Vec::new();
        top_k::select_largest(values, dropped, &mut top_k::Scratch::default(), &mut select);
        let expected: Vec<bool> = select.iter().map(|bits| *bits != 0).collect();
        for device in devices() {
            assert!(kept(values, dropped, &device) == expected, "{dropped} of {} on {device:?}", values.len());
        }
    }

    #[test]
    fn the_smallest_magnitudes_go_and_of_equal_ones_the_first() {
        for device in devices() {
            assert_eq!(kept(&[0.5, -0.1, 0.1, -0.7], 1, &device), [true, false, true, true]);
            assert_eq!(kept(&[0.5, -0.1, 0.1, -0.7], 3, &device), [false, false, false, true]);
            assert_eq!(kept(&[1.0, 1.0], 0, &device), [true, true]);
            assert_eq!(kept(&[1.0, 1.0], 2, &device), [false, false]);
        }
    }

    #[test]
    fn as_many_are_kept_as_asked_where_values_are_not_finite_or_subnormal() {
        let values = [f32::NAN, f32::INFINITY, 1e-40, -1e-41, 0.0, f32::NAN, 3.0, f32::MAX];
        for (device, dropped) in devices().flat_map(|device| (0..=8).map(move |dropped| (device.clone(), dropped))) {
            let count = kept(&values, dropped, &device).iter().filter(|kept| **kept).count();
            assert_eq!(count, 8 - dropped, "{device:?}");
        }
    }

    #[test]
    fn long_tensors_with_many_ties_agree_with_the_kernel() {
        let values: Vec<f32> = (0..70_001u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 25) as f32 - 64.0).collect();
        for dropped in [1, 700, 35_000, 69_999] {
            assert_agrees(&values, dropped);
            assert_agrees(&vec![0.25; 70_001], dropped);
        }
    }

    proptest! {
        #[test]
        fn selection_agrees_with_the_kernel(
            values in prop::collection::vec(
                prop_oneof![(-20i8..20).prop_map(|s| f32::from(s) / 8.0), prop::num::f32::NORMAL],
                1..600,
            ),
            part in 0.0..=1.0f64,
        ) {
            assert_agrees(&values, (values.len() as f64 * part) as usize);
        }

        #[test]
        fn the_search_finds_the_kth_smallest_to_the_bit(
            values in prop::collection::vec(prop::num::f32::NORMAL | prop::num::f32::ZERO, 1..40),
            part in 0.0..1.0f64,
        ) {
            let k = (values.len() as f64 * part) as usize;
            let mut sizes: Vec<f32> = values.iter().map(|value| value.abs()).collect();
            for device in devices() {
                let found: Vec<f32> = searched(&on(&device, &sizes), k + 1).into_data().try_into_vec().unwrap();
                let (_, expected, _) = sizes.select_nth_unstable_by(k, f32::total_cmp);
                prop_assert_eq!(found[0].to_bits(), expected.to_bits());
            }
        }
    }
}
