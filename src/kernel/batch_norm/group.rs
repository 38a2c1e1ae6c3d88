//! A few channels of every image: where they lie, and sums over them.

use super::{BatchNorm, COLUMNS, Moments, Settings};
use crate::kernel::simd;

/// Neighbouring channels that one thread works on. Every column has its own sum over the batch, which makes vectors of
/// any area, and the same bits with vectors of any width.
#[derive(Clone, Copy)]
pub struct Group {
    pub norm: BatchNorm,
    pub first: usize,
    pub channels: usize,
}

/// A group's values side by side. In their arrays they are so far apart, by a power of two mostly, that a cache would
/// not keep them from one sweep to the next.
#[derive(Default)]
pub struct Held {
    pub x: Vec<f32>,
    pub dy: Vec<f32>,
}

/// A row of values for each image.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    values: &'a [f32],
    start: usize,
    step: usize,
    len: usize,
}

impl<'a> Rows<'a> {
    #[inline(always)]
    pub fn row(&self, image: usize) -> &'a [f32] {
        &self.values[self.start + image * self.step..][..self.len]
    }

    /// Asks for an image's row, if there is one, soon to be read: the processor's own guess ends with a row.
    #[inline(always)]
    pub fn fetch(&self, image: usize) {
        let start = self.start + image * self.step;
        if start < self.values.len() {
            let lines = (0..self.len).step_by(16);
            lines.for_each(|line| simd::prefetch(self.values.as_ptr().wrapping_add(start + line)));
        }
    }
}

impl Group {
    pub fn columns(&self) -> usize {
        self.channels * self.norm.area
    }

    /// Where an image's values of this group start.
    #[inline(always)]
    pub fn start(&self, image: usize) -> usize {
        (image * self.norm.channels + self.first) * self.norm.area
    }

    /// This group's rows of an array.
    #[inline(always)]
    pub fn rows<'a>(&self, values: &'a [f32]) -> Rows<'a> {
        let Group { norm, first, .. } = *self;
        Rows { values, start: first * norm.area, step: norm.channels * norm.area, len: self.columns() }
    }

    /// The rows of an array that holds nothing else.
    #[inline(always)]
    pub fn held<'a>(&self, values: &'a [f32]) -> Rows<'a> {
        Rows { values, start: 0, step: self.columns(), len: self.columns() }
    }

    #[inline(always)]
    pub fn moments_of<'a>(&self, all: Moments<'a>) -> Moments<'a> {
        let channels = self.first..self.first + self.channels;
        Moments { mean: &all.mean[channels.clone()], variance: &all.variance[channels] }
    }

    /// One number a channel, repeated for its columns: for all columns of the group, or, where the group is one
    /// channel, as often as is handy.
    #[inline(always)]
    pub fn repeated(&self, number: impl Fn(usize) -> f64) -> Vec<f32> {
        let len = self.columns().min(COLUMNS);
        (0..len).map(|column| number(column / self.norm.area) as f32).collect()
    }

    /// For each channel, the sum over batch and area of what `add` adds to the columns' sums for an image: f32 within
    /// 16 images, f64 beyond. `SUMS` sums are made at a time.
    #[inline(always)]
    pub fn sums<const SUMS: usize>(&self, mut add: impl FnMut(usize, &mut [Vec<f32>; SUMS])) -> [Vec<f64>; SUMS] {
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

    pub fn count(&self) -> f64 {
        (self.norm.batch * self.norm.area) as f64
    }

    #[inline(always)]
    pub fn gamma(&self, settings: Settings<'_>, channel: usize) -> f64 {
        settings.gamma.map_or(1.0, |gamma| f64::from(gamma[self.first + channel]))
    }

    #[inline(always)]
    pub fn beta(&self, settings: Settings<'_>, channel: usize) -> f64 {
        settings.beta.map_or(0.0, |beta| f64::from(beta[self.first + channel]))
    }
}

/// √(variance + ε) of one of the group's channels.
#[inline(always)]
pub fn deviation(settings: Settings<'_>, moments: Moments<'_>, channel: usize) -> f64 {
    (f64::from(moments.variance[channel]) + settings.epsilon).sqrt()
}
