//! The gradient through a fused ReLU, and the bias's gradient, in one pass over `dy`.

use rayon::prelude::*;

use super::Conv;

/// With `y`, gates: `dy` stays where `y` is above 0 or NaN and becomes 0 elsewhere. With `db`, `[outputs]`, that becomes
/// the sum of `dy` over images and pixels.
pub fn gate_and_sum(conv: &Conv, y: Option<&[f32]>, dy: &mut [f32], db: Option<&mut [f32]>) {
    if y.is_none() && db.is_none() {
        return;
    }
    let plane = conv.output_height() * conv.output_width();
    // One sum for each plane, in whatever order; then one for each output over images in their order.
    let mut sums = vec![0.0; conv.batch * conv.outputs];
    let summed = db.is_some();
    let one = |(i, (dy, sum)): (usize, (&mut [f32], &mut f32))| {
        if let Some(y) = y {
            gate(&y[i * plane..][..plane], dy);
        }
        if summed {
            *sum = self::sum(dy);
        }
    };
    if rayon::current_num_threads() == 1 {
        dy.chunks_exact_mut(plane).zip(&mut sums).enumerate().for_each(one);
    } else {
        dy.par_chunks_exact_mut(plane).zip(&mut sums).enumerate().with_min_len(conv.outputs).for_each(one);
    }
    if let Some(db) = db {
        assert_eq!(db.len(), conv.outputs);
        for (output, db) in db.iter_mut().enumerate() {
            *db = sums.iter().skip(output).step_by(conv.outputs).sum();
        }
    }
}

fn gate(y: &[f32], dy: &mut [f32]) {
    dy.iter_mut().zip(y).for_each(|(dy, y)| *dy = if *y <= 0.0 { 0.0 } else { *dy });
}

/// Sixteen sums side by side, whatever vectors there are: always the same order.
fn sum(values: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 16];
    let (chunks, rest) = values.as_chunks::<16>();
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, value)| *lane += value);
    }
    lanes.iter().chain(rest).sum()
}
