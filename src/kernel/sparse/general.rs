//! Any convolution on zero-padded planes: each tap is one constant offset, of any alignment.

use pulp::{Simd, WithSimd};

use super::conv::{Part, Tap};
use super::correlate::{GridTotals, Grids, Products, Totals};
use super::pattern::Pattern;
use super::planes::Planes;
use crate::kernel::buffer::Buffer;
use crate::kernel::conv::Conv;
use crate::kernel::lanes;
use crate::kernel::simd;

pub struct General {
    planes: Planes,
    /// For each output, its taps on the input planes.
    into_outputs: Pattern,
    /// For each phase of each input, its taps on the gradient planes.
    into_inputs: Pattern,
}

impl General {
    pub fn new(shape: Conv, taps: &[Tap]) -> Self {
        let planes = Planes::new(shape);
        let forward = taps.iter().map(|tap| (tap.output, planes.input_source(tap.input, tap.at)));
        let back = taps.iter().map(|tap| (planes.phase(tap.input, tap.at), planes.gradient_tap(tap.output, tap.at)));
        let into_outputs = Pattern::new(shape.outputs, forward);
        let into_inputs = Pattern::new(shape.inputs * planes.phases(), back);
        Self { planes, into_outputs, into_inputs }
    }

    pub fn forward(&self, x: &[f32], values: &[f32], bias: Option<&[f32]>, relu: bool, y: &mut [f32]) {
        let (image, output) = (self.planes.shape.image(), self.planes.shape.output());
        let mut planes = self.planes.input_planes();
        let mut grids = Buffer::new(self.planes.shape.outputs * self.planes.output_grid());
        for (x, y) in x.chunks_exact(image).zip(y.chunks_exact_mut(output)) {
            simd::run(EnterImage(&self.planes, x, &mut planes));
            let (pattern, grid) = (&self.into_outputs, self.planes.output_grid());
            simd::run(Grids { pattern, values, bias, relu, planes: &planes, grid, grids: &mut grids });
            simd::run(LeaveOutput(&self.planes, &grids, y));
        }
    }

    pub fn backward(&self, values: &[f32], part: &mut Part<'_>) {
        let (image, output) = (self.planes.shape.image(), self.planes.shape.output());
        let (outputs, grid) = (self.planes.shape.outputs, self.planes.output_grid());
        let gradient = &|output| self.planes.gradient_source(output);
        let mut gradients = self.planes.gradient_planes();
        let mut planes = part.dvalues.is_some().then(|| self.planes.input_planes());
        let mut sums = vec![0.0; if planes.is_some() { self.into_outputs.kept() * lanes::MOST } else { 0 }];
        let input_grid = self.planes.input_grid();
        let mut grids = Buffer::new(if part.dx.is_some() { self.into_inputs.rows() * input_grid } else { 0 });
        for (i, dy) in part.dy.chunks_exact(output).enumerate() {
            let gate = part.y.map(|y| &y[i * output..][..output]);
            simd::run(EnterGradient(&self.planes, dy, gate, &mut gradients));
            let gradients = &*gradients;
            if let Some(totals) = &mut part.dbias {
                debug_assert_eq!(totals.len(), outputs);
                simd::run(GridTotals { gradient, gradients, grid, totals });
            }
            if let Some(planes) = &mut planes {
                simd::run(EnterImage(&self.planes, &part.x[i * image..][..image], planes));
                let outputs = &self.into_outputs;
                simd::run(Products { outputs, gradient, planes, gradients, grid, sums: &mut sums });
            }
            if let Some(dx) = &mut part.dx {
                let (pattern, planes, bias, relu) = (&self.into_inputs, gradients, None, false);
                simd::run(Grids { pattern, values, bias, relu, planes, grid: input_grid, grids: &mut grids });
                simd::run(LeaveImage(&self.planes, &grids, &mut dx[i * image..][..image]));
            }
        }
        if let Some(totals) = &mut part.dvalues {
            simd::run(Totals { sums: &sums, totals });
        }
    }
}

struct EnterImage<'a>(&'a Planes, &'a [f32], &'a mut [f32]);

impl WithSimd for EnterImage<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.0.enter_image(self.1, self.2);
    }
}

struct LeaveImage<'a>(&'a Planes, &'a [f32], &'a mut [f32]);

impl WithSimd for LeaveImage<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.0.leave_image(self.1, self.2);
    }
}

struct EnterGradient<'a>(&'a Planes, &'a [f32], Option<&'a [f32]>, &'a mut [f32]);

impl WithSimd for EnterGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.0.enter_gradient(self.1, self.2, self.3);
    }
}

struct LeaveOutput<'a>(&'a Planes, &'a [f32], &'a mut [f32]);

impl WithSimd for LeaveOutput<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.0.leave_output(self.1, self.2);
    }
}
