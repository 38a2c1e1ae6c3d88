//! Initialisers: where the weights of a network start. Everything else starts the same whatever the initialiser.

pub mod glorot_normal;
pub mod kaiming_normal;
pub mod kaiming_uniform;
pub mod signed_kaiming_constant;
pub mod zeros;

use crate::seed::Stream;
use crate::units::Rate;

/// The tensor to fill.
#[derive(Clone, Copy, Debug)]
pub struct Fans {
    /// Number of values.
    pub len: usize,
    /// Inputs that feed one output: a linear layer's input features, or input channels × kernel area.
    pub fan_in: usize,
    /// Outputs that one input feeds.
    pub fan_out: usize,
}

/// Draws initial values for one weight tensor. Gains are those of ReLU networks, √2, as in the papers.
pub trait Init: Send + Sync {
    fn values(&self, fans: Fans, stream: &mut Stream) -> Vec<f32>;
}

/// √2 ÷ √(fan_in × k): the standard deviation that keeps a ReLU network's activations in scale when a fraction k of its
/// weights is kept; all of them where k is absent.
fn kaiming(fan_in: usize, k: Option<Rate>) -> f64 {
    (2.0 / (fan_in as f64 * k.map_or(1.0, f64::from))).sqrt()
}

/// Draws in f64, rounded once.
fn normal(len: usize, std: f64, stream: &mut Stream) -> Vec<f32> {
    (0..len).map(|_| (stream.normal() * std) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Purpose, Seeds};
    use serde::de::DeserializeOwned;

    /// LeNet's second layer: fan_in 300, fan_out 100.
    pub fn drawn(init: &dyn Init) -> Vec<f32> {
        let seeds = Seeds { seed: 1, replicate: Some(0) };
        init.values(Fans { len: 30_000, fan_in: 300, fan_out: 100 }, &mut seeds.stream(Purpose::Init, "fc2.weight"))
    }

    pub fn read<T: DeserializeOwned>(json: &str) -> Result<T, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// Mean 0 and this standard deviation, within four standard errors of a normal distribution.
    pub fn assert_moments(values: &[f32], std: f64) {
        let n = values.len() as f64;
        let mean = values.iter().map(|w| f64::from(*w)).sum::<f64>() / n;
        let found = (values.iter().map(|w| (f64::from(*w) - mean).powi(2)).sum::<f64>() / n).sqrt();
        assert!(mean.abs() < 4.0 * std / n.sqrt(), "mean {mean}");
        assert!((found / std - 1.0).abs() < 4.0 / (2.0 * n).sqrt(), "standard deviation {found}, not {std}");
    }
}
