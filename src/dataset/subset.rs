//! Some of a data set's examples: of some classes, so many of them, drawn by class.

use super::split::apportion;
use crate::seed::{Purpose, Seeds};

/// The examples of one split that an experiment uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// Rising indices into the split.
    pub examples: Vec<u32>,
    /// Of every example of the split, as the classes are numbered now; of one of another class, any.
    pub labels: Vec<u16>,
}

/// Keeps `take` of the examples of these classes, or all of them: of each class in proportion to its size, drawn with the
/// seed alone. `part` is "train" or "test". Classes are renumbered in their order, from 0.
///
/// Errors where there are not so many.
pub fn subset(
    labels: &[u16],
    classes: Option<&[usize]>,
    take: Option<usize>,
    (part, seed): (&str, u64),
) -> Result<Drawn, String> {
    let renumbered = |label: u16| match classes {
        None => Some(label),
        Some(kept) => kept.iter().position(|class| *class == usize::from(label)).map(|class| class as u16),
    };
    let numbers: Vec<Option<u16>> = labels.iter().map(|label| renumbered(*label)).collect();
    let mut members: Vec<Vec<u32>> = Vec::new();
    for (number, example) in numbers.iter().zip(0..) {
        let Some(class) = number.map(usize::from) else { continue };
        members.resize_with(members.len().max(class + 1), Vec::new);
        members[class].push(example);
    }
    let counts: Vec<usize> = members.iter().map(Vec::len).collect();
    let there: usize = counts.iter().sum();
    let take = take.unwrap_or(there);
    if take > there {
        let of = if classes.is_some() { "of these classes, " } else { "" };
        return Err(format!("subset.{part} = {take}, and {of}the {part} split has {there} examples: take fewer"));
    }
    let stream = Seeds { seed, replicate: None }.stream(Purpose::Subset, part);
    let mut examples = Vec::with_capacity(take);
    for ((mut members, share), class) in members.into_iter().zip(apportion(&counts, take)).zip(0..) {
        stream.part(class).shuffle(&mut members);
        examples.extend(&members[..share]);
    }
    examples.sort_unstable();
    Ok(Drawn { examples, labels: numbers.into_iter().map(Option::unwrap_or_default).collect() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn classes_are_renumbered_in_the_order_in_which_they_are_written() {
        let drawn = subset(&[2, 0, 1, 2, 0], Some(&[2, 0]), None, ("train", 1)).unwrap();
        assert_eq!(drawn.examples, [0, 1, 3, 4]);
        assert_eq!(drawn.examples.iter().map(|i| drawn.labels[*i as usize]).collect::<Vec<_>>(), [0, 1, 0, 1]);
    }

    #[test]
    fn each_class_gives_in_proportion_to_its_size() {
        // 4 of the 8 of classes 0 and 1, which have 6 and 2: 3 and 1.
        let labels = [0, 0, 0, 1, 2, 2, 0, 0, 1, 0];
        let drawn = subset(&labels, Some(&[0, 1]), Some(4), ("test", 7)).unwrap();
        let of = |class: u16| drawn.examples.iter().filter(|i| labels[**i as usize] == class).count();
        assert_eq!([of(0), of(1), of(2)], [3, 1, 0]);
    }

    #[test]
    fn more_than_there_are_is_an_error_that_says_how_many_there_are() {
        let error = subset(&[0, 1, 1], Some(&[1]), Some(3), ("train", 1)).unwrap_err();
        assert_eq!(error, "subset.train = 3, and of these classes, the train split has 2 examples: take fewer");
        assert!(subset(&[0, 1, 1], None, Some(4), ("test", 1)).unwrap_err().contains("has 3 examples"));
    }

    #[test]
    fn another_seed_and_the_other_split_draw_other_examples() {
        let labels = [0, 1].repeat(50);
        let drawn = |part, seed| subset(&labels, None, Some(20), (part, seed)).unwrap().examples;
        assert_eq!(drawn("train", 1), drawn("train", 1));
        assert_ne!(drawn("train", 1), drawn("train", 2));
        assert_ne!(drawn("train", 1), drawn("test", 1));
    }

    proptest! {
        #[test]
        fn as_many_as_asked_for_are_drawn_each_once_and_of_the_classes_alone(
            labels in prop::collection::vec(0u16..5, 1..200), fraction in 0.0..=1.0, seed in any::<u64>()
        ) {
            let kept = [4usize, 1, 3];
            let there = labels.iter().filter(|label| kept.contains(&usize::from(**label))).count();
            let take = (there as f64 * fraction) as usize;
            let drawn = subset(&labels, Some(&kept), Some(take), ("train", seed)).unwrap();
            prop_assert_eq!(drawn.examples.len(), take);
            prop_assert!(drawn.examples.is_sorted_by(|a, b| a < b));
            for example in drawn.examples {
                let (old, new) = (labels[example as usize], drawn.labels[example as usize]);
                prop_assert_eq!(kept[usize::from(new)], usize::from(old));
            }
        }
    }
}
