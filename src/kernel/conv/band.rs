//! The work on a few rows of a few images: blocks of inputs, panels of pixels, tiles of outputs.

use pulp::{Simd, WithSimd};

use super::column_phases::ColumnPhases;
use super::correlation::{Correlation, Target};
use super::packed_weights::{PackedWeights, TILE};
use super::unrolled::Unrolled;
use crate::kernel::buffer::{Buffer, LINE, odd_lines};
use crate::kernel::simd::{self, load, store};
use crate::kernel::tile::accumulate;

/// One thread's working memory.
pub struct Buffers {
    unrolled: Buffer,
    phases: ColumnPhases,
    /// `[output][pixel]`
    sums: Buffer,
    /// Zeros at the end of the last tile.
    bias: Vec<f32>,
}

impl Buffers {
    pub fn new(correlation: &Correlation, layout: &Unrolled, block: usize, bias: Option<&[f32]>) -> Self {
        let outputs = correlation.outputs.next_multiple_of(TILE);
        let mut padded = vec![0.0; outputs];
        padded.iter_mut().zip(bias.unwrap_or(&[])).for_each(|(to, from)| *to = *from);
        Self {
            unrolled: Buffer::zeros(block * correlation.kernel_columns * layout.step),
            phases: ColumnPhases::new(correlation, layout.images),
            sums: Buffer::zeros(outputs * sums_step(layout)),
            bias: padded,
        }
    }
}

fn sums_step(layout: &Unrolled) -> usize {
    odd_lines(layout.pixels() + LINE)
}

/// A few rows of the grid in a few images, all outputs.
pub struct Band<'a> {
    pub correlation: &'a Correlation,
    pub layout: Unrolled,
    /// Inputs whose products are summed before the sums go back to memory.
    pub block: usize,
    pub source: &'a [f32],
    pub weights: &'a PackedWeights,
    pub relu: bool,
    pub buffers: &'a mut Buffers,
    pub target: Target,
    pub y: &'a mut [f32],
}

/// Where one tile is in the product.
#[derive(Clone, Copy)]
struct Place {
    /// The block's first input, and how many it has.
    from: usize,
    len: usize,
    pixel: usize,
    output: usize,
}

impl WithSimd for Band<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let inputs = self.correlation.inputs;
        let direct = self.is_direct(S::F32_LANES);
        for from in (0..inputs).step_by(self.block) {
            let len = self.block.min(inputs - from);
            let Buffers { unrolled, phases, .. } = &mut *self.buffers;
            let inputs = (from, from + len);
            self.layout.fill(simd, self.correlation, self.source, inputs, phases, unrolled);
            self.add_block(simd, from, len, direct);
        }
        if inputs == 0 {
            self.buffers.sums.fill(0.0);
        }
        if !direct {
            for output in 0..self.correlation.outputs {
                self.write(output);
            }
        }
    }
}

