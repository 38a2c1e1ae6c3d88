//! What an optimizer does to one value, and how that is done to all of a tensor's.

use std::borrow::Borrow;
use std::ops::{Add, Div, Mul, Sub};

use super::lanes::{keep, wide};
use super::{Kept, Stepper};
use crate::kernel::buffer::Buffer;
use crate::kernel::gradient::Gradient;
use crate::kernel::tasks;
use crate::values::{Restored, Standing, Values};

/// What the maths is written over: one value of a tensor, or all of them at once.
pub trait Number:
    Clone + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Sized
{
    fn times(self, factor: f32) -> Self;
    fn plus(self, term: f32) -> Self;
    fn sqrt(self) -> Self;
    /// 0 instead of a subnormal number, which a processor traps on: where one weight in eight has no gradient for a
    /// thousand steps, Adam's step would take 30 times as long. NaN stays.
    fn flushed(self) -> Self;
}

/// One step of an optimizer, all that is the same for every value of a tensor computed already. Each value has `STATE`
/// numbers beside it that outlive the step, 0 at first.
pub trait Rule<const STATE: usize>: Copy + Send + Sync {
    /// What a value and its state become, given its gradient.
    fn update<N: Number>(self, value: N, gradient: N, state: [N; STATE]) -> (N, [N; STATE]);
}

/// The state of one training: `rule` makes the step's rule from how many steps there have been, this one included, and
/// the learning rate.
pub struct Running<V: Values + ?Sized, F, const STATE: usize> {
    rule: F,
    tensors: Vec<State<V, STATE>>,
}

struct State<V: Values + ?Sized, const STATE: usize> {
    steps: u64,
    arrays: [V::Owned; STATE],
}

/// Values that a rule moves.
pub trait Moved: Values {
    fn moved<const STATE: usize>(
        &mut self,
        rule: impl Rule<STATE>,
        gradient: Self::Gradient<'_>,
        state: &mut [Self::Owned; STATE],
        kept: Kept<'_, Self>,
    );
}

impl<V, F, R, const STATE: usize> Running<V, F, STATE>
where
    V: Values + ?Sized,
    F: Fn(u64, f64) -> R + Send,
    R: Rule<STATE>,
{
    pub fn new(lengths: &[usize], place: &V::Place, rule: F) -> Self {
        let state = |len: &usize| State { steps: 0, arrays: std::array::from_fn(|_| V::zeros(*len, place)) };
        Running { rule, tensors: lengths.iter().map(state).collect() }
    }
}

impl<V, F, R, const STATE: usize> Stepper<V> for Running<V, F, STATE>
where
    V: Moved + ?Sized,
    F: Fn(u64, f64) -> R + Send,
    R: Rule<STATE>,
{
    fn step(
        &mut self,
        tensor: usize,
        learning_rate: f64,
        values: &mut V,
        gradient: V::Gradient<'_>,
        kept: Kept<'_, V>,
    ) {
        let State { steps, arrays } = &mut self.tensors[tensor];
        *steps += 1;
        values.moved((self.rule)(*steps, learning_rate), gradient, arrays, kept);
    }

    fn standing(&self) -> Option<Standing<'_, V>> {
        let arrays = self.tensors.iter().flat_map(|tensor| tensor.arrays.iter().map(Borrow::borrow)).collect();
        Some(Standing { arrays, counts: self.tensors.iter().map(|tensor| tensor.steps).collect() })
    }

    fn resume(&mut self, restored: Restored<V>) -> Result<(), String> {
        let mut arrays = restored.arrays.into_iter();
        for (tensor, steps) in self.tensors.iter_mut().zip(restored.counts) {
            tensor.steps = steps;
            tensor.arrays.iter_mut().zip(&mut arrays).for_each(|(array, kept)| *array = kept);
        }
        Ok(())
    }
}

