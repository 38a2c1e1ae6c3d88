//! What the layers with weights have in common: how many outputs they have, and what they default to.

use crate::refusal::Refusal;

/// `count` × `width`, rounded half up, at least 1. `what` names the count, for the error.
pub fn scaled(what: &'static str, count: usize, width: f64) -> Result<usize, Refusal> {
    let outputs = (count as f64 * width + 0.5).floor();
    // Whichever of the two is out of bounds by itself.
    let blamed = if count > 0 && count as f64 <= 1e6 { "width" } else { what };
    match count > 0 && outputs.is_finite() && width > 0.0 && outputs <= 1e6 {
        true => Ok((outputs as usize).max(1)),
        false => Err(Refusal::of(blamed, format!("{what} × width = {count} × {width} is no layer's size"))
            .help("it must lie between 1 and 1,000,000")),
    }
}

/// The default width.
pub fn one() -> f64 {
    1.0
}

/// Layers have biases unless told otherwise.
pub fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_width_scales_a_count_and_a_layer_without_outputs_is_refused() {
        let outputs = |count, width| scaled("units", count, width);
        assert_eq!(outputs(5, 0.5), Ok(3), "half up");
        assert_eq!(outputs(300, 0.001), Ok(1));
        assert!([outputs(0, 1.0), outputs(5, 0.0), outputs(5, f64::NAN), outputs(9, 1e9)].iter().all(Result::is_err));
    }
}
