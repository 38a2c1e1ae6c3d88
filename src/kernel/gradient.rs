//! Gradients piece by piece: one that is computed as it is asked for need not rest in memory.

use std::ops::Range;

use super::buffer::Buffer;
use super::top_k;

/// The loss's gradient with respect to a tensor's values.
pub trait Gradient: Sync {
    /// How many values a piece has; the last may have fewer.
    fn piece(&self) -> usize;

    /// The gradient of one piece, written to `room`, which is as long, unless it rests somewhere already. `values` are
    /// what the piece holds at the moment, before any selection among them.
    fn of<'a>(&'a self, piece: Range<usize>, values: &[f32], room: &'a mut [f32]) -> &'a [f32];
}

/// A gradient that rests in memory.
pub struct Whole<'a>(pub &'a [f32]);

impl Whole<'_> {
    /// Pieces that stay in the nearest cache, and are enough for several threads.
    const PIECE: usize = 1 << 14;
}

impl Gradient for Whole<'_> {
    fn piece(&self) -> usize {
        Self::PIECE
    }

    fn of<'a>(&'a self, piece: Range<usize>, _: &[f32], _: &'a mut [f32]) -> &'a [f32] {
        &self.0[piece]
    }
}

/// The gradient with respect to scores that select weights, from the one with respect to effective weights.
pub struct StraightThrough<'a> {
    pub effective: &'a dyn Gradient,
    pub weights: &'a [f32],
}

impl Gradient for StraightThrough<'_> {
    fn piece(&self) -> usize {
        self.effective.piece()
    }

    fn of<'a>(&'a self, piece: Range<usize>, scores: &[f32], room: &'a mut [f32]) -> &'a [f32] {
        let weights = &self.weights[piece.clone()];
        let mut effective_room = Buffer::new(piece.len());
        let effective = self.effective.of(piece, weights, &mut effective_room);
        top_k::score_gradient(effective, weights, scores, room);
        room
    }
}

/// All pieces of the gradient with respect to `values`, one after the other.
pub fn collect(gradient: &dyn Gradient, values: &[f32]) -> Vec<f32> {
    let mut whole = vec![0.0; values.len()];
    let size = gradient.piece();
    for (i, (values, out)) in values.chunks(size).zip(whole.chunks_mut(size)).enumerate() {
        let mut room = vec![0.0; values.len()];
        out.copy_from_slice(gradient.of(i * size..i * size + values.len(), values, &mut room));
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gradient_at_rest_is_its_pieces() {
        let gradient: Vec<f32> = (0..40_000u16).map(f32::from).collect();
        assert_eq!(collect(&Whole(&gradient), &vec![0.0; gradient.len()]), gradient);
    }

    /// g · w · sign(s), over three pieces.
    #[test]
    fn a_score_has_the_gradient_of_its_own_weight_in_every_piece() {
        let numbers = |factor: usize| -> Vec<f32> { (0..40_000).map(|i| ((i * factor) % 7) as f32 - 3.0).collect() };
        let (effective, weights, scores) = (numbers(3), numbers(5), numbers(2));
        let gradient = StraightThrough { effective: &Whole(&effective), weights: &weights };
        let expected =
            (0..40_000).map(|i| effective[i] * weights[i] * if scores[i] == 0.0 { 0.0 } else { scores[i].signum() });
        assert_eq!(collect(&gradient, &scores), expected.collect::<Vec<_>>());
    }
}
