//! Every random draw comes from a ChaCha stream of its own, keyed by what it is for.
//!
//! Streams are keyed by (seed, replicate, purpose, name), so adding a layer, a pipeline or a job disturbs no other,
//! and they are drawn on the host, so every device starts from the same bits.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a stream is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Initial weights; the name is the parameter's.
    Init,
    /// New weights for a control; the name is the parameter's and the draw's number.
    Reinit,
    /// Which examples an iteration sees; the name is the stage's stream, "" unless a stage asks for another.
    DataOrder,
    /// Which training examples become validation examples.
    Split,
    /// Which examples a subset holds; the name is the split's.
    Subset,
    /// Which training examples have other labels, and which.
    LabelNoise,
    /// Initial edge-popup scores.
    Scores,
    /// A criterion's own draws, as random pruning makes them.
    Criterion,
    /// How a control permutes a mask.
    Shuffle,
    /// Dropout and augmentation, keyed by iteration too.
    Noise,
    /// A data set that is made here; the name is the format's.
    Examples,
}

/// The seeds of one replicate, from which streams are taken by purpose and name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seeds {
    pub seed: u64,
    /// `None` for what all replicates share, as the validation split.
    pub replicate: Option<u32>,
}

impl Seeds {
    pub fn stream(&self, purpose: Purpose, name: &str) -> Stream {
        let replicate = self.replicate.map_or("all".to_string(), |r| r.to_string());
        let key = format!("tombola stream 1\n{}\n{replicate}\n{purpose:?}\n{name}", self.seed);
        Stream(ChaCha8Rng::from_seed(*blake3::hash(key.as_bytes()).as_bytes()))
    }
}

/// A stream of random numbers whose values depend on nothing but its key.
///
/// The draws are written out here rather than taken from a library of distributions: their values are part of
/// every result, and a library is free to change them.
#[derive(Clone, Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The same stream's independent part number `part`: noise is keyed by iteration this way.
    pub fn part(&self, part: u64) -> Stream {
        let mut rng = self.0.clone();
        rng.set_stream(part);
        rng.set_word_pos(0);
        Stream(rng)
    }

    /// Uniform in [0, 1), 53 bits.
    pub fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * (0.5f64).powi(53)
    }

    /// Uniform in 0..n, without bias (Lemire 2019). `n` must not be 0.
    pub fn below(&mut self, n: u64) -> u64 {
        loop {
            let product = u128::from(self.0.next_u64()) * u128::from(n);
            if product as u64 >= n.wrapping_neg() % n {
                return (product >> 64) as u64;
            }
        }
    }

    /// Standard normal (Box–Muller). Logarithm and cosine come from the `libm` crate: the system's differ in the last bit.
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(1.0 - self.uniform())).sqrt();
        radius * libm::cos(std::f64::consts::TAU * self.uniform())
    }

    /// A permutation in place (Fisher–Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEDS: Seeds = Seeds { seed: 1, replicate: Some(0) };

    fn first(seeds: Seeds, purpose: Purpose, name: &str) -> f64 {
        seeds.stream(purpose, name).uniform()
    }

    #[test]
    fn each_part_of_the_key_gives_another_stream() {
        let base = first(SEEDS, Purpose::Init, "fc1.weight");
        assert_eq!(base, first(SEEDS, Purpose::Init, "fc1.weight"));
        assert_ne!(base, first(SEEDS, Purpose::Init, "fc2.weight"));
        assert_ne!(base, first(SEEDS, Purpose::Reinit, "fc1.weight"));
        assert_ne!(base, first(Seeds { seed: 2, ..SEEDS }, Purpose::Init, "fc1.weight"));
        assert_ne!(base, first(Seeds { replicate: Some(1), ..SEEDS }, Purpose::Init, "fc1.weight"));
        assert_ne!(base, first(Seeds { replicate: None, ..SEEDS }, Purpose::Init, "fc1.weight"));
    }

    #[test]
    fn a_part_does_not_depend_on_what_was_drawn_before() {
        let mut stream = SEEDS.stream(Purpose::Noise, "dropout1");
        let before = stream.part(7).uniform();
        stream.uniform();
        assert_eq!(stream.part(7).uniform(), before);
        assert_ne!(stream.part(8).uniform(), before);
    }

    #[test]
    fn normal_draws_have_mean_0_and_variance_1() {
        let mut stream = SEEDS.stream(Purpose::Init, "x");
        let draws: Vec<f64> = (0..100_000).map(|_| stream.normal()).collect();
        let mean = draws.iter().sum::<f64>() / 1e5;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 1e5;
        // Standard errors: 0.0032 and 0.0045.
        assert!(mean.abs() < 0.015 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
    }

    #[test]
    fn a_shuffle_is_a_permutation_and_every_place_is_reached() {
        let mut seen = [[0u32; 4]; 4];
        let mut stream = SEEDS.stream(Purpose::Shuffle, "x");
        for _ in 0..4000 {
            let mut items = [0, 1, 2, 3];
            stream.shuffle(&mut items);
            items.iter().enumerate().for_each(|(place, item)| seen[*item as usize][place] += 1);
        }
        // 1,000 expected in each place, standard deviation 27.
        assert!(seen.iter().flatten().all(|n| (850..1150).contains(n)), "{seen:?}");
    }
}
