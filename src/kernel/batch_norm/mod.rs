//! Batch normalisation: each channel's values to mean 0 and variance 1 over batch and area, scaled and shifted.

mod backward;
mod forward;
mod group;
#[cfg(test)]
mod tests;

use group::{Group, Held};

use super::simd;
use super::tasks::{self, Shared};

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
            |group, held, [mean, variance]| {
                group.moments(x, held, mean, variance);
                group.normalise(group.held(&held.x), settings, Moments { mean, variance }, y);
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
            |group, _, []| group.normalise(group.rows(x), settings, group.moments_of(moments), y),
        );
    }

    /// The gradients of the training pass, whose input and moments are given. With ReLU, `dy` passes where the output,
    /// which is computed again, is `!(y <= 0)`.
    pub fn backward(
        &self,
        x: &[f32],
        settings: Settings<'_>,
        moments: Moments<'_>,
        dy: &[f32],
        gradients: Gradients<'_>,
    ) {
        let Gradients { x: dx, gamma, beta } = gradients;
        self.check(&[x, dy, dx], &[moments.mean, moments.variance, gamma, beta]);
        let dx = Shared::new(dx);
        self.each_group(
            [gamma, beta],
            #[inline(always)]
            |group, held, gradients| {
                let moments = group.moments_of(moments);
                match settings.relu {
                    true => group.backward::<true>([x, dy], held, settings, moments, dx, gradients),
                    false => group.backward::<false>([x, dy], held, settings, moments, dx, gradients),
                }
            },
        );
    }

    fn check(&self, arrays: &[&[f32]], channels: &[&[f32]]) {
        let len = self.batch * self.channels * self.area;
        assert!(arrays.iter().all(|array| array.len() == len), "{self:?}: an array has another length");
        assert!(channels.iter().all(|c| c.len() == self.channels), "{self:?}: not one number for each channel");
    }

    /// Runs `work` for each group of channels, with its part of `outputs`, on all threads.
    fn each_group<const N: usize>(
        &self,
        outputs: [&mut [f32]; N],
        work: impl Fn(Group, &mut Held, [&mut [f32]; N]) + Send + Sync,
    ) {
        let at_once = (COLUMNS / self.area.max(1)).max(1);
        let outputs = outputs.map(Shared::new);
        tasks::each_with(self.channels.div_ceil(at_once), Held::default, |held, i| {
            let first = i * at_once;
            let group = Group { norm: *self, first, channels: at_once.min(self.channels - first) };
            // SAFETY: no other group has these channels.
            let outputs = outputs.map(|output| unsafe { output.range(first, group.channels) });
            simd::run(
                #[inline(always)]
                || work(group, held, outputs),
            )
        });
    }
}
