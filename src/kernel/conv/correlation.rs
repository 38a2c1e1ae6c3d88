//! A correlation of images with a kernel, as an implicit matrix product: outputs × (inputs, taps) × pixels.

use super::band::{Band, Buffers};
use super::packed_weights::{PackedWeights, Weights};
use super::unrolled::Unrolled;
use crate::kernel::simd;
use crate::kernel::tasks::each_chunk;

/// `grid[o, r, q] = Σ source[c, r · stride + i − top, q · stride + j − left] · weight[o, c, i, j]`, summed over
/// inputs c, kernel rows i and kernel columns j, for each image; outside the source there are zeros.
#[derive(Clone, Copy)]
pub struct Correlation {
    pub inputs: usize,
    pub height: usize,
    pub width: usize,
    pub outputs: usize,
    /// Size of the grid.
    pub rows: usize,
    pub columns: usize,
    pub kernel_rows: usize,
    pub kernel_columns: usize,
    pub stride: usize,
    pub top: isize,
    pub left: isize,
}

/// What happens to a sum before it is written.
#[derive(Clone, Copy)]
pub struct Epilogue<'a> {
    pub bias: Option<&'a [f32]>,
    pub relu: bool,
}

/// Where the grid lies in the planes that it is written to: every `step`-th value from a first one.
#[derive(Clone, Copy)]
pub struct Target {
    pub height: usize,
    pub width: usize,
    pub first_row: usize,
    pub first_column: usize,
    pub step: usize,
}

/// Sums computed together: as many as the L2 cache holds beside the rest. Measured, like the two below.
const SUMS: usize = 1 << 15;
/// Bounds on the pixels computed together: enough to use a block of weights many times.
const PIXELS: (usize, usize) = (128, 1024);
/// Products per sum in one block of inputs: its panel of pixels should stay in the L1 cache.
const DEPTH: usize = 200;

impl Correlation {
    /// Kernel rows that differ modulo the stride.
    #[inline(always)]
    pub fn row_phases(&self) -> usize {
        self.stride.min(self.kernel_rows)
    }

    /// Inputs whose products are summed before the sums go back to memory.
    fn block(&self) -> usize {
        (DEPTH / (self.kernel_rows * self.kernel_columns).max(1)).clamp(1, self.inputs.max(1))
    }

    fn is_empty(&self) -> bool {
        self.outputs * self.rows * self.columns == 0
    }
}

/// A correlation ready to run on images.
pub struct Prepared<'a> {
    correlation: Correlation,
    epilogue: Epilogue<'a>,
    target: Target,
    weights: PackedWeights,
    /// Images in a group, and rows of the grid in a band, which are computed together.
    images: usize,
    rows: usize,
}

impl<'a> Prepared<'a> {
    pub fn new(correlation: Correlation, weights: &Weights<'_>, epilogue: Epilogue<'a>, target: Target) -> Self {
        let c = &correlation;
        let pixels = (SUMS / c.outputs.max(1)).clamp(PIXELS.0, PIXELS.1);
        let images = (pixels / (c.rows * c.columns).max(1)).max(1);
        let rows = (pixels / (images * c.columns).max(1)).clamp(1, c.rows.max(1));
        let weights = PackedWeights::new(c, c.block(), weights);
        Self { correlation, epilogue, target, weights, images, rows }
    }

    /// Images that are computed together.
    pub fn images(&self) -> usize {
        self.images
    }

    /// Working memory for a thread.
    pub fn buffers(&self) -> Buffers {
        let layout = Unrolled::new(&self.correlation, self.images, 0, self.rows);
        Buffers::new(&self.correlation, &layout, self.correlation.block(), self.epilogue.bias)
    }

    /// On all threads: `source` is `[batch, inputs, height, width]`, `y` `[batch, outputs, target height, target width]`;
    /// only the grid's values are written.
    pub fn run(&self, source: &[f32], y: &mut [f32]) {
        if self.correlation.is_empty() {
            return;
        }
        let (source_len, y_len) = (self.images * self.source_len(), self.images * self.y_len());
        each_chunk(
            y,
            y_len,
            || self.buffers(),
            |buffers, group, y| {
                let source = &source[group * source_len..];
                self.run_here(buffers, &source[..source_len.min(source.len())], y);
            },
        );
    }

    /// On this thread.
    pub fn run_here(&self, buffers: &mut Buffers, source: &[f32], y: &mut [f32]) {
        if self.correlation.is_empty() {
            return;
        }
        let correlation = &self.correlation;
        for (group, y) in y.chunks_mut(self.images * self.y_len()).enumerate() {
            let images = y.len() / self.y_len();
            let source = &source[group * self.images * self.source_len()..][..images * self.source_len()];
            for first_row in (0..correlation.rows).step_by(self.rows) {
                let rows = self.rows.min(correlation.rows - first_row);
                let layout = Unrolled::new(correlation, images, first_row, rows);
                let (weights, relu, target) = (&self.weights, self.epilogue.relu, self.target);
                let block = correlation.block();
                simd::run(Band { correlation, layout, block, source, weights, relu, buffers, target, y });
            }
        }
    }

    fn source_len(&self) -> usize {
        self.correlation.inputs * self.correlation.height * self.correlation.width
    }

    fn y_len(&self) -> usize {
        self.correlation.outputs * self.target.height * self.target.width
    }
}
