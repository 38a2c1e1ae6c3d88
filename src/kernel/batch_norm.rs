//! Batch normalisation: each channel's values to mean 0 and variance 1 over batch and area, scaled and shifted.

use rayon::prelude::*;

use super::simd;
use super::tasks::Shared;

/// Arrays are `[batch, channels, area]`; features have area 1. What is one number a channel is `[channels]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchNorm {
    pub batch: usize,
    pub channels: usize,
    pub area: usize,
}

/// `y = γ (x − mean) ÷ √(variance + ε) + β`, and then ReLU if so wished.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// 1 where it is not given.
    pub gamma: Option<&'a [f32]>,
    /// 0 where it is not given.
    pub beta: Option<&'a [f32]>,
    pub epsilon: f64,
    pub relu: bool,
}

/// Mean and biased variance over batch and area.
#[derive(Clone, Copy, Debug)]
pub struct Moments<'a> {
    pub mean: &'a [f32],
    pub variance: &'a [f32],
}

/// Where the gradients of input, γ and β go; the last two are written whether or not there is a γ or β.
#[derive(Debug)]
pub struct Gradients<'a> {
    pub x: &'a mut [f32],
    pub gamma: &'a mut [f32],
    pub beta: &'a mut [f32],
}

/// As many columns (values of one image) are worked on together; a channel of more is alone.
const COLUMNS: usize = 256;

impl BatchNorm {
    /// The training pass: normalises by the batch's own moments, and gives them out.
    pub fn forward(&self, x: &[f32], settings: Settings<'_>, y: &mut [f32], mean: &mut [f32], variance: &mut [f32]) {
        self.check(&[x, y], &[mean, variance]);
        let y = Shared::new(y);
        self.each_group(
            [mean, variance],
            #[inline(always)]
            |group, [mean, variance]| {
                group.moments(x, mean, variance);
                group.normalise(x, settings, Moments { mean, variance }, y);
            },
        );
    }

    /// The evaluation pass: normalises by given moments.
    pub fn evaluate(&self, x: &[f32], settings: Settings<'_>, moments: Moments<'_>, y: &mut [f32]) {
        self.check(&[x, y], &[moments.mean, moments.variance]);
        let y = Shared::new(y);
        self.each_group(
            [],
            #[inline(always)]
            |group, []| {
                let channels = group.first..group.first + group.channels;
                let moments = Moments { mean: &moments.mean[channels.clone()], variance: &moments.variance[channels] };
                group.normalise(x, settings, moments, y);
            },
        );
    }

    /// The gradients of the training pass, whose input, output and moments are given. With ReLU, `dy` passes where
    /// `!(y <= 0)`; without, `y` is not read and may be empty.
    pub fn backward(
        &self,
        (x, y): (&[f32], &[f32]),
        settings: Settings<'_>,
        moments: Moments<'_>,
        dy: &[f32],
        gradients: Gradients<'_>,
    ) {
        let Gradients { x: dx, gamma, beta } = gradients;
        self.check(&[x, dy, dx, if settings.relu { y } else { x }], &[moments.mean, moments.variance, gamma, beta]);
        let dx = Shared::new(dx);
        self.each_group(
            [gamma, beta],
            #[inline(always)]
            |group, [gamma, beta]| match settings.relu {
                true => group.backward::<true>([x, dy, y], settings, moments, dx, [gamma, beta]),
                false => group.backward::<false>([x, dy, dy], settings, moments, dx, [gamma, beta]),
            },
        );
    }

    fn check(&self, arrays: &[&[f32]], channels: &[&[f32]]) {
        let len = self.batch * self.channels * self.area;
        assert!(arrays.iter().all(|array| array.len() == len), "{self:?}: an array has another length");
        assert!(channels.iter().all(|c| c.len() == self.channels), "{self:?}: not one number for each channel");
    }

    /// Runs `work` for each group of channels, with its part of `outputs`, on all threads.
    fn each_group<const N: usize>(&self, outputs: [&mut [f32]; N], work: impl Fn(Group, [&mut [f32]; N]) + Sync) {
        let at_once = (COLUMNS / self.area.max(1)).max(1);
        let mut outputs = outputs.map(|output| output.chunks_mut(at_once));
        let groups = (0..self.channels).step_by(at_once).map(|first| {
            let group = Group { norm: *self, first, channels: at_once.min(self.channels - first) };
            (group, outputs.each_mut().map(|chunks| chunks.next().expect("a chunk for each group")))
        });
        let run = |(group, outputs)| {
            simd::run(
                #[inline(always)]
                || work(group, outputs),
            )
        };
        match rayon::current_num_threads() {
            1 => groups.for_each(run),
            _ => groups.collect::<Vec<_>>().into_par_iter().for_each(run),
        }
    }
}

