//! Convolutions that keep the size of images whose rows fill vectors (or vectors whole rows), stride 1: the usual ones.
//!
//! Loads that lie across two cache lines cost double. So taps of one kernel column are summed without looking at the
//! column, all loads aligned, and only the sum is moved sideways: once for each kernel column instead of once for each
//! tap. Rows then need no padding, and results are written where they belong.

use pulp::{Simd, WithSimd};

use super::columns::{Grids, Products};
use super::conv::{Part, Tap};
use super::correlate::{GridTotals, Totals};
use super::pattern::Pattern;
use super::shift::Shift;
use crate::kernel::buffer::Buffer;
use crate::kernel::conv::Conv;
use crate::kernel::lanes::MOST;
use crate::kernel::simd;

pub struct Aligned {
    shape: Conv,
    /// For each output and kernel column, the taps on the padded planes of the image.
    into_outputs: Pattern,
    /// For each input and column of the kernel turned around, the taps on the padded planes of the gradient.
    into_inputs: Pattern,
    /// For each kernel column, how its sums move.
    shifts: Vec<Shift>,
}

impl Aligned {
    /// None where rows and vectors do not fit each other.
    pub fn new(shape: Conv, taps: &[Tap]) -> Option<Self> {
        let Conv { inputs, height, width, outputs, kernel, stride, padding, .. } = shape;
        if stride != 1 || kernel != 2 * padding + 1 {
            return None;
        }
        let shifts = (0..kernel).map(|column| Shift::new(height, width, column as isize - padding as isize));
        let shifts = shifts.collect::<Option<Vec<_>>>()?;
        let plane = (height + 2 * padding) * width;
        let forward = taps
            .iter()
            .map(|Tap { output, input, at: (row, column) }| (output * kernel + column, input * plane + row * width));
        let back = taps.iter().map(|Tap { output, input, at: (row, column) }| {
            (input * kernel + kernel - 1 - column, output * plane + (kernel - 1 - row) * width)
        });
        let into_outputs = Pattern::new(outputs * kernel, forward);
        let into_inputs = Pattern::new(inputs * kernel, back);
        Some(Self { shape, into_outputs, into_inputs, shifts })
    }

    pub fn forward(&self, x: &[f32], values: &[f32], bias: Option<&[f32]>, relu: bool, y: &mut [f32]) {
        let mut planes = self.planes(self.shape.inputs);
        let pattern = &self.into_outputs;
        let weighted = &pattern.weighted(values)[..];
        for (x, y) in x.chunks_exact(self.shape.image()).zip(y.chunks_exact_mut(self.shape.output())) {
            simd::run(Enter { shape: self.shape, from: x, gate: None, planes: &mut planes });
            let planes = &planes[..];
            simd::run(Grids { pattern, weighted, bias, relu, planes, shifts: &self.shifts, grid: self.grid(), to: y });
        }
    }

    pub fn backward(&self, values: &[f32], part: &mut Part<'_>) {
        let (image, output, grid) = (self.shape.image(), self.shape.output(), self.grid());
        let (plane, middle) = (self.plane(), self.shape.padding * self.shape.width);
        let gradient = &|output| output * plane + middle;
        let mut gradients = self.planes(self.shape.outputs);
        let mut planes = part.dvalues.is_some().then(|| self.planes(self.shape.inputs));
        let mut sums = Buffer::new(if planes.is_some() { self.into_outputs.kept() * MOST } else { 0 });
        sums.fill(0.0);
        let weighted = part.dx.as_ref().map(|_| self.into_inputs.weighted(values)).unwrap_or_default();
        for (i, dy) in part.dy.chunks_exact(output).enumerate() {
            let gate = part.y.map(|y| &y[i * output..][..output]);
            simd::run(Enter { shape: self.shape, from: dy, gate, planes: &mut gradients });
            let (gradients, shifts) = (&gradients[..], &self.shifts[..]);
            if let Some(totals) = &mut part.dbias {
                simd::run(GridTotals { gradient, gradients, grid, totals });
            }
            if let Some(planes) = &mut planes {
                let from = &part.x[i * image..][..image];
                simd::run(Enter { shape: self.shape, from, gate: None, planes });
                let pattern = &self.into_outputs;
                simd::run(Products { pattern, gradient, planes, gradients, shifts, grid, sums: &mut sums });
            }
            if let Some(dx) = &mut part.dx {
                let (pattern, weighted, to) = (&self.into_inputs, &weighted[..], &mut dx[i * image..][..image]);
                simd::run(Grids { pattern, weighted, bias: None, relu: false, planes: gradients, shifts, grid, to });
            }
        }
        if let Some(totals) = &mut part.dvalues {
            simd::run(Totals { sums: &sums, totals });
        }
    }

    fn grid(&self) -> usize {
        self.shape.height * self.shape.width
    }

    fn plane(&self) -> usize {
        (self.shape.height + 2 * self.shape.padding) * self.shape.width
    }

    fn planes(&self, channels: usize) -> Buffer {
        let mut planes = Buffer::new(channels * self.plane());
        planes.fill(0.0);
        planes
    }
}

/// Puts channels between rows of zeros; where a gate is ≤ 0, zero instead.
struct Enter<'a> {
    shape: Conv,
    from: &'a [f32],
    gate: Option<&'a [f32]>,
    planes: &'a mut [f32],
}

impl WithSimd for Enter<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Conv { height, width, padding, .. } = self.shape;
        let (grid, plane, middle) = (height * width, (height + 2 * padding) * width, padding * width);
        for (i, from) in self.from.chunks_exact(grid).enumerate() {
            let to = &mut self.planes[i * plane + middle..][..grid];
            let Some(gate) = self.gate else {
                to.copy_from_slice(from);
                continue;
            };
            let gate = &gate[i * grid..][..grid];
            for ((to, from), gate) in to.iter_mut().zip(from).zip(gate) {
                *to = if *gate <= 0.0 { 0.0 } else { *from };
            }
        }
    }
}
