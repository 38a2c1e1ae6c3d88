//! Augmentation: training images changed at random, each time that they are seen.

pub mod crop;
pub mod cutout;
pub mod flip;
pub mod resized_crop;

use std::sync::Arc;

use crate::refusal::Refusal;
use crate::registry::{Registry, Use};
use crate::seed::{Purpose, Seeds, Stream};

/// A normalised image in memory, `[channels, height, width]`.
pub struct Image<'a> {
    pub pixels: &'a mut [f32],
    pub shape: [usize; 3],
    /// What a pixel of byte 0 is in each channel.
    pub black: &'a [f32],
}

impl Image<'_> {
    /// Its channels, each as height × width pixels, with their blacks.
    pub fn channels(&mut self) -> impl Iterator<Item = (&mut [f32], f32)> {
        let [_, height, width] = self.shape;
        self.pixels.chunks_exact_mut(height * width).zip(self.black.iter().copied())
    }
}

/// One way to change images.
pub trait Augment: Send + Sync {
    /// Changes an image of the training split. Every draw is from `draws`, so that all devices see the same images.
    fn apply(&self, image: &mut Image<'_>, draws: &mut Stream);

    /// Errors where images of this shape cannot be changed so.
    fn fits(&self, _shape: [usize; 3]) -> Result<(), Refusal> {
        Ok(())
    }
}

/// The augmentations of a training, in order.
#[derive(Clone, Default)]
pub struct Augmentation(Vec<(String, Arc<dyn Augment>)>);

impl Augmentation {
    pub fn build(used: &[Use], registry: &Registry) -> Result<Augmentation, String> {
        // No layer has such a name, and so no dropout such a stream.
        let named = |(place, used): (usize, &Use)| {
            Ok((format!("augment {place} {}", used.name), registry.augments.build(used)?))
        };
        used.iter().enumerate().map(named).collect::<Result<_, String>>().map(Augmentation)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn fits(&self, shape: [usize; 3]) -> Result<(), Refusal> {
        self.0.iter().try_for_each(|(_, augment)| augment.fits(shape))
    }

    /// Changes a batch, images of `shape` one after the other. The draws are keyed by the iteration, so that a training
    /// that was stopped goes on as if it had not been.
    pub fn apply(&self, pixels: &mut [f32], shape: [usize; 3], black: &[f32], seeds: Seeds, iteration: u64) {
        for (name, augment) in &self.0 {
            let mut draws = seeds.stream(Purpose::Noise, name).part(iteration);
            for pixels in pixels.chunks_exact_mut(shape.iter().product()) {
                augment.apply(&mut Image { pixels, shape, black }, &mut draws);
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub const SEEDS: Seeds = Seeds { seed: 1, replicate: Some(0) };

    /// What becomes of an image of one channel, whose black is −1, at each of some iterations.
    pub fn seen(
        augment: impl Augment + 'static,
        image: &[f32],
        [height, width]: [usize; 2],
        times: u64,
    ) -> Vec<Vec<f32>> {
        let augmentation = Augmentation(vec![("augment 0 test".into(), Arc::new(augment))]);
        let at = |iteration| {
            let mut pixels = image.to_vec();
            augmentation.apply(&mut pixels, [1, height, width], &[-1.0], SEEDS, iteration);
            pixels
        };
        (0..times).map(at).collect()
    }

    #[test]
    fn an_iteration_gives_the_same_images_again_and_another_gives_others() {
        let image: Vec<f32> = (0..64).map(|value| value as f32).collect();
        let crop = || crop::Crop { padding: 3 };
        let (once, again) = (seen(crop(), &image, [8, 8], 20), seen(crop(), &image, [8, 8], 20));
        assert_eq!(once, again);
        assert!(once.windows(2).filter(|pair| pair[0] != pair[1]).count() > 15);
    }

    #[test]
    fn the_images_of_a_batch_are_changed_each_by_draws_of_its_own() {
        let augmentation = Augmentation(vec![("augment 0 crop".into(), Arc::new(crop::Crop { padding: 3 }))]);
        let image: Vec<f32> = (0..64).map(|value| value as f32).collect();
        let mut batch = image.repeat(20);
        augmentation.apply(&mut batch, [1, 8, 8], &[-1.0], SEEDS, 0);
        let images: Vec<&[f32]> = batch.chunks(64).collect();
        assert!(images.windows(2).filter(|pair| pair[0] != pair[1]).count() > 15);
    }
}
