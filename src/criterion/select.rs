//! Exact selection: which weights a prune removes, once they have scores.

use crate::mask::Mask;

/// One tensor of a scope, with a score for each weight; the scores of weights that are not kept do not matter.
#[derive(Debug)]
pub struct Scored<'a> {
    pub scores: &'a [f32],
    pub mask: &'a mut Mask,
}

/// Removes exactly `count` of the weights that a scope keeps, or all where it keeps fewer.
///
/// The lowest scores go first and NaN before any number; of equal scores (0 and −0 are equal) the first by tensor,
/// in the order given, then by index. Time is linear in the scope's kept weights.
pub fn remove_lowest(scope: &mut [Scored<'_>], count: usize) {
    let mut ranked: Vec<(u32, u32, usize)> = Vec::new();
    for (tensor, scored) in (0..).zip(&*scope) {
        ranked.extend(scored.mask.indices().map(|index| (rank(scored.scores[index]), tensor, index)));
    }
    if count < ranked.len() {
        ranked.select_nth_unstable(count);
        ranked.truncate(count);
    }
    for (_, tensor, index) in ranked {
        scope[tensor as usize].mask.remove(index);
    }
}

/// Maps a score to an integer in the same order: negative floats have their bits reversed, others follow them. No
/// number maps to 0, which is NaN's; adding 0 turns −0 into 0.
fn rank(score: f32) -> u32 {
    if score.is_nan() {
        return 0;
    }
    let bits = (score + 0.0).to_bits();
    if score < 0.0 { !bits } else { bits | 1 << 31 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn remove(scores: &[Vec<f32>], masks: &mut [Mask], count: usize) {
        let mut scope: Vec<Scored<'_>> =
            scores.iter().zip(masks).map(|(scores, mask)| Scored { scores, mask }).collect();
        remove_lowest(&mut scope, count);
    }

    /// The slow way: a stable sort of all that is kept, in the order of tensors and indices.
    fn oracle(scores: &[Vec<f32>], masks: &mut [Mask], count: usize) {
        let mut all: Vec<(usize, usize)> =
            masks.iter().enumerate().flat_map(|(t, mask)| mask.indices().map(move |i| (t, i))).collect();
        all.sort_by(|&(t, i), &(u, j)| {
            let (a, b) = (scores[t][i], scores[u][j]);
            a.partial_cmp(&b).unwrap_or(b.is_nan().cmp(&a.is_nan()))
        });
        all.iter().take(count).for_each(|&(tensor, index)| masks[tensor].remove(index));
    }

    #[test]
    fn of_equal_scores_the_first_by_parameter_and_index_goes_first() {
        let scores = [vec![2.0, 1.0, 1.0], vec![1.0, 0.0]];
        let mut masks = [Mask::ones(3), Mask::ones(2)];
        remove(&scores, &mut masks, 3);
        assert_eq!(masks, [Mask::from_fn(3, |i| i == 0), Mask::from_fn(2, |i| i == 0)]);
    }

    #[test]
    fn nan_goes_before_any_number() {
        let scores = [vec![f32::NEG_INFINITY, -0.0, f32::NAN, f32::INFINITY]];
        let mut masks = [Mask::ones(4)];
        remove(&scores, &mut masks, 1);
        assert_eq!(masks, [Mask::from_fn(4, |i| i != 2)]);
        remove(&scores, &mut masks, 1);
        assert_eq!(masks, [Mask::from_fn(4, |i| i == 1 || i == 3)]);
    }

    #[test]
    fn removing_none_is_the_identity_and_removing_too_many_leaves_none() {
        let mut masks = [Mask::ones(2)];
        remove(&[vec![1.0, 2.0]], &mut masks, 0);
        assert_eq!(masks, [Mask::ones(2)]);
        remove(&[vec![1.0, 2.0]], &mut masks, 3);
        assert_eq!(masks[0].kept(), 0);
    }

    /// Few values, so that ties are common.
    fn score() -> impl Strategy<Value = f32> {
        prop_oneof![4 => (-3i8..4).prop_map(|x| f32::from(x) / 2.0), 1 => Just(-0.0), 1 => Just(f32::NAN), 2 => any::<f32>()]
    }

    fn scope() -> impl Strategy<Value = Vec<Vec<(f32, bool)>>> {
        prop::collection::vec(prop::collection::vec((score(), prop::bool::weighted(0.8)), 0..70), 0..5)
    }

    proptest! {
        #[test]
        fn a_prune_removes_exactly_what_a_stable_sort_would(scope in scope(), share in 0.0..1.0f64) {
            let scores: Vec<Vec<f32>> = scope.iter().map(|tensor| tensor.iter().map(|x| x.0).collect()).collect();
            let before: Vec<Mask> = scope.iter().map(|t| Mask::from_fn(t.len(), |i| t[i].1)).collect();
            let kept = |masks: &[Mask]| masks.iter().map(Mask::kept).sum::<usize>();
            let count = (kept(&before) as f64 * share) as usize;

            let (mut masks, mut expected) = (before.clone(), before.clone());
            remove(&scores, &mut masks, count);
            oracle(&scores, &mut expected, count);

            prop_assert_eq!(&masks, &expected);
            prop_assert_eq!(kept(&masks), kept(&before) - count);
            prop_assert!(masks.iter().zip(&before).all(|(mask, before)| mask.is_within(before)));
        }
    }
}
