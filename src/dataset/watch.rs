//! What reading a data set tells of itself while it goes on.

/// Is told how far a long reading is, and what its author should know.
pub trait Watch: Sync {
    /// `done` of `total` are done, of what is done to them: "decoding images".
    fn progress(&self, doing: &str, done: u64, total: u64);

    /// What stops nothing, and should be known.
    fn warn(&self, text: &str);

    /// Whether to end here, with `Failure::Interrupted`: what takes long asks now and then.
    fn is_stopped(&self) -> bool {
        false
    }
}

/// Hears nothing.
pub struct Deaf;

impl Watch for Deaf {
    fn progress(&self, _: &str, _: u64, _: u64) {}

    fn warn(&self, _: &str) {}
}
