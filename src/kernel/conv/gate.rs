//! The gradient through a fused ReLU, and the bias's gradient, in one pass over `dy`.

use super::Conv;
use crate::kernel::tasks::{self, Shared};

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
    let dy = Shared::new(dy);
    tasks::each_chunk(
        &mut sums,
        conv.outputs,
        || (),
        |(), image, sums| {
            for (output, sum) in sums.iter_mut().enumerate() {
                let start = (image * conv.outputs + output) * plane;
                // SAFETY: an image is one task's.
                let dy = unsafe { dy.range(start, plane) };
                if let Some(y) = y {
                    gate(&y[start..start + plane], dy);
                }
                if summed {
                    *sum = self::sum(dy);
                }
            }
        },
    );
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
