//! Moments, and what becomes of the values by them.

use super::group::{Group, Held, Rows, deviation};
use super::{Moments, Settings};
use crate::kernel::tasks::Shared;

impl Group {
    /// Leaves the group's values of x in `held`.
    #[inline(always)]
    pub fn moments(&self, x: &[f32], held: &mut Held, mean: &mut [f32], variance: &mut [f32]) {
        let x = self.rows(x);
        held.x.clear();
        held.x.reserve(self.norm.batch * self.columns());
        let [sums] = self.sums(
            #[inline(always)]
            |image, [sums]| {
                x.fetch(image + 1);
                held.x.extend_from_slice(x.row(image));
                for (sum, x) in sums.iter_mut().zip(x.row(image)) {
                    *sum += x;
                }
            },
        );
        let means = self.repeated(|channel| sums[channel] / self.count());
        let x = self.held(&held.x);
        let [squares] = self.sums(
            #[inline(always)]
            |image, [sums]| {
                let period = means.len();
                for (sums, x) in sums.chunks_mut(period).zip(x.row(image).chunks(period)) {
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
    pub fn normalise(&self, x: Rows<'_>, settings: Settings<'_>, moments: Moments<'_>, y: Shared<'_>) {
        let scales = self.scales(settings, moments);
        let means = self.repeated(|channel| f64::from(moments.mean[channel]));
        let shifts = self.repeated(|channel| self.beta(settings, channel));
        let floor = if settings.relu { 0.0 } else { f32::NEG_INFINITY };
        for image in 0..self.norm.batch {
            // SAFETY: no other group has these channels.
            let y = unsafe { y.range(self.start(image), self.columns()) };
            for (y, x) in y.chunks_mut(means.len()).zip(x.row(image).chunks(means.len())) {
                let constants = means.iter().zip(&scales).zip(&shifts);
                for ((y, x), ((mean, scale), shift)) in y.iter_mut().zip(x).zip(constants) {
                    let value = (x - mean) * scale + shift;
                    *y = if value < floor { floor } else { value };
                }
            }
        }
    }

    /// What a channel's distance from the mean is multiplied with.
    #[inline(always)]
    pub fn scales(&self, settings: Settings<'_>, moments: Moments<'_>) -> Vec<f32> {
        self.repeated(|channel| self.gamma(settings, channel) * deviation(settings, moments, channel).recip())
    }
}