/// Neighbouring channels that one thread works on. Every column has its own sum over the batch, which makes vectors of
/// any area, and the same bits with vectors of any width.
#[derive(Clone, Copy)]
struct Group {
    norm: BatchNorm,
    first: usize,
    channels: usize,
}

impl Group {
    fn columns(&self) -> usize {
        self.channels * self.norm.area
    }

    /// Where an image's values of this group start.
    #[inline(always)]
    fn start(&self, image: usize) -> usize {
        (image * self.norm.channels + self.first) * self.norm.area
    }

    #[inline(always)]
    fn row<'a>(&self, array: &'a [f32], image: usize) -> &'a [f32] {
        &array[self.start(image)..][..self.columns()]
    }

    /// One number a channel, repeated for its columns: for all columns of the group, or, where the group is one
    /// channel, as often as is handy.
    #[inline(always)]
    fn repeated(&self, number: impl Fn(usize) -> f64) -> Vec<f32> {
        let len = self.columns().min(COLUMNS);
        (0..len).map(|column| number(column / self.norm.area) as f32).collect()
    }

    /// For each channel, the sum over batch and area of what `add` adds to the columns' sums for an image: f32 within
    /// 16 images, f64 beyond. `SUMS` sums are made at a time.
    #[inline(always)]
    fn sums<const SUMS: usize>(&self, add: impl Fn(usize, &mut [Vec<f32>; SUMS])) -> [Vec<f64>; SUMS] {
        let mut partial = [(); SUMS].map(|_| vec![0.0; self.columns()]);
        let mut total = [(); SUMS].map(|_| vec![0.0; self.columns()]);
        for image in 0..self.norm.batch {
            add(image, &mut partial);
            if image % 16 == 15 || image + 1 == self.norm.batch {
                for (total, partial) in total.iter_mut().flatten().zip(partial.iter_mut().flatten()) {
                    *total += f64::from(*partial);
                    *partial = 0.0;
                }
            }
        }
        total.map(|total| total.chunks_exact(self.norm.area).map(|columns| columns.iter().sum()).collect())
    }

    fn count(&self) -> f64 {
        (self.norm.batch * self.norm.area) as f64
    }

    #[inline(always)]
    fn moments(&self, x: &[f32], mean: &mut [f32], variance: &mut [f32]) {
        let [sums] = self.sums(
            #[inline(always)]
            |image, [sums]| {
                for (sum, x) in sums.iter_mut().zip(self.row(x, image)) {
                    *sum += x;
                }
            },
        );
        let means = self.repeated(|channel| sums[channel] / self.count());
        let [squares] = self.sums(
            #[inline(always)]
            |image, [sums]| {
                let period = means.len();
                for (sums, x) in sums.chunks_mut(period).zip(self.row(x, image).chunks(period)) {
                    for ((sum, x), mean) in sums.iter_mut().zip(x).zip(&means) {
                        *sum += (x - mean) * (x - mean);
                    }
                }
            },
        );
        for channel in 0..self.channels {
            let exact = sums[channel] / self.count();
            mean[channel] = exact as f32;
            // Squares were taken around the mean as rounded to f32.
            let rounding = exact - f64::from(mean[channel]);
            let around_mean = squares[channel] / self.count() - rounding * rounding;
            variance[channel] = if around_mean < 0.0 { 0.0 } else { around_mean as f32 };
        }
    }

    #[inline(always)]
    fn normalise(&self, x: &[f32], settings: Settings<'_>, moments: Moments<'_>, y: Shared<'_>) {
        let scales =
            self.repeated(|channel| self.gamma(settings, channel) * deviation(settings, moments, channel).recip());
        let means = self.repeated(|channel| f64::from(moments.mean[channel]));
        let shifts = self.repeated(|channel| settings.beta.map_or(0.0, |beta| f64::from(beta[self.first + channel])));
        let floor = if settings.relu { 0.0 } else { f32::NEG_INFINITY };
        for image in 0..self.norm.batch {
            // SAFETY: no other group has these channels.
            let y = unsafe { y.range(self.start(image), self.columns()) };
            for (y, x) in y.chunks_mut(means.len()).zip(self.row(x, image).chunks(means.len())) {
                let constants = means.iter().zip(&scales).zip(&shifts);
                for ((y, x), ((mean, scale), shift)) in y.iter_mut().zip(x).zip(constants) {
                    let value = (x - mean) * scale + shift;
                    *y = if value < floor { floor } else { value };
                }
            }
        }
    }

    #[inline(always)]
    fn gamma(&self, settings: Settings<'_>, channel: usize) -> f64 {
        settings.gamma.map_or(1.0, |gamma| f64::from(gamma[self.first + channel]))
    }

    #[inline(always)]
    fn backward<const GATED: bool>(
        &self,
        [x, dy, y]: [&[f32]; 3],
        settings: Settings<'_>,
        moments: Moments<'_>,
        dx: Shared<'_>,
        [gamma, beta]: [&mut [f32]; 2],
    ) {
        let channels = self.first..self.first + self.channels;
        let moments = Moments { mean: &moments.mean[channels.clone()], variance: &moments.variance[channels] };
        let means = self.repeated(|channel| f64::from(moments.mean[channel]));
        let period = means.len();
        let [sums, products] = self.gradient_sums::<GATED>([x, dy, y], &means);
        for channel in 0..self.channels {
            gamma[channel] = (products[channel] / deviation(settings, moments, channel)) as f32;
            beta[channel] = sums[channel] as f32;
        }
        let scales = self.repeated(|channel| self.gamma(settings, channel) / deviation(settings, moments, channel));
        let offsets = self.repeated(|channel| sums[channel] / self.count());
        let slopes = self.repeated(|channel| {
            let deviation = deviation(settings, moments, channel);
            products[channel] / (self.count() * deviation * deviation)
        });
        for image in 0..self.norm.batch {
            // SAFETY: no other group has these channels.
            let dx = unsafe { dx.range(self.start(image), self.columns()) };
            let [x, dy, y] = [x, dy, y].map(|array| self.row(array, image).chunks(period));
            for ((dx, x), (dy, y)) in dx.chunks_mut(period).zip(x).zip(dy.zip(y)) {
                let n = dx.len();
                let (x, dy, y, means) = (&x[..n], &dy[..n], &y[..n], &means[..n]);
                let (scales, offsets, slopes) = (&scales[..n], &offsets[..n], &slopes[..n]);
                for i in 0..n {
                    let dy = gate::<GATED>(dy[i], y[i]);
                    dx[i] = (dy - offsets[i] - (x[i] - means[i]) * slopes[i]) * scales[i];
                }
            }
        }
    }

    /// For each channel Σ dy and Σ dy (x − mean), of the gated dy.
    #[inline(always)]
    fn gradient_sums<const GATED: bool>(&self, [x, dy, y]: [&[f32]; 3], means: &[f32]) -> [Vec<f64>; 2] {
        let period = means.len();
        self.sums(
            #[inline(always)]
            |image, [sums, products]| {
                let sums = sums.chunks_mut(period).zip(products.chunks_mut(period));
                let rows = [x, dy, y].map(|array| self.row(array, image).chunks(period));
                let [x, dy, y] = rows;
                for (((sums, products), x), (dy, y)) in sums.zip(x).zip(dy.zip(y)) {
                    let n = x.len();
                    let (sums, products, means) = (&mut sums[..n], &mut products[..n], &means[..n]);
                    for i in 0..n {
                        let dy = gate::<GATED>(dy[i], y[i]);
                        sums[i] += dy;
                        products[i] += dy * (x[i] - means[i]);
                    }
                }
            },
        )
    }
}

