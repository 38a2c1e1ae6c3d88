//! Initialisers: where a network starts. Biases start at 0 whatever the initialiser.

use crate::seed::Stream;

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
