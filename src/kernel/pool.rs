//! Maximum and average over square windows of planes, and their gradients.

use rayon::prelude::*;

use super::simd;

/// Windows over `planes` (batch · channels) planes of `height` × `width`, without padding. A window that does not fit
/// at the right or lower edge is left out, as in PyTorch's floor mode. Inputs are `[planes, height, width]`, outputs
/// `[planes, output_height(), output_width()]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    pub planes: usize,
    pub height: usize,
    pub width: usize,
    /// A window's side; 1 ≤ window ≤ height and width.
    pub window: usize,
    /// From one window to the next; at least 1.
    pub stride: usize,
}

impl Pool {
    pub fn output_height(&self) -> usize {
        (self.height - self.window) / self.stride + 1
    }

    pub fn output_width(&self) -> usize {
        (self.width - self.window) / self.stride + 1
    }

    /// `y` = each window's largest value, or NaN where it holds one.
    pub fn maximum(&self, x: &[f32], y: &mut [f32]) {
        self.check(x, y);
        each_plane(
            self.planes,
            y,
            #[inline(always)]
            |plane, y| match (self.window, self.stride) {
                (2, 2) => self.halve(self.input_plane(x, plane), y),
                _ => self.maximum_plane(self.input_plane(x, plane), y),
            },
        );
    }

    /// `dx` = for each input, the sum of `dy` of those windows whose largest value it is: the first of equal ones in
    /// row-major order; in a window with NaNs, the first NaN.
    pub fn maximum_gradient(&self, x: &[f32], dy: &[f32], dx: &mut [f32]) {
        self.check(x, dy);
        self.check(dx, dy);
        each_plane(
            self.planes,
            dx,
            #[inline(always)]
            |plane, dx| match (self.window, self.stride) {
                (2, 2) => self.halve_gradient(self.input_plane(x, plane), self.output_plane(dy, plane), dx),
                _ => self.maximum_plane_gradient(self.input_plane(x, plane), self.output_plane(dy, plane), dx),
            },
        );
    }

    /// `y` = each window's mean.
    pub fn average(&self, x: &[f32], y: &mut [f32]) {
        self.check(x, y);
        let area = (self.window * self.window) as f32;
        each_plane(
            self.planes,
            y,
            #[inline(always)]
            |plane, y| match self.is_global() {
                true => y[0] = sum(self.input_plane(x, plane)) / area,
                false => self.average_plane(self.input_plane(x, plane), y),
            },
        );
    }

    /// `dx` = for each input, the sum of `dy` of the windows that it is in, divided by a window's area.
    pub fn average_gradient(&self, dy: &[f32], dx: &mut [f32]) {
        self.check(dx, dy);
        let area = (self.window * self.window) as f32;
        each_plane(
            self.planes,
            dx,
            #[inline(always)]
            |plane, dx| match self.is_global() {
                true => dx.fill(dy[plane] / area),
                false => self.average_plane_gradient(self.output_plane(dy, plane), dx),
            },
        );
    }

    /// Whether one window is a whole plane.
    fn is_global(&self) -> bool {
        self.window == self.height && self.window == self.width
    }

    fn check(&self, input: &[f32], output: &[f32]) {
        assert_eq!(input.len(), self.planes * self.height * self.width, "{self:?}");
        assert_eq!(output.len(), self.planes * self.output_height() * self.output_width(), "{self:?}");
    }

