//! From a file's bytes to an image of the declared shape.

#[cfg(test)]
mod tests;

use std::io::Cursor;

use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageReader, RgbImage, RgbaImage};

/// More pixels than a resized image needs: of one that is much longer than wide.
const PIXELS: u64 = 1 << 26;

/// The libraries that make bytes of an image, in the versions of Cargo.lock: others may make others.
pub const DECODERS: &str = "image 0.25.10, png 0.18.1, zune-jpeg 0.5.15";

/// What becomes of each image.
#[derive(Clone, Copy, Debug)]
pub struct Decoding {
    /// Channels (1 or 3), height, width.
    pub shape: [usize; 3],
    /// What the shorter side becomes, before the centre is cut out: no less than height and width.
    pub resize: usize,
}

impl Decoding {
    /// Bytes of an image, channels first. What it is, PNG or JPEG, its content says. Transparency is laid over black; 16
    /// bits become 8; where and how a camera was held is not looked at.
    ///
    /// Errors where it is no such image, or ends within its data.
    pub fn decode(&self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|e| e.to_string())?;
        let colours = over_black(reader.decode().map_err(|e| e.to_string())?);
        let (width, height) = self.resized(colours.width(), colours.height());
        if u64::from(width) * u64::from(height) > PIXELS {
            return Err(format!(
                "{}×{} pixels would be resized to {width}×{height}",
                colours.width(),
                colours.height()
            ));
        }
        let resized = match (width, height) == colours.dimensions() {
            true => colours,
            false => imageops::resize(&colours, width, height, FilterType::Triangle),
        };
        Ok(self.planes(&resized))
    }

    /// Width and height, the shorter of which is `resize`, the longer rounded down as torchvision does.
    fn resized(&self, width: u32, height: u32) -> (u32, u32) {
        let (short, long) = (width.min(height).max(1), width.max(height));
        let longer = self.resize as u64 * u64::from(long) / u64::from(short);
        let (resize, longer) = (self.resize as u32, u32::try_from(longer).unwrap_or(u32::MAX));
        if width <= height { (resize, longer) } else { (longer, resize) }
    }

    /// The centre, channel after channel.
    fn planes(&self, image: &RgbImage) -> Vec<u8> {
        let [channels, height, width] = self.shape;
        let [top, left] =
            [(image.height(), height), (image.width(), width)].map(|(of, part)| centred(of as usize, part));
        let mut planes = Vec::with_capacity(channels * height * width);
        let row = |y: usize| &image.as_raw()[((top + y) * image.width() as usize + left) * 3..][..width * 3];
        for channel in 0..channels {
            for pixel in (0..height).flat_map(|y| row(y).chunks_exact(3)) {
                planes.push(if channels == 1 { grey(pixel) } else { pixel[channel] });
            }
        }
        planes
    }
}

/// Where a part begins that lies in the middle: of two middles the even one, as torchvision rounds.
fn centred(whole: usize, part: usize) -> usize {
    let twice = whole - part;
    match twice % 4 {
        3 => twice / 2 + 1,
        _ => twice / 2,
    }
}

/// ITU-R 601-2 luma in whole numbers, as PIL makes grey.
fn grey(pixel: &[u8]) -> u8 {
    let [red, green, blue] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
    ((red * 19595 + green * 38470 + blue * 7471 + (1 << 15)) >> 16) as u8
}

fn over_black(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let image: RgbaImage = image.into_rgba8();
    let (width, height) = image.dimensions();
    let over = |pixel: &[u8]| {
        let alpha = u32::from(pixel[3]);
        [pixel[0], pixel[1], pixel[2]].map(|value| ((u32::from(value) * alpha + 127) / 255) as u8)
    };
    let colours: Vec<u8> = image.as_raw().chunks_exact(4).flat_map(over).collect();
    RgbImage::from_raw(width, height, colours).unwrap_or_default()
}
