//! Batches of images: bytes gathered by index and normalised to f32.

use pulp::{Simd, WithSimd};

use super::simd;

/// Makes `(byte ÷ 255 − mean) ÷ std` of bytes, to the bit as these four f32 operations give it.
#[derive(Clone, Debug)]
pub struct Normaliser {
    channels: Vec<Channel>,
}

#[derive(Clone, Debug)]
struct Channel {
    /// What each byte becomes.
    table: [f32; 256],
    mean: f32,
    std: f32,
    /// Whether `computed` agrees with the table for all bytes: then it is used, being faster than loads.
    computable: bool,
}

impl Normaliser {
    /// One mean and one standard deviation for each channel.
    pub fn new(mean: &[f32], std: &[f32]) -> Normaliser {
        assert_eq!(mean.len(), std.len());
        Normaliser { channels: mean.iter().zip(std).map(|(mean, std)| Channel::new(*mean, *std)).collect() }
    }

    /// `out[i] = normalised(images[indices[i]])`: `images` is `[any, channels, area]`, `out` is
    /// `[indices, channels, area]`.
    pub fn gather(&self, images: &[u8], area: usize, indices: &[u32], out: &mut [f32]) {
        let size = self.channels.len() * area;
        assert_eq!(out.len(), indices.len() * size);
        if size > 0 {
            simd::run(Gather { normaliser: self, images, area, indices, out });
        }
    }
}

impl Channel {
    fn new(mean: f32, std: f32) -> Channel {
        let table = std::array::from_fn(|byte| (byte as f32 / 255.0 - mean) / std);
        let constants = Constants::of(mean, std);
        let agrees = |byte: u8| constants.computed(byte).to_bits() == table[usize::from(byte)].to_bits();
        Channel { computable: (0..=255).all(agrees), table, mean, std }
    }
}

#[derive(Clone, Copy)]
struct Constants {
    mean: f32,
    std: f32,
    reciprocal: f32,
}

impl Constants {
    #[inline(always)]
    fn of(mean: f32, std: f32) -> Constants {
        Constants { mean, std, reciprocal: 1.0 / std }
    }

    #[inline(always)]
    fn computed(self, byte: u8) -> f32 {
        let part = quotient(f32::from(byte), 255.0, 1.0 / 255.0);
        quotient(part - self.mean, self.std, self.reciprocal)
    }
}

/// `a ÷ b` in three operations instead of a slow division: a guess, and the guess corrected by its exact remainder. The
/// result is nearly always the rounded quotient (Markstein 1990); `Channel::new` tries all there are.
#[inline(always)]
fn quotient(a: f32, b: f32, reciprocal: f32) -> f32 {
    let guess = a * reciprocal;
    let remainder = guess.mul_add(-b, a);
    remainder.mul_add(reciprocal, guess)
}

struct Gather<'a> {
    normaliser: &'a Normaliser,
    images: &'a [u8],
    area: usize,
    indices: &'a [u32],
    out: &'a mut [f32],
}

impl WithSimd for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let channels = &self.normaliser.channels;
        let size = channels.len() * self.area;
        let image = |index: u32| &self.images[index as usize * size..][..size];
        self.indices.iter().take(AHEAD).for_each(|index| prefetch(image(*index)));
        for (i, (index, out)) in self.indices.iter().zip(self.out.chunks_exact_mut(size)).enumerate() {
            if let Some(later) = self.indices.get(i + AHEAD) {
                prefetch(image(*later));
            }
            let image = image(*index);
            let planes = image.chunks_exact(self.area).zip(out.chunks_exact_mut(self.area));
            for (channel, (bytes, out)) in channels.iter().zip(planes) {
                // Plain instructions have no fused multiply-add.
                match channel.computable && S::F32_LANES > 1 {
                    true => compute(Constants::of(channel.mean, channel.std), bytes, out),
                    false => look_up(&channel.table, bytes, out),
                }
            }
        }
    }
}

/// As many images are fetched before they are read: a data set does not fit into the nearer caches, and no processor
/// foresees a random index.
const AHEAD: usize = 2;

/// Asks for an image's cache lines.
#[inline(always)]
fn prefetch(image: &[u8]) {
    image.chunks(64).for_each(|line| simd::prefetch(line.as_ptr().cast()));
}

#[inline(always)]
fn compute(constants: Constants, bytes: &[u8], out: &mut [f32]) {
    for (out, byte) in out.iter_mut().zip(bytes) {
        *out = constants.computed(*byte);
    }
}

#[inline(always)]
fn look_up(table: &[f32; 256], bytes: &[u8], out: &mut [f32]) {
    for (out, byte) in out.iter_mut().zip(bytes) {
        *out = table[usize::from(*byte)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive(byte: u8, mean: f32, std: f32) -> u32 {
        ((f32::from(byte) / 255.0 - mean) / std).to_bits()
    }

    /// All bytes, three times and in another order the second time.
    fn bytes() -> Vec<u8> {
        (0..=255).chain((0..=255).map(|b: u8| b.wrapping_mul(77))).chain(0..=255).collect()
    }

    fn assert_exact(mean: f32, std: f32) {
        let (bytes, normaliser) = (bytes(), Normaliser::new(&[mean], &[std]));
        let expected: Vec<u32> = bytes[256..512].iter().map(|byte| naive(*byte, mean, std)).collect();
        let run = || {
            let mut out = vec![f32::NAN; 256];
            normaliser.gather(&bytes, 256, &[1], &mut out);
            out.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        assert_eq!(run(), expected, "{mean} {std}");
        assert_eq!(simd::portable::only(run), expected, "{mean} {std}, plain");
    }

    #[test]
    fn the_usual_normalisations_are_computed_and_have_the_tables_bits() {
        let usual = [
            (0.0, 1.0),
            (0.5, 0.5),
            (0.1307, 0.3081),
            (0.2860, 0.3530),
            (0.4914, 0.2470),
            (0.4822, 0.2435),
            (0.4465, 0.2616),
            (0.4914, 0.2023),
            (0.4822, 0.1994),
            (0.4465, 0.2010),
        ];
        for (mean, std) in usual {
            assert!(Channel::new(mean, std).computable, "{mean} {std}");
            assert_exact(mean, std);
        }
    }

    #[test]
    fn what_cannot_be_computed_is_looked_up() {
        // The reciprocal overflows.
        assert!(!Channel::new(0.5, 1e-40).computable);
        assert_exact(0.5, 1e-40);
    }

    #[test]
    fn two_channels_come_in_the_order_of_the_indices() {
        // Two images of two channels of two pixels; 51 ÷ 255 = 0.2, and in the second channel (0.2 − 0.5) ÷ 0.25 = −1.2.
        let images = [0, 51, 102, 255, 255, 102, 51, 0];
        let mut out = [f32::NAN; 12];
        Normaliser::new(&[0.0, 0.5], &[1.0, 0.25]).gather(&images, 2, &[1, 0, 1], &mut out);
        let (first, second) = ([0.0, 0.2, -0.4, 2.0], [1.0, 0.4, -1.2, -2.0]);
        assert!(out.iter().zip([second, first, second].concat()).all(|(a, b)| (a - b).abs() < 1e-6), "{out:?}");
    }

    proptest! {
        #[test]
        fn any_normalisation_has_the_bits_of_four_plain_operations(mean in -2.0f32..2.0, std in 1e-3f32..4.0) {
            assert_exact(mean, std);
        }
    }
}
