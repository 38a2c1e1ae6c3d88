//! Where the kernel strides, the columns of an image sorted by phase (column modulo stride): then its neighbours lie
//! side by side.

use super::correlation::Correlation;
use super::unrolled::Planes;

/// Room for one input of a group of images: `[phase][image][row][column]`. Empty for a stride of 1.
pub struct ColumnPhases(Vec<f32>);

impl ColumnPhases {
    pub fn new(c: &Correlation, images: usize) -> Self {
        Self(if c.stride == 1 { Vec::new() } else { vec![0.0; c.stride * images * c.height * width(c)] })
    }

    /// Sorts the columns of the given planes.
    #[inline(always)]
    pub fn split(&mut self, c: &Correlation, planes: Planes<'_>, images: usize) {
        if c.stride == 1 {
            return;
        }
        let len = images * c.height * width(c);
        for (phase, out) in self.0.chunks_exact_mut(len).enumerate().filter(|(phase, _)| is_used(c, *phase)) {
            for (image, out) in out.chunks_exact_mut(c.height * width(c)).enumerate() {
                for (row, out) in out.chunks_exact_mut(width(c)).enumerate() {
                    let start = image * planes.image_step + row * planes.row_step;
                    every(c.stride, phase, &planes.values[start..start + c.width], out);
                }
            }
        }
    }

    /// The planes to read for a kernel column, whose first value is `shift` columns away from the grid's.
    #[inline(always)]
    pub fn planes<'a>(&'a self, c: &Correlation, planes: Planes<'a>, images: usize, shift: isize) -> Planes<'a> {
        if c.stride == 1 {
            return planes;
        }
        let phase = shift.rem_euclid(c.stride as isize) as usize;
        let values = &self.0[phase * images * c.height * width(c)..];
        let in_phase = c.width.saturating_sub(phase).div_ceil(c.stride);
        Planes { values, image_step: c.height * width(c), row_step: width(c), width: in_phase }
    }
}

/// Columns in the longest phase.
#[inline(always)]
fn width(c: &Correlation) -> usize {
    c.width.div_ceil(c.stride)
}

#[inline(always)]
fn is_used(c: &Correlation, phase: usize) -> bool {
    (0..c.kernel_columns).any(|column| (column as isize - c.left).rem_euclid(c.stride as isize) == phase as isize)
}

/// `out[i] = source[i · stride + phase]`, as far as there is one.
#[inline(always)]
fn every(stride: usize, phase: usize, source: &[f32], out: &mut [f32]) {
    match (stride, phase) {
        (2, 0) => every_second::<0>(source, out),
        (2, 1) => every_second::<1>(source, out),
        _ => pick(source.get(phase..).unwrap_or(&[]), stride, out),
    }
}

/// Eight at a time, which the compiler makes a shuffle.
#[inline(always)]
fn every_second<const PHASE: usize>(source: &[f32], out: &mut [f32]) {
    let (sources, rest) = source.as_chunks::<16>();
    for (source, out) in sources.iter().zip(out.as_chunks_mut::<8>().0) {
        *out = std::array::from_fn(|i| source[2 * i + PHASE]);
    }
    pick(rest.get(PHASE..).unwrap_or(&[]), 2, &mut out[8 * sources.len()..]);
}

#[inline(always)]
fn pick(source: &[f32], stride: usize, out: &mut [f32]) {
    out.iter_mut().zip(source.iter().step_by(stride)).for_each(|(to, from)| *to = *from);
}
