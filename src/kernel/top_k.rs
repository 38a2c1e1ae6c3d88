//! Edge-popup's inner loops: which scores are largest in magnitude, the weights that they select, their gradient.

use std::ops::Range;

use super::simd;

/// Scratch of `select_largest`, kept by the caller so that repeated calls allocate nothing.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    sample: Vec<u32>,
    undecided: Vec<u64>,
}

/// Replaces `select` by all zeros for the `dropped` scores of smallest magnitude, the first of equal ones first, and by
/// all ones for the others. A NaN ranks highest.
///
/// The bits of a magnitude rise with it, so whole numbers are compared. A sample brackets the threshold; one pass
/// decides all scores but those inside the bracket. What the sample says changes the time, never the result.
///
/// # Panics
/// Where `dropped` is more than there are scores.
pub fn select_largest(scores: &[f32], dropped: usize, scratch: &mut Scratch, select: &mut Vec<u32>) {
    assert!(dropped <= scores.len(), "{dropped} of {} scores cannot be dropped", scores.len());
    // Every element is written below: old contents need no clearing.
    select.resize(scores.len(), 0);
    if dropped == 0 || dropped == scores.len() {
        select.fill(if dropped == 0 { u32::MAX } else { 0 });
        return;
    }
    let bracket = bracket(scores, dropped, &mut scratch.sample);
    if !select_within(bracket, scores, dropped, &mut scratch.undecided, select) {
        select_within(EVERYTHING, scores, dropped, &mut scratch.undecided, select);
    }
}

/// A bracket that no threshold is outside of.
const EVERYTHING: Range<u32> = 0..1 << 31;

/// Below this many scores a sample is not worth its time.
const FEW: usize = 512;

#[inline(always)]
fn magnitude(score: f32) -> u32 {
    score.abs().to_bits()
}

/// 2 n^⅔ samples: then sampling and choosing among the undecided take about the same time. The odd step goes through
/// all columns of the usual shapes.
fn sample_step(scores: usize) -> usize {
    ((scores as f64).cbrt() * 0.5) as usize | 1
}

/// Where the threshold most likely is: 4 standard deviations of a sample's quantile to each side.
fn bracket(scores: &[f32], dropped: usize, sample: &mut Vec<u32>) -> Range<u32> {
    if scores.len() < FEW {
        return EVERYTHING;
    }
    let step = sample_step(scores.len());
    sample.clear();
    sample.extend(scores.iter().step_by(step).map(|score| magnitude(*score)));
    let (count, part) = (sample.len() as f64, dropped as f64 / scores.len() as f64);
    let (middle, margin) = (count * part, 4.0 * (count * part * (1.0 - part)).sqrt() + 1.0);
    let (low, high) = (middle - margin, (middle + margin) as usize);
    let mut bracket = EVERYTHING;
    if high < sample.len() {
        bracket.end = *sample.select_nth_unstable(high).1 + 1;
        sample.truncate(high + 1);
    }
    if low >= 0.0 {
        bracket.start = *sample.select_nth_unstable(low as usize).1;
    }
    bracket
}

/// Selects, unless the threshold turns out to lie outside the bracket: then false, and `select` means nothing.
fn select_within(bracket: Range<u32>, scores: &[f32], dropped: usize, list: &mut Vec<u64>, select: &mut [u32]) -> bool {
    let mut undecided = Undecided { list, len: 0 };
    let above = simd::run(
        #[inline(always)]
        || decide(bracket, scores, &mut undecided, select),
    );
    let undecided = &mut undecided.list[..undecided.len];
    let below = scores.len() - above - undecided.len();
    if dropped < below || dropped > below + undecided.len() {
        return false;
    }
    // No two pairs are equal, so that the smallest are the first of equal magnitudes.
    if dropped < below + undecided.len() {
        undecided.select_nth_unstable(dropped - below);
    }
    for pair in &undecided[dropped - below..] {
        select[*pair as u32 as usize] = u32::MAX;
    }
    true
}

/// How many scores are looked at together: one bit of a word each.
const BLOCK: usize = 32;

/// Selects what is above the bracket and lists what is inside; gives how many are above.
#[inline(always)]
fn decide(bracket: Range<u32>, scores: &[f32], undecided: &mut Undecided<'_>, select: &mut [u32]) -> usize {
    let (score_blocks, score_rest) = scores.as_chunks::<BLOCK>();
    let (select_blocks, select_rest) = select.as_chunks_mut::<BLOCK>();
    let (mut above, mut start) = (0, 0);
    for (scores, select) in score_blocks.iter().zip(select_blocks) {
        above += decide_block(&bracket, start, scores, undecided, select);
        start += BLOCK;
    }
    if !score_rest.is_empty() {
        above += decide_block(&bracket, start, score_rest, undecided, select_rest);
    }
    above
}

