//! Maximum and average over square windows of planes, and their gradients.

mod any;
mod halve;
#[cfg(test)]
mod tests;

use super::tasks;

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
        self.each_plane(
            y,
            #[inline(always)]
            |row, plane, y| match (self.window, self.stride) {
                (2, 2) => self.halve(self.input_plane(x, plane), y),
                _ => self.maximum_plane(row, self.input_plane(x, plane), y),
            },
        );
    }

    /// `dx` = for each input, the sum of `dy` of those windows whose largest value it is: the first of equal ones in
    /// row-major order; in a window with NaNs, the first NaN.
    pub fn maximum_gradient(&self, x: &[f32], dy: &[f32], dx: &mut [f32]) {
        self.check(x, dy);
        self.check(dx, dy);
        self.each_plane(
            dx,
            #[inline(always)]
            |_, plane, dx| match (self.window, self.stride) {
                (2, 2) => self.halve_gradient(self.input_plane(x, plane), self.output_plane(dy, plane), dx),
                _ => self.maximum_plane_gradient(self.input_plane(x, plane), self.output_plane(dy, plane), dx),
            },
        );
    }

    /// `y` = each window's mean.
    pub fn average(&self, x: &[f32], y: &mut [f32]) {
        self.check(x, y);
        let area = (self.window * self.window) as f32;
        self.each_plane(
            y,
            #[inline(always)]
            |row, plane, y| match self.is_global() {
                true => y[0] = sum(self.input_plane(x, plane)) / area,
                false => self.average_plane(row, self.input_plane(x, plane), y),
            },
        );
    }

    /// `dx` = for each input, the sum of `dy` of the windows that it is in, divided by a window's area.
    pub fn average_gradient(&self, dy: &[f32], dx: &mut [f32]) {
        self.check(dx, dy);
        let area = (self.window * self.window) as f32;
        self.each_plane(
            dx,
            #[inline(always)]
            |row, plane, dx| match self.is_global() {
                true => dx.fill(dy[plane] / area),
                false => self.average_plane_gradient(row, self.output_plane(dy, plane), dx),
            },
        );
    }

    /// Runs `work(memory for a row of outputs, plane's number, plane)` for each plane of `out`, inputs or outputs, on all
    /// threads.
    fn each_plane(&self, out: &mut [f32], work: impl Fn(&mut [f32], usize, &mut [f32]) + Send + Sync) {
        if out.is_empty() {
            return;
        }
        let area = out.len() / self.planes;
        tasks::each_piece(
            out,
            area,
            self.height * self.width,
            #[inline(always)]
            |first, out| {
                let mut row = vec![0.0; self.output_width()];
                out.chunks_exact_mut(area).enumerate().for_each(|(i, out)| work(&mut row, first + i, out));
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