impl Band<'_> {
    /// Whether whole vectors of sums are whole vectors of `y`.
    #[inline(always)]
    fn is_direct(&self, lanes: usize) -> bool {
        let (c, target) = (self.correlation, self.target);
        let whole = c.outputs.is_multiple_of(TILE) && self.layout.pixels().is_multiple_of(lanes);
        whole && self.layout.images == 1 && target.step == 1 && target.width == c.columns && c.inputs > 0
    }

    /// Adds what `len` inputs contribute, panel by panel.
    #[inline(always)]
    fn add_block<S: Simd>(&mut self, simd: S, from: usize, len: usize, direct: bool) {
        let vectors = self.layout.pixels().div_ceil(S::F32_LANES);
        for vector in (0..vectors).step_by(3) {
            let place = Place { from, len, pixel: vector * S::F32_LANES, output: 0 };
            match vectors - vector {
                1 => self.add_panel::<S, 1>(simd, place, direct),
                2 => self.add_panel::<S, 2>(simd, place, direct),
                _ => self.add_panel::<S, 3>(simd, place, direct),
            }
        }
    }

    #[inline(always)]
    fn add_panel<S: Simd, const VECTORS: usize>(&mut self, simd: S, place: Place, direct: bool) {
        if S::F32_LANES >= 16 {
            for output in (0..self.correlation.outputs).step_by(8) {
                self.add_tile::<S, 8, VECTORS>(simd, Place { output, ..place }, direct);
            }
        } else {
            // Half a tile fills sixteen registers.
            for output in (0..self.correlation.outputs).step_by(4) {
                self.add_tile::<S, 4, VECTORS>(simd, Place { output, ..place }, direct);
            }
        }
    }

    /// Adds to `ROWS` outputs at `VECTORS` vectors of pixels.
    #[inline(always)]
    fn add_tile<S: Simd, const ROWS: usize, const VECTORS: usize>(&mut self, simd: S, place: Place, direct: bool) {
        let c = self.correlation;
        let depth = place.len * c.kernel_columns;
        let weights = self.weights.tile(place.from, place.len, place.output / TILE);
        assert!(depth * self.layout.step <= self.buffers.unrolled.len());
        let mut held = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
        for kernel_row in 0..c.kernel_rows {
            let tap = self.layout.tap(c, kernel_row) + place.pixel;
            assert!(tap + VECTORS * S::F32_LANES <= self.layout.step);
            let a = weights[kernel_row * depth * TILE..][..depth * TILE][place.output % TILE..].as_ptr();
            let b = self.buffers.unrolled[tap..].as_ptr();
            // SAFETY: `a` holds `depth` times TILE weights, of which ROWS are read from the output's place in its tile;
            // the vectors lie within each of `depth` steps.
            unsafe { accumulate(simd, depth, (a, TILE), (b, self.layout.step), &mut held) };
        }
        self.add_sums(simd, place, direct, held);
    }

    /// Adds a tile to the sums of the blocks before; after the last, finishes them.
    #[inline(always)]
    fn add_sums<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        simd: S,
        place: Place,
        direct: bool,
        mut held: [[S::f32s; VECTORS]; ROWS],
    ) {
        let c = self.correlation;
        let step = sums_step(&self.layout);
        let len = VECTORS * S::F32_LANES;
        let start = place.output * step + place.pixel;
        let sums = self.buffers.sums[start..start + (ROWS - 1) * step + len].as_mut_ptr();
        if place.from > 0 {
            // SAFETY: the slice ends with the last row's last vector.
            each(&mut held, |held, r, v| {
                *held = simd.add_f32s(*held, unsafe { load(simd, sums.add(r * step + v * S::F32_LANES)) })
            });
        }
        let last = place.from + place.len == c.inputs;
        if last {
            let bias = &self.buffers.bias[place.output..place.output + ROWS];
            let relu = self.relu;
            each(&mut held, |held, r, _| {
                *held = simd.add_f32s(*held, simd.splat_f32s(bias[r]));
                if relu {
                    *held = simd::relu(simd, *held);
                }
            });
        }
        let (out, step) = if last && direct {
            let plane = self.target.height * self.target.width;
            let start = place.output * plane + self.layout.first_row * c.columns + place.pixel;
            (self.y[start..start + (ROWS - 1) * plane + len].as_mut_ptr(), plane)
        } else {
            (sums, step)
        };
        // SAFETY: both slices end with the last row's last vector.
        each(&mut held, |held, r, v| unsafe { store(simd, out.add(r * step + v * S::F32_LANES), *held) });
    }

    /// Writes one output's sums to its planes.
    #[inline(always)]
    fn write(&mut self, output: usize) {
        let (c, target, images) = (self.correlation, self.target, self.layout.images);
        let sums = &self.buffers.sums[output * sums_step(&self.layout)..][..self.layout.pixels()];
        for (i, sums) in sums.chunks_exact(c.columns).enumerate() {
            let (row, image) = (self.layout.first_row + i / images, i % images);
            let plane = (image * c.outputs + output) * target.height;
            let start = (plane + target.first_row + row * target.step) * target.width + target.first_column;
            let y = &mut self.y[start..start + (c.columns - 1) * target.step + 1];
            match target.step {
                1 => y.iter_mut().zip(sums).for_each(|(y, sum)| *y = *sum),
                _ => y.iter_mut().step_by(target.step).zip(sums).for_each(|(y, sum)| *y = *sum),
            }
        }
    }
}

#[inline(always)]
fn each<T, const ROWS: usize, const VECTORS: usize>(
    held: &mut [[T; VECTORS]; ROWS],
    mut work: impl FnMut(&mut T, usize, usize),
) {
    for (r, held) in held.iter_mut().enumerate() {
        for (v, held) in held.iter_mut().enumerate() {
            work(held, r, v);
        }
    }
}
