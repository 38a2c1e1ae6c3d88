//! Smaller images: blocks of pixels averaged.

use super::Examples;

/// Averages blocks of `side` × `side` pixels, channel by channel, rounded half up to a byte. Height and width are
/// multiples of `side`, which is 1 or more.
pub fn average(examples: &Examples, side: usize) -> Examples {
    let [channels, height, width] = examples.shape;
    let shape = [channels, height / side, width / side];
    let area = (side * side) as u64;
    let mut pixels = Vec::with_capacity(examples.labels.len() * shape.iter().product::<usize>());
    let mut sums = vec![0u64; shape[2]];
    // Rows of blocks do not cross images: height is a multiple of side.
    for rows in examples.pixels.chunks_exact((side * width).max(1)) {
        sums.fill(0);
        for row in rows.chunks_exact(width) {
            for (sum, block) in sums.iter_mut().zip(row.chunks_exact(side)) {
                *sum += block.iter().map(|pixel| u64::from(*pixel)).sum::<u64>();
            }
        }
        pixels.extend(sums.iter().map(|sum| ((sum + area / 2) / area) as u8));
    }
    Examples { shape, pixels: pixels.into(), labels: examples.labels.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_becomes_its_mean_rounded_half_up() {
        // Two images of two rows of four pixels: blocks (0, 1, 0, 1) → 0.5 → 1, (10, 20, 30, 40) → 25,
        // (255 four times) → 255, (1, 0, 0, 0) → 0.25 → 0.
        let pixels = vec![0, 1, 10, 20, 0, 1, 30, 40, 255, 255, 1, 0, 255, 255, 0, 0];
        let examples = Examples { shape: [1, 2, 4], pixels: pixels.into(), labels: vec![3, 4] };
        let found = average(&examples, 2);
        assert_eq!((found.shape, &found.pixels[..], &found.labels[..]), ([1, 1, 2], &[1, 25, 255, 0][..], &[3, 4][..]));
    }

    #[test]
    fn channels_do_not_mix_and_blocks_of_one_pixel_change_nothing() {
        let examples = Examples { shape: [2, 2, 2], pixels: vec![8, 8, 8, 8, 2, 2, 2, 2].into(), labels: vec![0] };
        assert_eq!(average(&examples, 2).pixels[..], [8, 2]);
        assert_eq!(average(&examples, 1), examples);
    }
}