/// Decides 1 to 32 scores.
#[inline(always)]
fn decide_block(
    bracket: &Range<u32>,
    start: usize,
    scores: &[f32],
    undecided: &mut Undecided<'_>,
    select: &mut [u32],
) -> usize {
    let (mut above, mut inside) = (0, 0);
    for (i, (score, select)) in scores.iter().zip(select).enumerate() {
        let magnitude = magnitude(*score);
        let is_above = magnitude >= bracket.end;
        *select = if is_above { u32::MAX } else { 0 };
        above += u32::from(is_above);
        inside |= u32::from(!is_above && magnitude >= bracket.start) << i;
    }
    undecided.add(start, scores, inside);
    above as usize
}

/// The scores inside the bracket, each as magnitude · 2³² + index.
struct Undecided<'a> {
    /// The pairs and, after them, leftovers.
    list: &'a mut Vec<u64>,
    len: usize,
}

impl Undecided<'_> {
    /// Adds those scores of a block whose bit is set.
    #[inline(always)]
    fn add(&mut self, start: usize, scores: &[f32], mut inside: u32) {
        if self.list.len() < self.len + BLOCK {
            self.list.resize(2 * self.len + BLOCK, 0);
        }
        let list: &mut [u64; BLOCK] = (&mut self.list[self.len..][..BLOCK]).try_into().expect("a block");
        self.len += inside.count_ones() as usize;
        // Most blocks have none, one or two: to write two without asking beats guessing wrong.
        let mut at = 0;
        while at < 2 || inside != 0 {
            let i = inside.trailing_zeros() as usize % BLOCK;
            list[at % BLOCK] = u64::from(magnitude(scores[i])) << 32 | (start + i) as u64;
            inside &= inside.wrapping_sub(1);
            at += 1;
        }
    }
}

/// `out = weights` where selected, +0 elsewhere, whatever the weight is.
pub fn effective(weights: &[f32], select: &[u32], out: &mut [f32]) {
    let n = out.len();
    let (weights, select) = (&weights[..n], &select[..n]);
    simd::run(
        #[inline(always)]
        || {
            for i in 0..n {
                out[i] = f32::from_bits(weights[i].to_bits() & select[i]);
            }
        },
    );
}

