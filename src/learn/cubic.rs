//! The cubic schedule of gradual pruning: how many weights are kept once so many iterations are done.

/// When masks shrink: positions of the schedule, in iterations.
///
/// Zhu & Gupta 2017, §3, with the kept fraction r in the place of the removed one: r falls from r₀ at the beginning to r₁
/// at the end as r₁ + (r₀ − r₁) · (1 − (t − begin) ÷ (end − begin))³, fast at first, while many weights are redundant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cubic {
    pub begin: u64,
    /// After `begin`.
    pub end: u64,
    pub every: u64,
}

/// Of a longer way than anyone trains, a position is known to a billionth, so that its cube stays within its type.
const FINEST: u64 = 1 << 30;

impl Cubic {
    /// Whether masks shrink once so many iterations are done: every so often after the beginning, and at the end, which
    /// may come sooner after the one before.
    pub fn is_due(self, iteration: u64) -> bool {
        iteration > self.begin
            && iteration <= self.end
            && (iteration == self.end || (iteration - self.begin).is_multiple_of(self.every.max(1)))
    }

    /// Whether masks are as they will stay.
    pub fn is_over(self, iteration: u64) -> bool {
        iteration >= self.end
    }

    /// How many weights of a scope are kept at a position, of `first` at the beginning and `last` at the end: the schedule's
    /// number, rounded half up.
    pub fn kept(self, first: usize, last: usize, iteration: u64) -> usize {
        let way = self.end - self.begin;
        let left = self.end.saturating_sub(iteration.max(self.begin));
        let coarser = way.div_ceil(FINEST).max(1);
        let cube = |length: u64| u128::from(length / coarser).pow(3);
        let (part, whole) = (cube(left), cube(way));
        let above = first.saturating_sub(last) as u128;
        first.min(last) + ((2 * above * part + whole) / (2 * whole)) as usize
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_schedules_four_numbers_worked_by_hand() {
        // From 1000 weights to 100 in four steps: 100 + 900 · (3/4)³ = 479.69, · (1/2)³ = 212.5, · (1/4)³ = 114.06, 100.
        let cubic = Cubic { begin: 200, end: 600, every: 100 };
        let kept = [300, 400, 500, 600].map(|iteration| cubic.kept(1000, 100, iteration));
        assert_eq!(kept, [480, 213, 114, 100]);
        assert_eq!(
            (cubic.kept(1000, 100, 0), cubic.kept(1000, 100, 200), cubic.kept(1000, 100, 999)),
            (1000, 1000, 100)
        );
    }

    #[test]
    fn masks_shrink_every_so_often_after_the_beginning_and_at_the_end() {
        let cubic = Cubic { begin: 10, end: 25, every: 6 };
        let due: Vec<u64> = (0..40).filter(|iteration| cubic.is_due(*iteration)).collect();
        assert_eq!(due, [16, 22, 25]);
        assert!(!cubic.is_over(24) && cubic.is_over(25));
    }

    proptest! {
        #[test]
        fn counts_fall_from_the_first_to_the_last(
            begin in 0..1_000_000_000u64, way in 1..u64::MAX / 4, (first, less) in (0..1usize << 36, 0.0..=1.0f64),
        ) {
            let cubic = Cubic { begin, end: begin + way, every: 1 };
            let last = (first as f64 * less) as usize;
            let positions: Vec<u64> = (0..=8).map(|part| begin + (u128::from(way) * part / 8) as u64).collect();
            let kept: Vec<usize> = positions.iter().map(|at| cubic.kept(first, last, *at)).collect();
            prop_assert_eq!((kept[0], kept[8]), (first, last));
            prop_assert!(kept.windows(2).all(|pair| pair[0] >= pair[1]), "{:?}", kept);
        }
    }
}
