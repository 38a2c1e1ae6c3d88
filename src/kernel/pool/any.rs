//! Windows of any size and step: each of their places in turn, for a whole row of outputs.
//!
//! `values` is working memory for such a row: one place's values, or what each place is given.

use super::{Pool, beats};

impl Pool {
    /// Where in a plane the first window of a row of outputs has its `place`.
    #[inline(always)]
    fn at(&self, row: usize, place: usize) -> usize {
        (row * self.stride + place / self.window) * self.width + place % self.window
    }

    #[inline(always)]
    fn places(&self) -> usize {
        self.window * self.window
    }

    #[inline(always)]
    pub fn maximum_plane(&self, values: &mut [f32], x: &[f32], y: &mut [f32]) {
        for (i, y) in y.chunks_exact_mut(self.output_width()).enumerate() {
            take_every(self.stride, &x[self.at(i, 0)..], y);
            for place in 1..self.places() {
                take_every(self.stride, &x[self.at(i, place)..], values);
                for (y, x) in y.iter_mut().zip(&*values) {
                    *y = if beats(*x, *y) { *x } else { *y };
                }
            }
        }
    }

    #[inline(always)]
    pub fn maximum_plane_gradient(&self, x: &[f32], dy: &[f32], dx: &mut [f32]) {
        dx.fill(0.0);
        for (i, dy) in dy.chunks_exact(self.output_width()).enumerate() {
            for (j, dy) in dy.iter().enumerate() {
                let corner = self.at(i, 0) + j * self.stride;
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
    pub fn average_plane(&self, values: &mut [f32], x: &[f32], y: &mut [f32]) {
        let area = self.places() as f32;
        for (i, y) in y.chunks_exact_mut(self.output_width()).enumerate() {
            y.fill(0.0);
            for place in 0..self.places() {
                take_every(self.stride, &x[self.at(i, place)..], values);
                y.iter_mut().zip(&*values).for_each(|(y, x)| *y += x);
            }
            y.iter_mut().for_each(|y| *y /= area);
        }
    }

    #[inline(always)]
    pub fn average_plane_gradient(&self, values: &mut [f32], dy: &[f32], dx: &mut [f32]) {
        let area = self.places() as f32;
        dx.fill(0.0);
        for (i, dy) in dy.chunks_exact(self.output_width()).enumerate() {
            values.iter_mut().zip(dy).for_each(|(value, dy)| *value = dy / area);
            for place in 0..self.places() {
                add_to_every(self.stride, values, &mut dx[self.at(i, place)..]);
            }
        }
    }
}

/// `to[j] = from[j · stride]`
#[inline(always)]
fn take_every(stride: usize, from: &[f32], to: &mut [f32]) {
    match stride {
        1 => to.copy_from_slice(&from[..to.len()]),
        2 => {
            // The last may have no neighbour.
            let Some((last, to)) = to.split_last_mut() else { return };
            *last = from[2 * to.len()];
            to.iter_mut().zip(from.as_chunks::<2>().0).for_each(|(to, [from, _])| *to = *from);
        }
        _ => to.iter_mut().zip(from.iter().step_by(stride)).for_each(|(to, from)| *to = *from),
    }
}

/// `to[j · stride] += from[j]`
#[inline(always)]
fn add_to_every(stride: usize, from: &[f32], to: &mut [f32]) {
    match stride {
        1 => to.iter_mut().zip(from).for_each(|(to, from)| *to += from),
        2 => {
            let Some((last, from)) = from.split_last() else { return };
            to[2 * from.len()] += last;
            to.as_chunks_mut::<2>().0.iter_mut().zip(from).for_each(|([to, _], from)| *to += from);
        }
        _ => to.iter_mut().step_by(stride).zip(from).for_each(|(to, from)| *to += from),
    }
}
