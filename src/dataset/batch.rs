//! Batches: examples gathered by index from memory, their pixels normalised on the way.

use super::Examples;
use crate::kernel::gather::Normaliser;
use crate::spec::Normalise;

/// Gathers batches of one data set.
#[derive(Clone, Debug)]
pub struct Gather {
    normaliser: Normaliser,
    channels: usize,
}

impl Gather {
    /// Errors where `normalise` has not one finite mean and one positive standard deviation for each channel.
    pub fn new(normalise: &Normalise, channels: usize) -> Result<Gather, String> {
        let Normalise { mean, std } = normalise;
        if mean.len() != channels || std.len() != channels {
            let (means, stds) = (mean.len(), std.len());
            return Err(format!("normalise has {means} means and {stds} stds for {channels} channels: give one each"));
        }
        if !mean.iter().all(|m| m.is_finite()) || !std.iter().all(|s| s.is_finite() && *s > 0.0) {
            return Err(format!("normalise has mean = {mean:?}, std = {std:?}: each must be finite, and std above 0"));
        }
        Ok(Gather { normaliser: Normaliser::new(mean, std), channels })
    }

    /// What a pixel of byte 0 becomes in each channel.
    pub fn black(&self) -> Vec<f32> {
        let mut out = vec![0.0; self.channels];
        self.normaliser.gather(&vec![0; self.channels], 1, &[0], &mut out);
        out
    }

    /// Replaces `out` by the normalised pixels of the examples at `indices`: indices × channels × height × width.
    pub fn pixels(&self, examples: &Examples, indices: &[u32], out: &mut Vec<f32>) {
        let [channels, height, width] = examples.shape;
        let area = height * width;
        let image = |index: u32| index as usize * channels * area;
        indices.iter().for_each(|index| examples.pixels.expect(image(*index)..image(*index + 1)));
        out.resize(indices.len() * channels * area, 0.0);
        self.normaliser.gather(&examples.pixels, area, indices, out);
    }
}

/// The labels of the examples at `indices`.
pub fn labels(labels: &[u16], indices: &[u32]) -> Vec<u16> {
    indices.iter().map(|index| labels[*index as usize]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two examples of two channels of 1 × 2 pixels.
    fn examples() -> Examples {
        Examples { shape: [2, 1, 2], pixels: vec![0, 51, 102, 255, 255, 102, 51, 0].into(), labels: vec![7, 3] }
    }

    #[test]
    fn pixels_are_normalised_channel_by_channel_in_the_order_of_the_indices() {
        let normalise = Normalise { mean: vec![0.0, 0.5], std: vec![1.0, 0.25] };
        let mut out = vec![9.0];
        Gather::new(&normalise, 2).unwrap().pixels(&examples(), &[1, 0, 1], &mut out);
        // 51 ÷ 255 = 0.2, 102 ÷ 255 = 0.4; in the second channel (0.2 − 0.5) ÷ 0.25 = −1.2, (0.4 − 0.5) ÷ 0.25 = −0.4.
        let (first, second) = ([0.0, 0.2, -0.4, 2.0], [1.0, 0.4, -1.2, -2.0]);
        let expected = [second, first, second].concat();
        assert_eq!(out.len(), expected.len());
        assert!(out.iter().zip(&expected).all(|(a, b): (&f32, &f32)| (a - b).abs() < 1e-6), "{out:?}");
        assert_eq!(Gather::new(&normalise, 2).unwrap().black(), [0.0, -2.0]);
    }

    #[test]
    fn labels_come_in_the_order_of_the_indices() {
        assert_eq!(labels(&examples().labels, &[1, 0, 1]), [3, 7, 3]);
    }

    #[test]
    fn mean_0_and_std_1_give_pixel_over_255_to_the_bit() {
        let bytes = Examples { shape: [1, 16, 16], pixels: (0..=255).collect::<Vec<_>>().into(), labels: vec![0] };
        let mut out = Vec::new();
        Gather::new(&Normalise { mean: vec![0.0], std: vec![1.0] }, 1).unwrap().pixels(&bytes, &[0], &mut out);
        assert_eq!(out, (0..=255u8).map(|p| f32::from(p) / 255.0).collect::<Vec<_>>());
    }

    #[test]
    fn normalisation_that_does_not_fit_the_channels_or_divides_by_0_is_an_error() {
        let error =
            |mean: &[f32], std: &[f32]| Gather::new(&Normalise { mean: mean.into(), std: std.into() }, 1).unwrap_err();
        assert!(error(&[0.0; 3], &[1.0; 3]).contains("3 means and 3 stds for 1 channels"));
        assert!(error(&[0.0], &[0.0]).contains("std above 0"));
        assert!(error(&[f32::NAN], &[1.0]).contains("finite"));
    }
}
