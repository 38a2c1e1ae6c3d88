//! Weights in the order in which the innermost loop reads them.

use super::correlation::Correlation;

/// Outputs that one register tile computes.
pub const TILE: usize = 8;

/// A view of weights: the one of (output, input, row, column) is at `first` plus each coordinate times its step.
pub struct Weights<'a> {
    pub values: &'a [f32],
    pub first: usize,
    pub output_step: usize,
    pub input_step: usize,
    pub row_step: isize,
    pub column_step: isize,
}

/// `[block of inputs][tile of outputs][kernel row][input][kernel column][TILE]`, zeros where a tile has no output.
pub struct PackedWeights {
    values: Vec<f32>,
    tiles: usize,
    area: usize,
}

impl PackedWeights {
    pub fn new(correlation: &Correlation, block: usize, weights: &Weights<'_>) -> Self {
        let (inputs, outputs) = (correlation.inputs, correlation.outputs);
        let (tiles, area) = (outputs.div_ceil(TILE), correlation.kernel_rows * correlation.kernel_columns);
        let mut values = vec![0.0; tiles * TILE * inputs * area];
        let mut packed = values.chunks_exact_mut(TILE);
        for from in (0..inputs).step_by(block) {
            let to = inputs.min(from + block);
            for first_output in (0..outputs).step_by(TILE) {
                let tile = TILE.min(outputs - first_output);
                for row in 0..correlation.kernel_rows {
                    for input in from..to {
                        for column in 0..correlation.kernel_columns {
                            let at = weights.at(first_output, input, row, column);
                            let sources = weights.values[at..].iter().step_by(weights.output_step).take(tile);
                            packed.next().into_iter().flatten().zip(sources).for_each(|(to, from)| *to = *from);
                        }
                    }
                }
            }
        }
        Self { values, tiles, area }
    }

    /// One tile's `[kernel row][input][kernel column][TILE]`, for a block of `len` inputs that starts at `from`.
    #[inline(always)]
    pub fn tile(&self, from: usize, len: usize, tile: usize) -> &[f32] {
        let start = (from * self.tiles + len * tile) * self.area * TILE;
        &self.values[start..start + len * self.area * TILE]
    }
}

impl Weights<'_> {
    fn at(&self, output: usize, input: usize, row: usize, column: usize) -> usize {
        let start = self.first + output * self.output_step + input * self.input_step;
        start.wrapping_add_signed(row as isize * self.row_step + column as isize * self.column_step)
    }
}
