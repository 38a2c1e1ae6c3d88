//! The gradient of the weights: outputs × pixels × (kernel column, input), for each kernel row.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::Conv;
use super::pixel_major::PixelMajor;
use crate::kernel::buffer::{Buffer, LINE};
use crate::kernel::simd::{self, load, store};
use crate::kernel::tasks::each_chunk;
use crate::kernel::tile::accumulate_rows;

/// Parts of the batch that are summed on their own and then in order, so that threads change nothing, at most.
const PARTS: usize = 4;
/// Pixels that a part should have: fewer are not worth a second set of sums.
const PART: usize = 4096;
/// Pixels summed in registers at a time: so many that their values in `x` stay near, within bounds.
const VALUES: usize = 1 << 15;
const PIXELS: (usize, usize) = (128, 1024);

/// `dw[o, c, i, j] = Σ dy[o, r, q] · x[c, r · stride + i − padding, q · stride + j − padding]` over images and pixels.
pub fn weight_gradient(conv: &Conv, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    assert_eq!(dw.len(), conv.weight_len());
    let plane = conv.output_height() * conv.output_width();
    let parts = (conv.batch * plane / PART).clamp(1, PARTS);
    let images = conv.batch.div_ceil(parts).max(1);
    let parts = conv.batch.div_ceil(images).max(1);
    // Where there are fewer parts than that, threads share the outputs, which changes no sum.
    let blocks = if rayon::current_num_threads() == 1 { 1 } else { PARTS / parts };
    let outputs = conv.outputs.div_ceil(blocks).next_multiple_of(8);
    let sums = Sums::new(conv, outputs * blocks);
    let mut partial = vec![0.0; parts * sums.len];
    let (x_len, dy_len) = (conv.inputs * conv.height * conv.width, conv.outputs * plane);
    each_chunk(
        &mut partial,
        outputs * sums.output,
        || (),
        |_, i, partial| {
            let (part, block) = (i / blocks, i % blocks);
            let images = part * images..conv.batch.min((part + 1) * images);
            let (x, dy) =
                (&x[images.start * x_len..images.end * x_len], &dy[images.start * dy_len..images.end * dy_len]);
            let outputs = (block * outputs).min(conv.outputs)..((block + 1) * outputs).min(conv.outputs);
            simd::run(Part { conv, sums, outputs, x, dy, partial });
        },
    );
    let per_output = conv.inputs * conv.kernel * conv.kernel;
    each_chunk(dw, per_output, || (), |_, output, dw| sums.gather(conv, output, &partial, dw));
}

/// `[output][kernel row][kernel column × pitch + input]`, each kernel row filled up to whole vectors.
#[derive(Clone, Copy)]
struct Sums {
    pitch: usize,
    kernel_row: usize,
    output: usize,
    len: usize,
}

impl Sums {
    fn new(conv: &Conv, outputs: usize) -> Self {
        let pitch = PixelMajor::new(conv).pitch;
        let kernel_row = (conv.kernel * pitch).next_multiple_of(LINE);
        let output = kernel_row * conv.kernel;
        Self { pitch, kernel_row, output, len: output * outputs }
    }

    /// Adds the parts up and puts one output's weights into their order `[inputs, kernel, kernel]`.
    fn gather(&self, conv: &Conv, output: usize, partial: &[f32], dw: &mut [f32]) {
        let area = conv.kernel * conv.kernel;
        for tap in 0..area {
            let (row, column) = (tap / conv.kernel, tap % conv.kernel);
            let at = output * self.output + row * self.kernel_row + column * self.pitch;
            let first = &partial[at..at + conv.inputs];
            dw[tap..].iter_mut().step_by(area).zip(first).for_each(|(dw, sum)| *dw = *sum);
            for part in partial.chunks_exact(self.len).skip(1) {
                let part = &part[at..at + conv.inputs];
                dw[tap..].iter_mut().step_by(area).zip(part).for_each(|(dw, sum)| *dw += *sum);
            }
        }
    }
}

/// The sums over some images.
struct Part<'a> {
    conv: &'a Conv,
    sums: Sums,
    outputs: Range<usize>,
    x: &'a [f32],
    dy: &'a [f32],
    /// Of these outputs.
    partial: &'a mut [f32],
}

