//! The gradients of input, scale and shift.

use super::group::{Group, Held, deviation};
use super::{Moments, Settings};
use crate::kernel::tasks::Shared;

impl Group {
    #[inline(always)]
    pub fn backward<const GATED: bool>(
        &self,
        [x, dy]: [&[f32]; 2],
        held: &mut Held,
        settings: Settings<'_>,
        moments: Moments<'_>,
        dx: Shared<'_>,
        [gamma, beta]: [&mut [f32]; 2],
    ) {
        let [sums, products] = self.gradient_sums::<GATED>([x, dy], held, settings, moments);
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
        let period = scales.len();
        let (distances, dy) = (self.held(&held.x), self.held(&held.dy));
        for image in 0..self.norm.batch {
            // SAFETY: no other group has these channels.
            let dx = unsafe { dx.range(self.start(image), self.columns()) };
            let [distances, dy] = [distances, dy].map(|rows| rows.row(image).chunks(period));
            for ((dx, distances), dy) in dx.chunks_mut(period).zip(distances).zip(dy) {
                let n = dx.len();
                let (distances, dy) = (&distances[..n], &dy[..n]);
                let (scales, offsets, slopes) = (&scales[..n], &offsets[..n], &slopes[..n]);
                for i in 0..n {
                    dx[i] = (dy[i] - offsets[i] - distances[i] * slopes[i]) * scales[i];
                }
            }
        }
    }

    /// For each channel Σ dy and Σ dy (x − mean), of the gated dy. Leaves x − mean and the gated dy in `held`.
    #[inline(always)]
    fn gradient_sums<const GATED: bool>(
        &self,
        [x, dy]: [&[f32]; 2],
        held: &mut Held,
        settings: Settings<'_>,
        moments: Moments<'_>,
    ) -> [Vec<f64>; 2] {
        let [x, dy] = [x, dy].map(|array| self.rows(array));
        let means = self.repeated(|channel| f64::from(moments.mean[channel]));
        // As in the step forward, to have the sign of y.
        let scales = self.scales(settings, moments);
        let shifts = self.repeated(|channel| self.beta(settings, channel));
        let period = means.len();
        for values in [&mut held.x, &mut held.dy] {
            values.clear();
            values.reserve(self.norm.batch * self.columns());
        }
        self.sums(
            #[inline(always)]
            |image, [sums, products]| {
                [x, dy].iter().for_each(|rows| rows.fetch(image + 1));
                let start = held.x.len();
                held.x.extend_from_slice(x.row(image));
                held.dy.extend_from_slice(dy.row(image));
                let sums = sums.chunks_mut(period).zip(products.chunks_mut(period));
                let rows = held.x[start..].chunks_mut(period).zip(held.dy[start..].chunks_mut(period));
                for ((sums, products), (x, dy)) in sums.zip(rows) {
                    let n = x.len();
                    let (sums, products, dy) = (&mut sums[..n], &mut products[..n], &mut dy[..n]);
                    let (means, scales, shifts) = (&means[..n], &scales[..n], &shifts[..n]);
                    for i in 0..n {
                        let distance = x[i] - means[i];
                        let is_gated = GATED && distance * scales[i] + shifts[i] <= 0.0;
                        let slope = if is_gated { 0.0 } else { dy[i] };
                        sums[i] += slope;
                        products[i] += slope * distance;
                        x[i] = distance;
                        dy[i] = slope;
                    }
                }
            },
        )
    }
}
