//! A batch in blocks, and each block's examples between lying one after the other and side by side.

use crate::kernel::simd;
use crate::kernel::transpose::Transpose;

/// The batch in blocks whose rows are a power of two of vectors, small enough for registers and near caches.
pub struct Blocks {
    batch: usize,
    lanes: usize,
}

/// Examples `start .. start + examples`; `width ≥ examples` numbers for each feature.
pub struct Block {
    pub start: usize,
    examples: usize,
    pub width: usize,
}

/// With 16 lanes there are 32 registers, otherwise 16: 2 × 4 sums, or 8.
const fn most_vectors(lanes: usize) -> usize {
    if lanes == 16 { 4 } else { 8 }
}

impl Blocks {
    pub fn new(batch: usize) -> Self {
        Self { batch, lanes: simd::lanes() }
    }

    pub fn widest(&self) -> usize {
        self.iter().next().map_or(0, |block| block.width)
    }

    /// Of all blocks together.
    pub fn lanes(&self) -> usize {
        self.iter().map(|block| block.width).sum()
    }

    pub fn iter(&self) -> impl Iterator<Item = Block> {
        let full = most_vectors(self.lanes) * self.lanes;
        (0..self.batch).step_by(full).map(move |start| {
            let examples = full.min(self.batch - start);
            let width = examples.div_ceil(self.lanes).next_power_of_two() * self.lanes;
            Block { start, examples, width }
        })
    }
}

impl Block {
    /// This block of `from` `[batch, features]` to `[features][width]`.
    pub fn enter(&self, from: &[f32], gate: Option<&[f32]>, features: usize, to: &mut [f32]) {
        let rows = self.start * features..(self.start + self.examples) * features;
        let gate = gate.map(|gate| &gate[rows.clone()]);
        let (from, from_step, rows, to_step) = (&from[rows], features, self.examples, self.width);
        simd::run(Transpose { from, from_step, gate, rows, columns: features, to, to_step, padded: self.width });
    }

    /// `[features][width]` to this block of `to` `[batch, features]`.
    pub fn leave(&self, from: &[f32], features: usize, to: &mut [f32]) {
        let to = &mut to[self.start * features..(self.start + self.examples) * features];
        let (from_step, to_step, columns) = (self.width, features, self.examples);
        let (rows, padded) = (features, features);
        simd::run(Transpose { from, from_step, gate: None, rows, columns, to, to_step, padded });
    }
}