    #[inline(always)]
    fn input_plane<'a>(&self, x: &'a [f32], plane: usize) -> &'a [f32] {
        let area = self.height * self.width;
        &x[plane * area..][..area]
    }

    #[inline(always)]
    fn output_plane<'a>(&self, y: &'a [f32], plane: usize) -> &'a [f32] {
        let area = self.output_height() * self.output_width();
        &y[plane * area..][..area]
    }

    /// Any window: each of its places in turn, for a whole row of outputs.
    #[inline(always)]
    fn maximum_plane(&self, x: &[f32], y: &mut [f32]) {
        for (i, y) in y.chunks_exact_mut(self.output_width()).enumerate() {
            for place in 0..self.window * self.window {
                let x = &x[(i * self.stride + place / self.window) * self.width + place % self.window..];
                for (y, x) in y.iter_mut().zip(x.iter().step_by(self.stride)) {
                    *y = if place == 0 || beats(*x, *y) { *x } else { *y };
                }
            }
        }
    }

    #[inline(always)]
    fn maximum_plane_gradient(&self, x: &[f32], dy: &[f32], dx: &mut [f32]) {
        dx.fill(0.0);
        for (i, dy) in dy.chunks_exact(self.output_width()).enumerate() {
            for (j, dy) in dy.iter().enumerate() {
                let corner = i * self.stride * self.width + j * self.stride;
                let mut best = corner;
                for row in 0..self.window {
                    for at in corner + row * self.width..corner + row * self.width + self.window {
                        best = if beats(x[at], x[best]) { at } else { best };
                    }
                }
                dx[best] += dy;
            }
        }
    }

    #[inline(always)]
    fn average_plane(&self, x: &[f32], y: &mut [f32]) {
        let area = (self.window * self.window) as f32;
        for (i, y) in y.chunks_exact_mut(self.output_width()).enumerate() {
            y.fill(0.0);
            for place in 0..self.window * self.window {
                let x = &x[(i * self.stride + place / self.window) * self.width + place % self.window..];
                for (y, x) in y.iter_mut().zip(x.iter().step_by(self.stride)) {
                    *y += x;
                }
            }
            y.iter_mut().for_each(|y| *y /= area);
        }
    }

    #[inline(always)]
    fn average_plane_gradient(&self, dy: &[f32], dx: &mut [f32]) {
        let area = (self.window * self.window) as f32;
        dx.fill(0.0);
        for (i, dy) in dy.chunks_exact(self.output_width()).enumerate() {
            for place in 0..self.window * self.window {
                let dx = &mut dx[(i * self.stride + place / self.window) * self.width + place % self.window..];
                for (dx, dy) in dx.iter_mut().step_by(self.stride).zip(dy) {
                    *dx += dy / area;
                }
            }
        }
    }

    /// Windows of 2 × 2 side by side.
    #[inline(always)]
    fn halve(&self, x: &[f32], y: &mut [f32]) {
        for (y, x) in y.chunks_exact_mut(self.width / 2).zip(x.chunks_exact(2 * self.width)) {
            let (upper, lower) = x.split_at(self.width);
            let pairs = upper.as_chunks::<2>().0.iter().zip(lower.as_chunks::<2>().0);
            for (y, ([a, b], [c, d])) in y.iter_mut().zip(pairs) {
                *y = larger(larger(*a, *b), larger(*c, *d));
            }
        }
    }

    #[inline(always)]
    fn halve_gradient(&self, x: &[f32], dy: &[f32], dx: &mut [f32]) {
        let half = self.width / 2;
        // Inputs that are in no window.
        if self.height % 2 == 1 {
            dx[(self.height - 1) * self.width..].fill(0.0);
        }
        if self.width % 2 == 1 {
            dx.chunks_exact_mut(self.width).for_each(|row| row[self.width - 1] = 0.0);
        }
        let rows = x.chunks_exact(2 * self.width).zip(dx.chunks_exact_mut(2 * self.width));
        for (dy, (x, dx)) in dy.chunks_exact(half).zip(rows) {
            let ((upper, lower), (dx_upper, dx_lower)) = (x.split_at(self.width), dx.split_at_mut(self.width));
            let (upper, lower) = (upper.as_chunks::<2>().0, lower.as_chunks::<2>().0);
            let (dx_upper, dx_lower) = (dx_upper.as_chunks_mut::<2>().0, dx_lower.as_chunks_mut::<2>().0);
            halve_gradient_row([upper, lower], dy, [dx_upper, dx_lower]);
        }
    }
}

#[inline(always)]
fn halve_gradient_row(x: [&[[f32; 2]]; 2], dy: &[f32], [dx_upper, dx_lower]: [&mut [[f32; 2]]; 2]) {
    let eights = dy.len() / 8 * 8;
    let fours = dy.len() / 4 * 4;
    halve_gradient_blocks::<8>(x, dy, [dx_upper, dx_lower]);
    let [dx_upper, dx_lower] = [&mut dx_upper[eights..], &mut dx_lower[eights..]];
    halve_gradient_blocks::<4>(x.map(|x| &x[eights..]), &dy[eights..], [dx_upper, dx_lower]);
    let dx = [&mut dx_upper[fours - eights..], &mut dx_lower[fours - eights..]];
    halve_gradient_blocks::<1>(x.map(|x| &x[fours..]), &dy[fours..], dx);
}

