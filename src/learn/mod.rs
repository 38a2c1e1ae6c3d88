//! What a training learns: the weights, or the mask.
pub trait Learn: Send + Sync {}