impl WithSimd for Part<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Part { conv, sums, outputs, x, dy, partial } = self;
        let layout = PixelMajor::new(conv);
        let (x_len, plane) = (conv.inputs * conv.height * conv.width, conv.output_height() * conv.output_width());
        let pixels = (VALUES / conv.inputs.max(1)).clamp(PIXELS.0, PIXELS.1);
        let group = (pixels / plane).max(1);
        let band = (pixels / conv.output_width()).max(1);
        let mut pixel_major = Buffer::zeros(group * layout.image + LINE);
        for (x, dy) in x.chunks(group * x_len).zip(dy.chunks(group * conv.outputs * plane)) {
            for (x, out) in x.chunks_exact(x_len).zip(pixel_major.chunks_mut(layout.image)) {
                layout.fill(conv, x, out);
            }
            let images = x.len() / x_len;
            for first_row in (0..conv.output_height()).step_by(band) {
                let rows = band.min(conv.output_height() - first_row);
                let pixels = Pixels { images, rows, columns: conv.output_width() };
                let outputs = outputs.clone();
                let mut block = Block { conv, sums, outputs, layout, pixels, first_row, x: &pixel_major, dy, partial };
                block.add(simd);
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Pixels {
    images: usize,
    rows: usize,
    columns: usize,
}

/// A few rows of a few images, all outputs and all taps.
struct Block<'a> {
    conv: &'a Conv,
    sums: Sums,
    outputs: Range<usize>,
    layout: PixelMajor,
    pixels: Pixels,
    first_row: usize,
    x: &'a [f32],
    dy: &'a [f32],
    partial: &'a mut [f32],
}

impl Block<'_> {
    #[inline(always)]
    fn add<S: Simd>(&mut self, simd: S) {
        let vectors = (self.conv.kernel * self.layout.pitch).div_ceil(S::F32_LANES);
        for kernel_row in 0..self.conv.kernel {
            let mut vector = 0;
            while vector < vectors {
                let column = vector * S::F32_LANES;
                match vectors - vector {
                    1 => self.add_columns::<S, 1>(simd, kernel_row, column),
                    2 => self.add_columns::<S, 2>(simd, kernel_row, column),
                    _ => self.add_columns::<S, 3>(simd, kernel_row, column),
                }
                vector += 3;
            }
        }
    }

    #[inline(always)]
    fn add_columns<S: Simd, const VECTORS: usize>(&mut self, simd: S, kernel_row: usize, column: usize) {
        let mut output = self.outputs.start;
        while output < self.outputs.end {
            let left = self.outputs.end - output;
            output += if S::F32_LANES >= 16 && left >= 8 {
                self.add_tile::<S, 8, VECTORS>(simd, kernel_row, column, output)
            } else if left >= 4 {
                self.add_tile::<S, 4, VECTORS>(simd, kernel_row, column, output)
            } else {
                self.add_tile::<S, 1, VECTORS>(simd, kernel_row, column, output)
            };
        }
    }

    /// Adds to `ROWS` outputs, which it returns, at `VECTORS` vectors of (kernel column, input).
    #[inline(always)]
    fn add_tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        simd: S,
        kernel_row: usize,
        column: usize,
        output: usize,
    ) -> usize {
        let (conv, layout, pixels) = (self.conv, self.layout, self.pixels);
        let plane = conv.output_height() * conv.output_width();
        let mut held = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
        for image in 0..pixels.images {
            for row in self.first_row..self.first_row + pixels.rows {
                let a_start = (image * conv.outputs + output) * plane + row * pixels.columns;
                let b_start = image * layout.image + (row * conv.stride + kernel_row) * layout.row + column;
                let b_step = conv.stride * layout.pitch;
                let a = self.dy[a_start..a_start + (ROWS - 1) * plane + pixels.columns].as_ptr();
                let b_len = (pixels.columns - 1) * b_step + VECTORS * S::F32_LANES;
                let b = self.x[b_start..b_start + b_len].as_ptr();
                // SAFETY: the slices end where the last pixel's values do.
                unsafe { accumulate_rows(simd, pixels.columns, (a, plane, 1), (b, b_step), &mut held) };
            }
        }
        let start = (output - self.outputs.start) * self.sums.output + kernel_row * self.sums.kernel_row + column;
        let len = (ROWS - 1) * self.sums.output + VECTORS * S::F32_LANES;
        let sums = self.partial[start..start + len].as_mut_ptr();
        for (r, held) in held.iter().enumerate() {
            for (v, held) in held.iter().enumerate() {
                // SAFETY: the slice ends where the last row's last vector does.
                unsafe {
                    let at = sums.add(r * self.sums.output + v * S::F32_LANES);
                    store(simd, at, simd.add_f32s(load(simd, at), *held));
                }
            }
        }
        ROWS
    }
}