/// Whole blocks of `BLOCK` windows. A block's gradients are made before any is written, so that the compiler need not
/// ask whether arrays overlap, and makes vectors.
#[inline(always)]
fn halve_gradient_blocks<const BLOCK: usize>(
    [upper, lower]: [&[[f32; 2]]; 2],
    dy: &[f32],
    [dx_upper, dx_lower]: [&mut [[f32; 2]]; 2],
) {
    let (upper, lower, dy) = (upper.as_chunks::<BLOCK>().0, lower.as_chunks::<BLOCK>().0, dy.as_chunks::<BLOCK>().0);
    let dx = dx_upper.as_chunks_mut::<BLOCK>().0.iter_mut().zip(dx_lower.as_chunks_mut::<BLOCK>().0);
    for (((upper, lower), dy), (dx_upper, dx_lower)) in upper.iter().zip(lower).zip(dy).zip(dx) {
        let mut gradient = [[[0.0; 2]; BLOCK]; 2];
        for j in 0..BLOCK {
            let [[a, b], [c, d]] = [upper[j], lower[j]];
            let [a, b, c, d] = gradient_of_four([a, b, c, d], dy[j]);
            [gradient[0][j], gradient[1][j]] = [[a, b], [c, d]];
        }
        [*dx_upper, *dx_lower] = gradient;
    }
}

/// `dy` at the largest of four values, 0 at the others.
#[inline(always)]
fn gradient_of_four([a, b, c, d]: [f32; 4], dy: f32) -> [f32; 4] {
    let (upper, lower) = (beats(b, a), beats(d, c));
    let is_lower = beats(larger(c, d), larger(a, b));
    let (in_upper, in_lower) = (if is_lower { 0.0 } else { dy }, if is_lower { dy } else { 0.0 });
    [
        if upper { 0.0 } else { in_upper },
        if upper { in_upper } else { 0.0 },
        if lower { 0.0 } else { in_lower },
        if lower { in_lower } else { 0.0 },
    ]
}

/// Whether `next` takes the place of the largest value so far: larger, or the first NaN.
#[inline(always)]
fn beats(next: f32, best: f32) -> bool {
    (next > best) | (next.is_nan() & !best.is_nan())
}

#[inline(always)]
fn larger(first: f32, next: f32) -> f32 {
    if beats(next, first) { next } else { first }
}

/// Partial sums by place modulo 16, summed in order.
#[inline(always)]
fn sum(values: &[f32]) -> f32 {
    let (chunks, rest) = values.as_chunks::<16>();
    let mut sums = [0.0; 16];
    for chunk in chunks {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *sum += value;
        }
    }
    for (sum, value) in sums.iter_mut().zip(rest) {
        *sum += value;
    }
    sums.iter().sum()
}

/// Runs `work` for each plane of `out`, with the widest instructions and on all threads.
fn each_plane(planes: usize, out: &mut [f32], work: impl Fn(usize, &mut [f32]) + Sync) {
    if out.is_empty() {
        return;
    }
    let area = out.len() / planes;
    let several = |first: usize, out: &mut [f32]| {
        simd::run(
            #[inline(always)]
            || {
                for (i, out) in out.chunks_exact_mut(area).enumerate() {
                    work(first + i, out);
                }
            },
        );
    };
    let threads = rayon::current_num_threads();
    if threads == 1 {
        return several(0, out);
    }
    let at_once = planes.div_ceil(2 * threads);
    out.par_chunks_mut(at_once * area).enumerate().for_each(|(i, out)| several(i * at_once, out));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
        (1usize..9, 1usize..12).prop_flat_map(|(planes, side)| {
            windows(Pool { planes, height: side, width: side, window: side, stride: side })
        })
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

    fn on_threads(threads: usize, work: impl Fn() -> Vec<u32> + Sync) -> Vec<u32> {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(&work)
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
        let dy: Vec<f32> = (0..7 * 4 * 6).map(|i| i as f32).collect();
        for pool in [pool, Pool { window: 3, stride: 3, ..pool }, Pool { window: 9, stride: 1, ..pool }] {
            let dy = &dy[..pool.planes * pool.output_height() * pool.output_width()];
            let one = on_threads(1, || bits(all(pool, &x, dy)));
            for threads in [2, 4] {
                assert_eq!(on_threads(threads, || bits(all(pool, &x, dy))), one);
            }
        }
    }
}