#[inline(always)]
fn gate<const GATED: bool>(dy: f32, y: f32) -> f32 {
    if GATED && y <= 0.0 { 0.0 } else { dy }
}

/// √(variance + ε) of one of the group's channels.
#[inline(always)]
fn deviation(settings: Settings<'_>, moments: Moments<'_>, channel: usize) -> f64 {
    (f64::from(moments.variance[channel]) + settings.epsilon).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// One pass forward and back, and what it gave, of memory that was NaN.
    #[derive(Debug)]
    struct Given {
        y: Vec<f32>,
        mean: Vec<f32>,
        variance: Vec<f32>,
        dx: Vec<f32>,
        dgamma: Vec<f32>,
        dbeta: Vec<f32>,
        evaluated: Vec<f32>,
    }

    fn ours(norm: BatchNorm, x: &[f32], dy: &[f32], settings: Settings<'_>) -> Given {
        let (all, channel) = (vec![f32::NAN; x.len()], vec![f32::NAN; norm.channels]);
        let (mut y, mut dx, mut evaluated) = (all.clone(), all.clone(), all);
        let [mut mean, mut variance, mut dgamma, mut dbeta] = [(); 4].map(|()| channel.clone());
        norm.forward(x, settings, &mut y, &mut mean, &mut variance);
        let moments = Moments { mean: &mean, variance: &variance };
        norm.evaluate(x, settings, moments, &mut evaluated);
        let gradients = Gradients { x: &mut dx, gamma: &mut dgamma, beta: &mut dbeta };
        let output = if settings.relu { y.as_slice() } else { &[] };
        norm.backward((x, output), settings, moments, dy, gradients);
        Given { y, mean, variance, dx, dgamma, dbeta, evaluated }
    }

    impl Given {
        fn bits(&self) -> Vec<u32> {
            let all = [&self.y, &self.mean, &self.variance, &self.dx, &self.dgamma, &self.dbeta, &self.evaluated];
            all.into_iter().flatten().map(|x| if x.is_nan() { 0 } else { x.to_bits() }).collect()
        }
    }

    /// The loss Σ dy · y in f64, whose derivatives the gradients are.
    fn loss(norm: BatchNorm, x: &[f64], dy: &[f32], gamma: &[f64], beta: &[f64], epsilon: f64, relu: bool) -> f64 {
        let n = (norm.batch * norm.area) as f64;
        let channel = |i: usize| i / norm.area % norm.channels;
        let mean_of = |f: &dyn Fn(f64, usize) -> f64| {
            let mut sums = vec![0.0; norm.channels];
            x.iter().enumerate().for_each(|(i, x)| sums[channel(i)] += f(*x, channel(i)) / n);
            sums
        };
        let mean = mean_of(&|x, _| x);
        let variance = mean_of(&|x, c| (x - mean[c]).powi(2));
        let y = |(i, x): (usize, &f64)| {
            let c = channel(i);
            let y = gamma[c] * (x - mean[c]) / (variance[c] + epsilon).sqrt() + beta[c];
            if relu && y < 0.0 { 0.0 } else { y }
        };
        x.iter().enumerate().map(y).zip(dy).map(|(y, dy)| y * f64::from(*dy)).sum()
    }

    fn numbers(n: usize, seed: u32) -> Vec<f32> {
        let mut state = seed.wrapping_mul(747_796_405) | 1;
        let mut next = || {
            state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..n).map(|_| next()).collect()
    }

    const PLAIN: Settings<'_> = Settings { gamma: None, beta: None, epsilon: 0.0, relu: false };

    #[test]
    fn four_numbers_worked_by_hand() {
        let norm = BatchNorm { batch: 2, channels: 1, area: 2 };
        // Mean 4, deviations ±1 and ±3, variance (1 + 1 + 9 + 9) ÷ 4 = 5.
        let given = ours(norm, &[3.0, 5.0, 1.0, 7.0], &[1.0, 0.0, 0.0, 0.0], PLAIN);
        assert_eq!((given.mean[0], given.variance[0]), (4.0, 5.0));
        let root = 5f32.sqrt();
        let near = |a: &[f32], b: [f32; 4]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(near(&given.y, [-1.0, 1.0, -3.0, 3.0].map(|d| d / root)), "{given:?}");
        // Σ dy = 1, Σ dy x̂ = −1 ÷ √5: dx = (dy − 1/4 + x̂ ÷ (4 √5)) ÷ √5 = (dy − 1/4 + d ÷ 20) ÷ √5.
        assert!(near(&given.dx, [0.7, -0.2, -0.4, -0.1].map(|d| d / root)), "{given:?}");
        assert!((given.dgamma[0] + 1.0 / root).abs() < 1e-6 && given.dbeta[0] == 1.0);
    }

    #[test]
    fn a_large_mean_does_not_spoil_the_variance() {
        let norm = BatchNorm { batch: 100, channels: 1, area: 300 };
        let x: Vec<f32> = numbers(30_000, 1).iter().map(|x| 1_000.0 + x).collect();
        let mean = x.iter().map(|x| f64::from(*x)).sum::<f64>() / 30_000.0;
        let variance = x.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / 30_000.0;
        let given = ours(norm, &x, &x, PLAIN);
        assert!((f64::from(given.mean[0]) - mean).abs() < 1e-4);
        assert!((f64::from(given.variance[0]) / variance - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_nan_makes_its_channel_nan_and_no_other() {
        let norm = BatchNorm { batch: 3, channels: 2, area: 2 };
        let mut x = numbers(12, 3);
        x[4] = f32::NAN;
        let given = ours(norm, &x, &numbers(12, 4), Settings { relu: true, ..PLAIN });
        assert!(given.mean[0].is_nan() && given.variance[0].is_nan() && given.dgamma[0].is_nan());
        for i in 0..12 {
            let first = i / 2 % 2 == 0;
            assert!([given.y[i], given.dx[i], given.evaluated[i]].iter().all(|v| v.is_nan() == first), "{given:?}");
        }
    }

    #[test]
    fn threads_and_vectors_change_no_bit() {
        for (batch, channels, area) in [(33, 5, 300), (20, 700, 1), (17, 130, 4), (3, 9, 49)] {
            let norm = BatchNorm { batch, channels, area };
            let (x, dy) = (numbers(batch * channels * area, 5), numbers(batch * channels * area, 6));
            let settings = Settings { epsilon: 1e-5, relu: true, ..PLAIN };
            let run = || ours(norm, &x, &dy, settings).bits();
            let on = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let one = on(1).install(run);
            assert_eq!(on(1).install(|| simd::portable::only(run)), one);
            assert_eq!(on(2).install(run), one);
            assert_eq!(on(4).install(run), one);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn gradients_are_the_slopes_of_a_loss_in_f64(
            (batch, channels, area) in (2usize..20, 1usize..8, prop_oneof![Just(1usize), 1usize..20, Just(300)]),
            affine in any::<[bool; 2]>(),
            relu in any::<bool>(),
            seed in any::<u32>(),
        ) {
            let norm = BatchNorm { batch, channels, area };
            let len = batch * channels * area;
            let (x, dy) = (numbers(len, seed), numbers(len, seed ^ 1));
            let (gamma, beta) = (numbers(channels, seed ^ 2), numbers(channels, seed ^ 3));
            let [gamma, beta] = [affine[0].then_some(&*gamma), affine[1].then_some(&*beta)];
            let epsilon = 0.1;
            let given = ours(norm, &x, &dy, Settings { gamma, beta, epsilon, relu });
            prop_assert_eq!(&given.y, &given.evaluated);

            let wide = |values: Option<&[f32]>, otherwise: f64| match values {
                Some(values) => values.iter().map(|v| f64::from(*v)).collect(),
                None => vec![otherwise; channels],
            };
            let point = [x.iter().map(|x| f64::from(*x)).collect(), wide(gamma, 1.0), wide(beta, 0.0)];
            let at = |point: &[Vec<f64>; 3]| loss(norm, &point[0], &dy, &point[1], &point[2], epsilon, relu);
            let value: f64 = given.y.iter().zip(&dy).map(|(y, dy)| f64::from(*y) * f64::from(*dy)).sum();
            prop_assert!((value - at(&point)).abs() < 1e-4 * len as f64);
            for (argument, gradient) in [&given.dx, &given.dgamma, &given.dbeta].into_iter().enumerate() {
                for i in (0..gradient.len()).step_by(gradient.len() / 7 + 1) {
                    let slope = |step: f64| {
                        let mut moved = point.clone();
                        moved[argument][i] += step;
                        (at(&moved) - at(&point)) / step
                    };
                    let (right, left) = (slope(1e-6), slope(-1e-6));
                    // Where ReLU bends, the two differ.
                    if (right - left).abs() < 1e-4 {
                        prop_assert!((f64::from(gradient[i]) - right).abs() < 1e-3, "{argument} {i} {gradient:?} {right}");
                    }
                }
            }
        }
    }
}
