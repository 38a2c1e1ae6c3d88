//! Learning-rate schedules.

/// Where a training stands. Iterations are counted from the start of the schedule, which a training that was rewound
/// to k joins at k.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// The iteration about to run, from 0.
    pub iteration: u64,
    /// Total length in iterations.
    pub total: u64,
    /// Iterations in an epoch.
    pub per_epoch: u64,
}

/// Scales the optimizer's learning rate over a training.
pub trait Schedule: Send + Sync {
    /// The factor for one iteration, usually within 0 to 1.
    fn factor(&self, clock: Clock) -> f64;
}
