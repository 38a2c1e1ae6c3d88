//! Images with their channels innermost, padded: the inputs under a kernel row are then one run of memory.

use super::Conv;

/// `[row][column][pitch]` for one image, of which the kernel sees every value or only some where it strides.
#[derive(Clone, Copy)]
pub struct PixelMajor {
    /// From one pixel to the next: its channels, and where these are very many a line more, against shared cache sets.
    pub pitch: usize,
    /// From one row to the next.
    pub row: usize,
    pub image: usize,
}

impl PixelMajor {
    pub fn new(conv: &Conv) -> Self {
        let pitch = if conv.inputs.is_multiple_of(512) { conv.inputs + 16 } else { conv.inputs };
        let row = pitch * (conv.width + 2 * conv.padding);
        Self { pitch, row, image: row * (conv.height + 2 * conv.padding) }
    }

    /// Fills in an image `[inputs, height, width]`; the padding, which is never written, stays zero.
    #[inline(always)]
    pub fn fill(&self, conv: &Conv, source: &[f32], out: &mut [f32]) {
        let plane = conv.height * conv.width;
        for row in 0..conv.height {
            let out = &mut out[(row + conv.padding) * self.row + conv.padding * self.pitch..];
            transpose(&source[row * conv.width..], (conv.inputs, plane), (conv.width, self.pitch), out);
        }
    }
}

/// `out[column · pitch + channel] = source[channel · plane + column]`, in squares of 8 so that both sides stay near.
#[inline(always)]
fn transpose(source: &[f32], (channels, plane): (usize, usize), (width, pitch): (usize, usize), out: &mut [f32]) {
    for channel in (0..channels).step_by(8) {
        for column in (0..width).step_by(8) {
            if channel + 8 <= channels && column + 8 <= width {
                square::<8>(&source[channel * plane + column..], plane, pitch, &mut out[column * pitch + channel..]);
            } else {
                for channel in channel..channels.min(channel + 8) {
                    for column in column..width.min(column + 8) {
                        out[column * pitch + channel] = source[channel * plane + column];
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn square<const SIDE: usize>(source: &[f32], plane: usize, pitch: usize, out: &mut [f32]) {
    let mut held = [[0.0; SIDE]; SIDE];
    for (channel, held) in held.iter_mut().enumerate() {
        held.copy_from_slice(&source[channel * plane..channel * plane + SIDE]);
    }
    for column in 0..SIDE {
        let row: [f32; SIDE] = std::array::from_fn(|channel| held[channel][column]);
        out[column * pitch..column * pitch + SIDE].copy_from_slice(&row);
    }
}
