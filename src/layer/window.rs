//! Windows that slide over an image: how many fit, for convolutions and pools.

use burn::tensor::Tensor;

use super::Shape;
use crate::device;
use crate::kernel::ops::{Summarise, Summary};
use crate::kernel::pool::Pool;
use crate::refusal::Refusal;

/// The largest window that is anything but a mistake.
pub const LARGEST: usize = 100;

/// A square window that moves by `stride` over an image with `padding` zeros on every side.
#[derive(Clone, Copy)]
pub struct Window {
    /// What the spec calls its side: "kernel" or "window".
    pub name: &'static str,
    pub side: usize,
    pub stride: usize,
    pub padding: usize,
}

impl Window {
    /// A pool's window, which moves by its side unless told otherwise.
    pub fn pooling(side: usize, stride: Option<usize>) -> Window {
        Window { name: "window", side, stride: stride.unwrap_or(side), padding: 0 }
    }

    /// Height and width of what one value a window gives: windows that would stand out over the edge are left away.
    pub fn over(&self, height: usize, width: usize) -> Result<[usize; 2], Refusal> {
        let Window { name, side, stride, padding } = *self;
        if !(1..=LARGEST).contains(&side) {
            let refusal = Refusal::of(name, format!("{name} = {side} is no window's side"));
            return Err(refusal.help(format!("it must lie between 1 and {LARGEST}")));
        }
        if stride == 0 {
            return Err(Refusal::of("stride", "stride = 0 never gets anywhere").help("it must be at least 1"));
        }
        if padding >= side {
            let refusal = Refusal::of("padding", format!("padding = {padding} lets a window see zeros only"));
            return Err(refusal.help(format!("it must be less than {name} = {side}")));
        }
        let smallest = height.min(width) + 2 * padding;
        let largest = height.max(width) + 2 * padding;
        match side > smallest {
            true => {
                let message =
                    format!("a {name} of {side} does not fit into an image of {height}×{width} with padding {padding}");
                let help = format!("make it at most {smallest}, or shrink the image less before it");
                Err(Refusal::of(name, message).help(help))
            }
            false if stride > largest => {
                let refusal = Refusal::of("stride", format!("stride = {stride} leaves the image after one step"));
                Err(refusal.help(format!("make it at most {largest}")))
            }
            false => Ok([height, width].map(|length| (length + 2 * padding - side) / stride + 1)),
        }
    }
}

/// A value for each window of an image, by our kernel.
pub fn summarise(x: Tensor<4>, window: Window, summary: Summary) -> Tensor<4> {
    let [batch, channels, height, width] = x.dims();
    let pool = Pool { planes: batch * channels, height, width, window: window.side, stride: window.stride };
    let nothing = || device::nothing(&x.device());
    let (b, c) = (nothing(), nothing());
    device::apply(Summarise { pool, channels, summary }, x, b, c)
}

/// The side of a pool's window, unless told otherwise.
pub fn two() -> usize {
    2
}

/// Channels, height and width of an image, or what to do where features come instead. `layer` is "a conv layer".
pub fn image(layer: &str, input: Shape) -> Result<[usize; 3], Refusal> {
    match input {
        Shape::Image(dims) => Ok(dims),
        Shape::Flat(_) => Err(Refusal::new(format!("{layer} expects an image and gets {input}"))
            .help("put it before `flatten = {}`, or leave it out")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn over(side: usize, stride: usize, padding: usize, image: [usize; 2]) -> Result<[usize; 2], String> {
        Window { name: "window", side, stride, padding }.over(image[0], image[1]).map_err(|error| error.to_string())
    }

    #[test]
    fn windows_that_do_not_fit_whole_are_left_away() {
        assert_eq!(over(2, 2, 0, [7, 4]), Ok([3, 2]));
        assert_eq!(over(3, 1, 1, [32, 32]), Ok([32, 32]), "same");
        assert_eq!(over(3, 2, 1, [32, 7]), Ok([16, 4]));
        assert_eq!(over(1, 2, 0, [7, 1]), Ok([4, 1]));
        assert_eq!(over(3, 1, 0, [3, 3]), Ok([1, 1]));
    }

    #[test]
    fn windows_that_make_no_sense_are_refused_with_the_remedy() {
        assert!(over(2, 2, 0, [5, 1]).unwrap_err().contains("at most 1"));
        assert!(over(0, 1, 0, [5, 5]).unwrap_err().contains("between 1 and 100"));
        assert!(over(3, 1_000, 1, [5, 6]).unwrap_err().contains("at most 8"));
        assert!(over(usize::MAX, 1, usize::MAX / 2, [5, 5]).is_err());
        assert!(over(2, 0, 0, [5, 5]).unwrap_err().contains("at least 1"));
        assert!(over(3, 1, 3, [5, 5]).unwrap_err().contains("less than window = 3"));
    }
}
