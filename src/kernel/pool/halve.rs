//! Windows of 2 × 2 side by side.

use super::{Pool, beats, larger};

impl Pool {
    #[inline(always)]
    pub fn halve(&self, x: &[f32], y: &mut [f32]) {
        for (y, x) in y.chunks_exact_mut(self.width / 2).zip(x.chunks_exact(2 * self.width)) {
            let (upper, lower) = x.split_at(self.width);
            let pairs = upper.as_chunks::<2>().0.iter().zip(lower.as_chunks::<2>().0);
            for (y, ([a, b], [c, d])) in y.iter_mut().zip(pairs) {
                *y = larger(larger(*a, *b), larger(*c, *d));
            }
        }
    }

    #[inline(always)]
    pub fn halve_gradient(&self, x: &[f32], dy: &[f32], dx: &mut [f32]) {
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
