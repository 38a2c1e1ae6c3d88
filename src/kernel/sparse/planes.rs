//! Images laid out so that a kernel's tap is one constant offset, whatever the pixel.
//!
//! With stride s, an image padded with zeros is dealt out to s × s planes, the phases: output pixel (r, c) meets tap
//! (ky, kx) at row r + ky ÷ s and column c + kx ÷ s of phase (ky mod s, kx mod s). Outputs lie on a grid of the same
//! row length (the pitch), so that one vector can go over the ends of rows; what it computes past them is not used.
//! The zeros right of a row are also those left of the next.

use crate::kernel::buffer::Buffer;
use crate::kernel::conv::Conv;

/// Room after the last pixel for the widest vector.
const LANES: usize = 16;

#[derive(Clone, Debug)]
pub struct Planes {
    pub shape: Conv,
    pub output_height: usize,
    pub output_width: usize,
    /// Numbers from one row to the next, in all planes and grids.
    pub pitch: usize,
    /// Numbers from one phase of the input to the next.
    pub input_plane: usize,
    /// Numbers from one output channel's gradient to the next.
    pub gradient_plane: usize,
    /// Zeros before a gradient's first pixel.
    margin: usize,
}

impl Planes {
    pub fn new(shape: Conv) -> Self {
        let Conv { height, width, kernel, stride, padding, .. } = shape;
        let (output_height, output_width) = (shape.output_height(), shape.output_width());
        let pitch = (width + padding).div_ceil(stride).max(output_width);
        let reach = (kernel - 1) / stride * (pitch + 1);
        let rows = (height + 2 * padding).div_ceil(stride);
        let whole = |length: usize| length.next_multiple_of(LANES);
        let input_plane = whole(rows * pitch).max(whole(reach + whole(output_height * pitch)));
        let margin = whole(reach);
        let gradient_plane = margin + whole(rows.max(output_height) * pitch + LANES);
        Self { shape, output_height, output_width, pitch, input_plane, gradient_plane, margin }
    }

    pub fn phases(&self) -> usize {
        self.shape.stride * self.shape.stride
    }

    /// A grid of outputs, in whole vectors.
    pub fn output_grid(&self) -> usize {
        (self.output_height * self.pitch).next_multiple_of(LANES)
    }

    /// A grid of one phase's input gradients: the rows that have pixels.
    pub fn input_grid(&self) -> usize {
        let end = (self.shape.height + self.shape.padding).div_ceil(self.shape.stride);
        ((end - self.first_row()) * self.pitch).next_multiple_of(LANES)
    }

    fn first_row(&self) -> usize {
        self.shape.padding / self.shape.stride
    }

    /// The input plane of an input channel's phase that tap (ky, kx) meets.
    pub fn phase(&self, input: usize, (ky, kx): (usize, usize)) -> usize {
        let stride = self.shape.stride;
        (input * stride + ky % stride) * stride + kx % stride
    }

    fn offset(&self, (ky, kx): (usize, usize)) -> usize {
        ky / self.shape.stride * self.pitch + kx / self.shape.stride
    }

    /// Where in the input planes the grid of outputs begins, for one tap.
    pub fn input_source(&self, input: usize, tap: (usize, usize)) -> usize {
        self.phase(input, tap) * self.input_plane + self.offset(tap)
    }

    /// Where in the gradient planes the grid of outputs begins.
    pub fn gradient_source(&self, output: usize) -> usize {
        output * self.gradient_plane + self.margin
    }

    /// Where in the gradient planes the grid of input gradients begins, for one tap.
    pub fn gradient_tap(&self, output: usize, tap: (usize, usize)) -> usize {
        self.gradient_source(output) + self.first_row() * self.pitch - self.offset(tap)
    }

    /// Zeros for the planes of one image.
    pub fn input_planes(&self) -> Buffer {
        Buffer::zeros(self.shape.inputs * self.phases() * self.input_plane)
    }

    /// Zeros for the planes of one output's gradient.
    pub fn gradient_planes(&self) -> Buffer {
        Buffer::zeros(self.shape.outputs * self.gradient_plane)
    }

    /// Puts an image into planes that are zero wherever there is no pixel.
    #[inline(always)]
    pub fn enter_image(&self, image: &[f32], planes: &mut [f32]) {
        let Conv { height, width, stride, padding, .. } = self.shape;
        for (i, row) in image.chunks_exact(width).enumerate() {
            let (input, y) = (i / height, i % height + padding);
            for phase in 0..stride {
                let first = (padding + stride - 1 - phase) / stride * stride + phase;
                let plane = self.phase(input, (y, phase)) * self.input_plane;
                let to = &mut planes[plane + y / stride * self.pitch + first / stride..];
                if stride == 1 {
                    to[..width].copy_from_slice(row);
                } else {
                    let pixels = row.iter().skip(first - padding).step_by(stride);
                    to.iter_mut().zip(pixels).for_each(|(to, pixel)| *to = *pixel);
                }
            }
        }
    }

    /// Takes an image out of grids of all phases, `[inputs × phases][input_grid]`.
    #[inline(always)]
    pub fn leave_image(&self, grids: &[f32], image: &mut [f32]) {
        let Conv { height, width, stride, padding, .. } = self.shape;
        let grid = self.input_grid();
        for (i, row) in image.chunks_exact_mut(width).enumerate() {
            let (input, y) = (i / height, i % height + padding);
            for phase in 0..stride {
                let first = (padding + stride - 1 - phase) / stride * stride + phase;
                let plane = self.phase(input, (y, phase)) * grid;
                let from = &grids[plane + (y / stride - self.first_row()) * self.pitch + first / stride..];
                if stride == 1 {
                    row.copy_from_slice(&from[..width]);
                } else {
                    let pixels = row.iter_mut().skip(first - padding).step_by(stride);
                    pixels.zip(from).for_each(|(pixel, from)| *pixel = *from);
                }
            }
        }
    }

    /// Puts an output's gradient into planes that are zero wherever there is no pixel: 0 where the gate is ≤ 0.
    #[inline(always)]
    pub fn enter_gradient(&self, gradient: &[f32], gate: Option<&[f32]>, planes: &mut [f32]) {
        for (i, row) in gradient.chunks_exact(self.output_width).enumerate() {
            let at = self.gradient_source(i / self.output_height) + i % self.output_height * self.pitch;
            let to = &mut planes[at..at + self.output_width];
            match gate {
                None => to.copy_from_slice(row),
                Some(gate) => {
                    let gate = &gate[i * self.output_width..][..self.output_width];
                    for ((to, gradient), gate) in to.iter_mut().zip(row).zip(gate) {
                        *to = if *gate <= 0.0 { 0.0 } else { *gradient };
                    }
                }
            }
        }
    }

    /// Takes an output out of `[outputs][output_grid]`.
    #[inline(always)]
    pub fn leave_output(&self, grids: &[f32], output: &mut [f32]) {
        let grid = self.output_grid();
        for (i, row) in output.chunks_exact_mut(self.output_width).enumerate() {
            let at = i / self.output_height * grid + i % self.output_height * self.pitch;
            row.copy_from_slice(&grids[at..at + self.output_width]);
        }
    }
}
