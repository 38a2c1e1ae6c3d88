//! The validation split: seeded, stratified, the same for every replicate.

use crate::seed::{Purpose, Seeds};

/// Training and validation examples, each as rising indices into the training split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    pub train: Vec<u32>,
    pub validation: Vec<u32>,
}

/// Draws `validation` of the examples `among`, by class in proportion to the classes' sizes. The draw is keyed by
/// the seed alone, so that all replicates validate on the same examples.
///
/// Errors where no training example would be left.
pub fn split(labels: &[u16], among: &[u32], validation: usize, seed: u64) -> Result<Split, String> {
    if validation >= among.len() {
        return Err(format!("validation = {validation} leaves none of {} training examples: lower it", among.len()));
    }
    let label = |example: &u32| usize::from(labels[*example as usize]);
    let mut classes: Vec<Vec<u32>> = vec![Vec::new(); among.iter().map(label).max().map_or(0, |last| last + 1)];
    among.iter().for_each(|example| classes[label(example)].push(*example));
    let shares = apportion(&classes.iter().map(Vec::len).collect::<Vec<_>>(), validation);

    let stream = Seeds { seed, replicate: None }.stream(Purpose::Split, "");
    let mut split = Split { train: Vec::new(), validation: Vec::new() };
    for ((mut members, share), class) in classes.into_iter().zip(shares).zip(0..) {
        stream.part(class).shuffle(&mut members);
        split.train.extend(members.drain(share..));
        split.validation.extend(members);
    }
    split.train.sort_unstable();
    split.validation.sort_unstable();
    Ok(split)
}

/// Shares out `seats` in proportion to `counts`, which hold as many, by largest remainder; ties go to the lower class.
pub(super) fn apportion(counts: &[usize], seats: usize) -> Vec<usize> {
    let total: usize = counts.iter().sum();
    let mut shares: Vec<usize> = counts.iter().map(|count| count * seats / total).collect();
    let mut classes: Vec<usize> = (0..counts.len()).collect();
    classes.sort_by_key(|class| std::cmp::Reverse(counts[*class] * seats % total));
    let left = seats - shares.iter().sum::<usize>();
    classes[..left].iter().for_each(|class| shares[*class] += 1);
    shares
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(labels: &[u16], validation: usize, seed: u64) -> Result<Split, String> {
        super::split(labels, &(0..labels.len() as u32).collect::<Vec<_>>(), validation, seed)
    }

    #[test]
    fn seats_go_by_largest_remainder_and_ties_to_the_lower_class() {
        // 4 of 10: quotas 2.0, 1.2, 0.8.
        assert_eq!(apportion(&[5, 3, 2], 4), [2, 1, 1]);
        // 2 of 8: quotas 0.5 each but the last, 1.0: one seat is left, and the first of the tied takes it.
        assert_eq!(apportion(&[2, 2, 4], 2), [1, 0, 1]);
    }

    #[test]
    fn another_seed_draws_other_examples() {
        let labels = [0, 1].repeat(50);
        assert_eq!(split(&labels, 20, 1), split(&labels, 20, 1));
        assert_ne!(split(&labels, 20, 1), split(&labels, 20, 2));
    }

    #[test]
    fn a_split_that_leaves_no_training_example_is_an_error() {
        assert_eq!(split(&[0, 1, 2], 2, 1).unwrap().train.len(), 1);
        assert!(split(&[0, 1, 2], 3, 1).unwrap_err().contains("validation = 3"));
        assert!(split(&[], 0, 1).is_err());
    }

    proptest! {
        #[test]
        fn every_example_is_in_one_part_and_each_class_within_one_of_its_quota(
            labels in prop::collection::vec(0u16..4, 1..200), fraction in 0.0..1.0, seed in any::<u64>()
        ) {
            let validation = (labels.len() as f64 * fraction) as usize;
            let Split { train, validation: drawn } = split(&labels, validation, seed).unwrap();
            prop_assert_eq!(drawn.len(), validation);
            prop_assert!(train.is_sorted() && drawn.is_sorted());
            let mut all = [train, drawn.clone()].concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..labels.len() as u32).collect::<Vec<_>>());
            for class in 0..4 {
                let size = labels.iter().filter(|label| **label == class).count();
                let share = drawn.iter().filter(|i| labels[**i as usize] == class).count();
                let quota = (size * validation) as f64 / labels.len() as f64;
                prop_assert!((share as f64 - quota).abs() < 1.0, "class {}: {} of {}", class, share, quota);
            }
        }
    }
}
