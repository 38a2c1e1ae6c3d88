//! Optimizers: how weights, or scores, move along their gradient. Slices in, slices changed; burn does not appear.

/// An optimizer's configuration.
pub trait Optimizer: Send + Sync {
    /// The learning rate that a schedule scales.
    fn learning_rate(&self) -> f64;

    /// Fresh state for tensors of these lengths.
    fn start(&self, lengths: &[usize]) -> Box<dyn Stepper>;
}

/// An optimizer with the state of one training.
pub trait Stepper: Send {
    /// Moves tensor number `tensor` by one step. Each tensor is stepped exactly once an iteration.
    fn step(&mut self, tensor: usize, learning_rate: f64, values: &mut [f32], gradient: &[f32], kept: Kept<'_>);
}

/// Which values of a tensor may move. A value that may not is exactly 0 after every step, whatever its gradient (NaN
/// and infinity too), momentum or decay, and so is its state.
#[derive(Clone, Copy, Debug)]
pub enum Kept<'a> {
    All,
    /// All ones where kept, 0 elsewhere (`Mask::select`): `f32::from_bits(x.to_bits() & select)`.
    Some(&'a [u32]),
}