/// `out = gradient · weights · sign(scores)`, the straight-through gradient of the scores; sign(0) = 0, as PyTorch's.
pub fn score_gradient(gradient: &[f32], weights: &[f32], scores: &[f32], out: &mut [f32]) {
    let n = out.len();
    let (gradient, weights, scores) = (&gradient[..n], &weights[..n], &scores[..n]);
    simd::run(
        #[inline(always)]
        || {
            for i in 0..n {
                let sign = f32::from(u8::from(scores[i] > 0.0)) - f32::from(u8::from(scores[i] < 0.0));
                out[i] = gradient[i] * weights[i] * sign;
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The oracle: all keys, one selection, ties by a walk.
    fn drop_smallest(scores: &[f32], dropped: usize, keys: &mut Vec<u32>, select: &mut Vec<u32>) {
        let key = |score: &f32| score.abs().to_bits();
        select.clear();
        if dropped == 0 {
            select.resize(scores.len(), u32::MAX);
            return;
        }
        keys.clear();
        keys.extend(scores.iter().map(key));
        let (below, threshold, _) = keys.select_nth_unstable(dropped - 1);
        let threshold = *threshold;
        let mut equal_to_drop = dropped - below.iter().filter(|k| **k < threshold).count();
        select.extend(scores.iter().map(|score| if key(score) >= threshold { u32::MAX } else { 0 }));
        for (select, score) in select.iter_mut().zip(scores) {
            if equal_to_drop == 0 {
                break;
            }
            if key(score) == threshold {
                *select = 0;
                equal_to_drop -= 1;
            }
        }
    }

    fn assert_agrees(scores: &[f32], dropped: usize) {
        let mut expected = Vec::new();
        drop_smallest(scores, dropped, &mut Vec::new(), &mut expected);
        let mut select = vec![7; 99];
        let mut scratch = Scratch::default();
        select_largest(scores, dropped, &mut scratch, &mut select);
        assert!(select == expected, "{dropped} of {}", scores.len());
        simd::portable::only(|| select_largest(scores, dropped, &mut scratch, &mut select));
        assert!(select == expected, "{dropped} of {}, plain", scores.len());
    }

    /// Numbers in −1 .. 1 that look random.
    fn scores(n: usize, seed: u64) -> Vec<f32> {
        let mut state = seed.wrapping_mul(2) | 1;
        let mut next = || {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..n).map(|_| next()).collect()
    }

    #[test]
    fn the_smallest_magnitudes_go_and_of_equal_ones_the_first() {
        let mut select = Vec::new();
        let mut selected = |scores: &[f32], dropped| {
            select_largest(scores, dropped, &mut Scratch::default(), &mut select);
            select.iter().map(|bits| bits & 1).collect::<Vec<_>>()
        };
        assert_eq!(selected(&[0.5, -0.1, 0.1, -0.7], 1), [1, 0, 1, 1]);
        assert_eq!(selected(&[0.5, -0.1, 0.1, -0.7], 3), [0, 0, 0, 1]);
        assert_eq!(selected(&[f32::INFINITY, f32::NAN], 1), [0, 1]);
        assert_eq!(selected(&[1.0, 1.0], 0), [1, 1]);
        assert_eq!(selected(&[1.0, 1.0], 2), [0, 0]);
    }

    #[test]
    fn many_scores_at_all_parts_agree_with_the_oracle() {
        for n in [511, 512, 1_000, 30_000, 235_200, 300_001] {
            let scores = scores(n, n as u64);
            for dropped in [0, 1, n / 100, n / 10, n / 2, n * 7 / 10, n * 98 / 100, n - 1, n] {
                assert_agrees(&scores, dropped);
            }
        }
    }

    #[test]
    fn scores_sorted_or_equal_or_nan_agree_with_the_oracle() {
        let mut sorted = scores(20_000, 1);
        sorted.sort_by(f32::total_cmp);
        let step = sample_step(20_000);
        let zeros_on_the_sample: Vec<f32> = (0..20_000).map(|i| if i % step == 0 { 0.0 } else { i as f32 }).collect();
        let with_nans: Vec<f32> = (0..20_000).map(|i| if i % 3 == 0 { f32::NAN } else { -(i as f32) }).collect();
        for scores in [sorted, vec![0.5; 20_000], vec![0.0; 999], zeros_on_the_sample, with_nans] {
            for dropped in [1, 300, 500, 10_000, 15_000, 19_999] {
                assert_agrees(&scores, dropped.min(scores.len()));
            }
        }
    }

    #[test]
    fn a_sample_that_misleads_is_no_harm() {
        let step = sample_step(20_000);
        let scores: Vec<f32> = (0..20_000).map(|i| if i % step == 0 { 1e-3 } else { 1.0 + i as f32 }).collect();
        let bracket = bracket(&scores, 10_000, &mut Vec::new());
        assert_eq!(bracket, 1e-3f32.to_bits()..1e-3f32.to_bits() + 1);
        assert!(!select_within(bracket, &scores, 10_000, &mut Vec::new(), &mut vec![0; 20_000]));
        assert_agrees(&scores, 10_000);
    }

    #[test]
    fn the_bracket_spares_most_of_the_work() {
        let (scores, mut scratch) = (scores(1_000_000, 5), Scratch::default());
        select_largest(&scores, 500_000, &mut scratch, &mut Vec::new());
        assert!(scratch.sample.len() < 25_000 && scratch.undecided.len() < 100_000);
    }

    #[test]
    fn the_gradient_passes_straight_through() {
        let mut out = [f32::NAN; 4];
        score_gradient(&[2.0, 3.0, 5.0, 7.0], &[0.5, -1.0, 1.0, 1.0], &[0.1, 0.2, -0.3, 0.0], &mut out);
        assert_eq!(out, [1.0, -3.0, -5.0, 0.0]);
    }

    #[test]
    fn what_is_not_selected_is_plus_zero() {
        let mut out = [f32::NAN; 3];
        effective(&[-1.0, f32::NAN, 2.0], &[0, 0, u32::MAX], &mut out);
        assert_eq!(out.map(f32::to_bits), [0, 0, 2f32.to_bits()]);
    }

    proptest! {
        #[test]
        fn selection_agrees_with_the_oracle(
            scores in prop::collection::vec(prop_oneof![(-20i8..20).prop_map(|s| f32::from(s) / 8.0), any::<f32>()], 1..2_000),
            part in 0.0..=1.0f64,
        ) {
            assert_agrees(&scores, (scores.len() as f64 * part) as usize);
        }

        #[test]
        fn plain_instructions_give_the_same_bits(values in prop::collection::vec(any::<[f32; 3]>(), 0..100)) {
            let column = |c: usize| values.iter().map(|v| v[c]).collect::<Vec<_>>();
            let (g, w, s) = (column(0), column(1), column(2));
            let run = || {
                let (mut a, mut b) = (vec![1.0; g.len()], vec![1.0; g.len()]);
                score_gradient(&g, &w, &s, &mut a);
                effective(&w, &s.iter().map(|s| if *s > 0.0 { u32::MAX } else { 0 }).collect::<Vec<_>>(), &mut b);
                // Which NaN comes of two is left open.
                a.iter().chain(&b).map(|x| if x.is_nan() { 0 } else { x.to_bits() }).collect::<Vec<_>>()
            };
            prop_assert_eq!(run(), simd::portable::only(run));
        }
    }
}
