//! Every window against loops that say what it is.

use proptest::prelude::*;

use super::*;
use crate::kernel::simd;
use crate::kernel::testing::on_threads;

fn windows(pool: Pool) -> impl Strategy<Value = (Pool, Vec<f32>, Vec<f32>)> {
    // Few different values, so that many are equal, and some NaNs.
    let value = (-8i8..9).prop_map(|v| if v == 8 { f32::NAN } else { f32::from(v) / 4.0 });
    let outputs = pool.planes * pool.output_height() * pool.output_width();
    let x = prop::collection::vec(value, pool.planes * pool.height * pool.width);
    let dy = prop::collection::vec((-8i8..8).prop_map(|v| f32::from(v) / 8.0), outputs);
    (Just(pool), x, dy)
}

fn any_pool() -> impl Strategy<Value = (Pool, Vec<f32>, Vec<f32>)> {
    let shape = (1usize..9, 0usize..20, 0usize..40, 1usize..5, 1usize..5);
    let shape = prop_oneof![shape.clone(), shape.prop_map(|(p, h, w, ..)| (p, h, w, 2, 2))];
    shape.prop_flat_map(|(planes, height, width, window, stride)| {
        windows(Pool { planes, height: height + window, width: width + window, window, stride })
    })
}

fn global_pool() -> impl Strategy<Value = (Pool, Vec<f32>, Vec<f32>)> {
    (1usize..9, 1usize..12)
        .prop_flat_map(|(planes, side)| windows(Pool { planes, height: side, width: side, window: side, stride: side }))
}

/// Inputs of each output's window, in row-major order.
fn places(pool: Pool) -> Vec<Vec<usize>> {
    let mut all = Vec::new();
    for plane in 0..pool.planes {
        for i in 0..pool.output_height() {
            for j in 0..pool.output_width() {
                let place = |p: usize| {
                    let (row, column) = (i * pool.stride + p / pool.window, j * pool.stride + p % pool.window);
                    (plane * pool.height + row) * pool.width + column
                };
                all.push((0..pool.window * pool.window).map(place).collect());
            }
        }
    }
    all
}

fn first_largest(x: &[f32], window: &[usize]) -> usize {
    let nan = window.iter().copied().find(|i| x[*i].is_nan());
    nan.unwrap_or_else(|| window.iter().copied().rev().max_by(|a, b| x[*a].total_cmp(&x[*b])).unwrap())
}

/// Outputs and gradients of both kinds, of memory that was NaN.
fn all(pool: Pool, x: &[f32], dy: &[f32]) -> [Vec<f32>; 4] {
    let (output, input) = (vec![f32::NAN; dy.len()], vec![f32::NAN; x.len()]);
    let mut all = [output.clone(), input.clone(), output, input];
    pool.maximum(x, &mut all[0]);
    pool.maximum_gradient(x, dy, &mut all[1]);
    pool.average(x, &mut all[2]);
    pool.average_gradient(dy, &mut all[3]);
    all
}

fn oracle(pool: Pool, x: &[f32], dy: &[f32]) -> [Vec<f64>; 4] {
    let windows = places(pool);
    let area = (pool.window * pool.window) as f64;
    let (mut dx_maximum, mut dx_average) = (vec![0.0; x.len()], vec![0.0; x.len()]);
    for (window, dy) in windows.iter().zip(dy) {
        dx_maximum[first_largest(x, window)] += f64::from(*dy);
        window.iter().for_each(|i| dx_average[*i] += f64::from(*dy) / area);
    }
    let maximum = windows.iter().map(|window| f64::from(x[first_largest(x, window)])).collect();
    let mean = |window: &Vec<usize>| window.iter().map(|i| f64::from(x[*i])).sum::<f64>() / area;
    [maximum, dx_maximum, windows.iter().map(mean).collect(), dx_average]
}

fn bits(all: [Vec<f32>; 4]) -> Vec<u32> {
    all.concat().into_iter().map(|x| if x.is_nan() { 0 } else { x.to_bits() }).collect()
}

const FOUR: Pool = Pool { planes: 1, height: 2, width: 2, window: 2, stride: 2 };

#[test]
fn four_numbers_worked_by_hand() {
    let [maximum, dx_maximum, average, dx_average] = all(FOUR, &[1.0, 4.0, 2.0, -3.0], &[8.0]);
    assert_eq!((maximum, average), (vec![4.0], vec![1.0]));
    assert_eq!((dx_maximum, dx_average), (vec![0.0, 8.0, 0.0, 0.0], vec![2.0; 4]));
}

#[test]
fn of_equal_values_the_first_gets_the_gradient() {
    assert_eq!(all(FOUR, &[1.0, 2.0, 2.0, 2.0], &[8.0])[1], [0.0, 8.0, 0.0, 0.0]);
    assert_eq!(all(FOUR, &[0.0, -0.0, 0.0, 0.0], &[8.0])[1], [8.0, 0.0, 0.0, 0.0]);
}

#[test]
fn a_window_with_a_nan_gives_nan_and_the_first_nan_gets_the_gradient() {
    for nan in 0..4 {
        let mut x = [1.0, 2.0, 3.0, f32::INFINITY];
        x[nan..].fill(f32::NAN);
        let [maximum, gradient, ..] = all(FOUR, &x, &[8.0]);
        assert!(maximum[0].is_nan());
        assert!((0..4).all(|i| gradient[i] == if i == nan { 8.0 } else { 0.0 }), "{gradient:?}");
    }
}

proptest! {
    #[test]
    fn any_window_agrees_with_a_naive_loop((pool, x, dy) in prop_oneof![any_pool(), global_pool()]) {
        for (ours, naive) in all(pool, &x, &dy).iter().zip(oracle(pool, &x, &dy)) {
            for (a, b) in ours.iter().zip(naive) {
                prop_assert!(f64::from(*a) == b || (f64::from(*a) - b).abs() < 1e-5 || a.is_nan() && b.is_nan());
            }
        }
    }

    #[test]
    fn plain_instructions_give_the_same_bits((pool, x, dy) in any_pool()) {
        let run = || bits(all(pool, &x, &dy));
        prop_assert_eq!(simd::portable::only(run), run());
    }
}

#[test]
fn threads_change_nothing() {
    let pool = Pool { planes: 7, height: 9, width: 13, window: 2, stride: 2 };
    let x: Vec<f32> = (0..7 * 9 * 13).map(|i| (i * i % 97) as f32).collect();
    let dy: Vec<f32> = (0..7 * 9 * 13).map(|i| i as f32).collect();
    let others = [(3, 3), (3, 2), (9, 1)].map(|(window, stride)| Pool { window, stride, ..pool });
    for pool in others.into_iter().chain([pool]) {
        let dy = &dy[..pool.planes * pool.output_height() * pool.output_width()];
        let one = on_threads(1, || bits(all(pool, &x, dy)));
        for threads in [2, 4] {
            assert_eq!(on_threads(threads, || bits(all(pool, &x, dy))), one);
        }
    }
}