impl Moved for [f32] {
    fn moved<const STATE: usize>(
        &mut self,
        rule: impl Rule<STATE>,
        gradient: &dyn Gradient,
        state: &mut [Vec<f32>; STATE],
        kept: Kept<'_>,
    ) {
        let size = gradient.piece().max(1);
        let mut state = state.each_mut().map(|array| array.chunks_mut(size));
        let pieces = self.chunks_mut(size).enumerate().map(|(i, values)| Piece {
            from: i * size,
            state: state.each_mut().map(|chunks| chunks.next().expect("state for every value")),
            values,
        });
        tasks::each_part(pieces, |piece| piece.step(rule, gradient, kept));
    }
}

/// Some neighbouring values with their state.
struct Piece<'a, const STATE: usize> {
    from: usize,
    values: &'a mut [f32],
    state: [&'a mut [f32]; STATE],
}

impl<const STATE: usize> Piece<'_, STATE> {
    fn step(self, rule: impl Rule<STATE>, gradient: &dyn Gradient, kept: Kept<'_>) {
        let range = self.from..self.from + self.values.len();
        let mut room = Buffer::new(range.len());
        let gradient = gradient.of(range.clone(), self.values, &mut room);
        match kept {
            Kept::All => wide(
                #[inline(always)]
                || self.sweep::<false>(rule, gradient, &[]),
            ),
            Kept::Some(select) => wide(
                #[inline(always)]
                || self.sweep::<true>(rule, gradient, &select[range]),
            ),
        }
    }
}

impl<const STATE: usize> Piece<'_, STATE> {
    #[inline(always)]
    fn sweep<const MASKED: bool>(self, rule: impl Rule<STATE>, gradient: &[f32], select: &[u32]) {
        let Piece { values, state, .. } = self;
        let len = values.len();
        let gradient = &gradient[..len];
        let select = if MASKED { &select[..len] } else { select };
        let mut state = state.map(|array| &mut array[..len]);
        for i in 0..len {
            let kept = if MASKED { select[i] } else { u32::MAX };
            let (value, next) = rule.update(values[i], gradient[i], std::array::from_fn(|s| state[s][i]));
            for (array, next) in state.iter_mut().zip(next) {
                array[i] = keep(next, kept);
            }
            values[i] = keep(value, kept);
        }
    }
}

impl Number for f32 {
    #[inline(always)]
    fn times(self, factor: f32) -> f32 {
        self * factor
    }

    #[inline(always)]
    fn plus(self, term: f32) -> f32 {
        self + term
    }

    #[inline(always)]
    fn sqrt(self) -> f32 {
        f32::sqrt(self)
    }

    #[inline(always)]
    fn flushed(self) -> f32 {
        if self.abs() < f32::MIN_POSITIVE { 0.0 } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizer::tests::tensors;

    /// Everything that a rule may do to a number.
    #[derive(Clone, Copy)]
    struct All;

    impl Rule<2> for All {
        #[inline(always)]
        fn update<N: Number>(self, value: N, gradient: N, [first, second]: [N; 2]) -> (N, [N; 2]) {
            let first = (first.times(0.9) + gradient.clone() * gradient.clone()).flushed();
            let second = (second - gradient.clone().times(1e-36)).flushed();
            (value - gradient / first.clone().sqrt().plus(1e-8), [first, second])
        }
    }

    #[test]
    fn avx2_gives_the_bits_of_portable_code() {
        let (start, gradient, second) = tensors(1_003);
        let swept = |is_wide: bool| {
            let (mut values, mut first, mut second) = (start.clone(), vec![1e-6; 1_003], second.clone());
            let piece = Piece { from: 0, values: &mut values, state: [&mut first, &mut second] };
            match is_wide {
                true => wide(
                    #[inline(always)]
                    || piece.sweep::<false>(All, &gradient, &[]),
                ),
                false => piece.sweep::<false>(All, &gradient, &[]),
            }
            (values, first, second)
        };
        assert_eq!(swept(true), swept(false));
    }
}
