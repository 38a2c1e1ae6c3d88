//! Source rows copied so that each tap of the kernel, at all pixels of a group of images, is one run of memory.
//!
//! `[input][kernel column][phase][row][image][column]`: the copies for the kernel's columns are shifted against each
//! other, so that neither padding nor the end of a row interrupts the pixels. A kernel row is then a constant offset;
//! with a stride, source rows are sorted by phase (row modulo stride) to make it one.

use pulp::{MemMask, Simd};

use super::column_phases::ColumnPhases;
use super::correlation::Correlation;
use crate::kernel::buffer::{LINE, odd_lines};
use crate::kernel::simd::{load, store};

/// The layout for `images` images and `rows` rows of the grid from `first_row` on.
#[derive(Clone, Copy)]
pub struct Unrolled {
    pub images: usize,
    pub first_row: usize,
    pub rows: usize,
    /// From one (input, kernel column) to the next.
    pub step: usize,
    rows_in_phase: usize,
    line: usize,
}

/// Planes to copy from: one input of each image.
#[derive(Clone, Copy)]
pub struct Planes<'a> {
    /// From the first image's plane on.
    pub values: &'a [f32],
    pub image_step: usize,
    pub row_step: usize,
    /// Values in a row.
    pub width: usize,
}

impl Unrolled {
    pub fn new(correlation: &Correlation, images: usize, first_row: usize, rows: usize) -> Self {
        let c = correlation;
        let rows_in_phase = rows + c.kernel_rows.saturating_sub(1) / c.stride;
        let line = images * c.columns;
        let len = c.row_phases() * rows_in_phase * line;
        // The last vector of pixels may end after them.
        Self { images, first_row, rows, step: odd_lines(len + LINE), rows_in_phase, line }
    }

    /// Pixels, in the order `[row][image][column]`.
    #[inline(always)]
    pub fn pixels(&self) -> usize {
        self.rows * self.line
    }

    /// Where the first pixel's value is for a kernel row, from the start of its (input, kernel column).
    #[inline(always)]
    pub fn tap(&self, correlation: &Correlation, kernel_row: usize) -> usize {
        let (phase, index) = (kernel_row % correlation.stride, kernel_row / correlation.stride);
        (phase * self.rows_in_phase + index) * self.line
    }

    /// Copies inputs `from..to` of images `[images, inputs, height, width]`.
    #[inline(always)]
    pub fn fill<S: Simd>(
        &self,
        simd: S,
        c: &Correlation,
        source: &[f32],
        (from, to): (usize, usize),
        phases: &mut ColumnPhases,
        out: &mut [f32],
    ) {
        let plane = c.height * c.width;
        let mut stripes = out.chunks_exact_mut(self.step);
        for input in from..to {
            let values = &source[input * plane..];
            let planes = Planes { values, image_step: c.inputs * plane, row_step: c.width, width: c.width };
            phases.split(c, planes, self.images);
            for (column, stripe) in (0..c.kernel_columns).zip(&mut stripes) {
                let shift = column as isize - c.left;
                let planes = phases.planes(c, planes, self.images, shift);
                self.copy(simd, c, planes, shift.div_euclid(c.stride as isize), stripe);
            }
        }
    }

    /// `out[.., column] = row[column + offset]`, 0 where there is none, for each row of each image.
    ///
    /// Whole vectors are written, and what they leave after a row is overwritten by the rows that follow: therefore the
    /// last columns of all rows come first.
    #[inline(always)]
    fn copy<S: Simd>(&self, simd: S, c: &Correlation, planes: Planes<'_>, offset: isize, out: &mut [f32]) {
        let vectors = c.columns.div_ceil(S::F32_LANES);
        for vector in (0..vectors).step_by(4).rev() {
            let column = vector * S::F32_LANES;
            match vectors - vector {
                1 => self.copy_columns::<S, 1>(simd, c, planes, (column, offset), out),
                2 => self.copy_columns::<S, 2>(simd, c, planes, (column, offset), out),
                3 => self.copy_columns::<S, 3>(simd, c, planes, (column, offset), out),
                _ => self.copy_columns::<S, 4>(simd, c, planes, (column, offset), out),
            }
        }
    }

    /// `VECTORS` vectors of each row, from `column` on.
    #[inline(always)]
    fn copy_columns<S: Simd, const VECTORS: usize>(
        &self,
        simd: S,
        c: &Correlation,
        planes: Planes<'_>,
        (column, offset): (usize, isize),
        out: &mut [f32],
    ) {
        let masks: [_; VECTORS] = std::array::from_fn(|v| {
            let start = (column + v * S::F32_LANES) as isize + offset;
            lanes_between(simd, -start, planes.width as isize - start)
        });
        assert!((self.images - 1) * planes.image_step + c.height * planes.row_step <= planes.values.len());
        assert!(c.row_phases() * self.rows_in_phase * self.line + S::F32_LANES <= out.len() + 1);
        let source = planes.values.as_ptr().wrapping_add(column).wrapping_offset(offset);
        for phase in 0..c.row_phases() {
            for index in 0..self.rows_in_phase {
                let row = ((self.first_row + index) * c.stride + phase).wrapping_add_signed(-c.top);
                let at = (phase * self.rows_in_phase + index) * self.line + column;
                for image in 0..self.images {
                    let from = source
                        .wrapping_add((image * planes.image_step).wrapping_add(row.wrapping_mul(planes.row_step)));
                    let to = out.as_mut_ptr().wrapping_add(at + image * c.columns);
                    for (v, mask) in masks.iter().enumerate() {
                        let (from, to) = (from.wrapping_add(v * S::F32_LANES), to.wrapping_add(v * S::F32_LANES));
                        // SAFETY: a row below the height is in its plane, and the mask leaves only its own values; the
                        // second assert says that there is room for a vector at the last pixel.
                        unsafe {
                            let zeros = simd.splat_f32s(0.0);
                            store(simd, to, if row < c.height { simd.mask_load_ptr_f32s(*mask, from) } else { zeros });
                        }
                    }
                }
            }
        }
    }
}

/// Selects the lanes from `from` and before `to`; either may be outside a vector.
#[inline(always)]
fn lanes_between<S: Simd>(simd: S, from: isize, to: isize) -> MemMask<S::m32s> {
    const LANES: [f32; LINE] = {
        let mut lanes = [0.0; LINE];
        let mut i = 0;
        while i < LINE {
            lanes[i] = i as f32;
            i += 1;
        }
        lanes
    };
    // SAFETY: a vector has at most LINE lanes.
    let lanes = unsafe { load(simd, LANES.as_ptr()) };
    let bound = |at: isize| simd.splat_f32s(at.clamp(0, LINE as isize) as f32);
    let from = simd.greater_than_or_equal_f32s(lanes, bound(from));
    MemMask::new(simd.and_m32s(from, simd.less_than_f32s(lanes, bound(to))))
}
