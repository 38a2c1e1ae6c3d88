//! Noise in the labels of training examples: what a network must learn by heart (Zhang et al. 2017, §2.1).

use crate::seed::{Purpose, Seeds};
use crate::spec::{LabelNoise, NoiseKind};

/// Replaces labels of the training examples `among`: of exactly round(fraction × examples) of them, drawn at random.
///
/// Drawn with the seed alone, as the validation split is: all replicates and pipelines learn the same labels, as they
/// learn the same images, and their spread is that of initialisation and data order; another draw is another seed. With
/// the same seed, what a smaller fraction replaces, a larger one replaces, too, and by the same labels where they are
/// uniform.
pub fn replace(labels: &mut [u16], among: &[u32], noise: &LabelNoise, classes: usize, seed: u64) {
    let stream = Seeds { seed, replicate: None }.stream(Purpose::LabelNoise, "");
    let mut chosen = among.to_vec();
    stream.part(0).shuffle(&mut chosen);
    chosen.truncate(noise.fraction.of(among.len()));
    let mut drawing = stream.part(1);
    let drawn: Vec<u16> = match noise.kind {
        NoiseKind::Uniform => chosen.iter().map(|_| drawing.below(classes as u64) as u16).collect(),
        NoiseKind::Permuted => {
            let mut own: Vec<u16> = chosen.iter().map(|example| labels[*example as usize]).collect();
            drawing.shuffle(&mut own);
            own
        }
    };
    chosen.iter().zip(drawn).for_each(|(example, label)| labels[*example as usize] = label);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::units::Rate;

    fn noise(fraction: f64, kind: NoiseKind) -> LabelNoise {
        LabelNoise { fraction: Rate::try_from(fraction).unwrap(), kind }
    }

    fn replaced(labels: &[u16], among: &[u32], noise: &LabelNoise, seed: u64) -> Vec<u16> {
        let mut labels = labels.to_vec();
        replace(&mut labels, among, noise, 10, seed);
        labels
    }

    fn changed(one: &[u16], other: &[u16]) -> Vec<usize> {
        (0..one.len()).filter(|i| one[*i] != other[*i]).collect()
    }

    #[test]
    fn a_tenth_of_uniform_labels_is_drawn_as_it_was() {
        let labels: Vec<u16> = (0..10_000).map(|i| i % 10).collect();
        let all: Vec<u32> = (0..10_000).collect();
        let found = replaced(&labels, &all, &noise(1.0, NoiseKind::Uniform), 1);
        // 9,000 expected to change, standard deviation 30; of each class 1,000, standard deviation 30.
        assert!((8_850..9_150).contains(&changed(&labels, &found).len()));
        for class in 0..10 {
            let count = found.iter().filter(|label| **label == class).count();
            assert!((850..1_150).contains(&count), "class {class}: {count}");
        }
    }

    #[test]
    fn an_exact_number_of_labels_is_drawn_and_half_rounds_up() {
        // 0.5 of 5 is 2.5: 3 labels, of 60,000 classes, so that none is drawn as it was.
        let mut labels = vec![0; 5];
        replace(&mut labels, &[0, 1, 2, 3, 4], &noise(0.5, NoiseKind::Uniform), 60_000, 1);
        assert_eq!(changed(&[0; 5], &labels).len(), 3);
    }

    #[test]
    fn a_larger_fraction_replaces_what_a_smaller_one_does_by_the_same_labels() {
        let (labels, all): (Vec<u16>, Vec<u32>) = (vec![0; 1000], (0..1000).collect());
        let [some, most] = [0.2, 0.6].map(|fraction| replaced(&labels, &all, &noise(fraction, NoiseKind::Uniform), 1));
        assert!(changed(&labels, &some).iter().all(|example| some[*example] == most[*example]));
        assert!(changed(&labels, &some).len() < changed(&labels, &most).len());
    }

    #[test]
    fn another_seed_draws_other_labels() {
        let (labels, all): (Vec<u16>, Vec<u32>) = ((0..100).map(|i| i % 10).collect(), (0..100).collect());
        for kind in [NoiseKind::Uniform, NoiseKind::Permuted] {
            let drawn = |seed| replaced(&labels, &all, &noise(0.5, kind), seed);
            assert_eq!(drawn(1), drawn(1));
            assert_ne!(drawn(1), drawn(2));
        }
    }

    proptest! {
        #[test]
        fn only_labels_among_those_given_change_and_permuted_ones_keep_their_counts(
            labels in prop::collection::vec(0u16..10, 1..200), percents in 0u32..=100, permuted in any::<bool>(),
            seed in any::<u64>(),
        ) {
            let fraction = f64::from(percents) / 100.0;
            let kind = if permuted { NoiseKind::Permuted } else { NoiseKind::Uniform };
            let among: Vec<u32> = (0..labels.len() as u32).filter(|i| i % 3 > 0).collect();
            let noise = noise(fraction, kind);
            let found = replaced(&labels, &among, &noise, seed);
            let changed = changed(&labels, &found);
            prop_assert!(changed.iter().all(|example| among.contains(&(*example as u32))));
            prop_assert!(changed.len() <= noise.fraction.of(among.len()));
            if permuted {
                let sorted = |labels: &[u16]| { let mut sorted = labels.to_vec(); sorted.sort_unstable(); sorted };
                prop_assert_eq!(sorted(&labels), sorted(&found));
            }
        }
    }
}
