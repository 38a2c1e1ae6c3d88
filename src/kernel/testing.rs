//! What the tests of kernels share.

use crate::seed::{Purpose, Seeds};

/// Standard normal values.
pub fn values(len: usize, seed: u64) -> Vec<f32> {
    let mut stream = Seeds { seed, replicate: None }.stream(Purpose::Init, "kernel tests");
    (0..len).map(|_| stream.normal() as f32).collect()
}

/// A sum in double precision, and the magnitudes summed.
#[derive(Clone, Copy, Default)]
pub struct Sum(f64, f64);

impl Sum {
    pub fn add(&mut self, term: f64) {
        *self = Sum(self.0 + term, self.1 + term.abs());
    }

    pub fn of(term: f32) -> Self {
        Sum(term.into(), term.abs().into())
    }

    pub fn relu(&mut self) {
        self.0 = self.0.max(0.0);
    }
}

/// Asserts that each value is its sum, but for what rounding may do to terms of the given size in all.
pub fn assert_near(found: &[f32], sums: &[Sum]) {
    assert_eq!(found.len(), sums.len());
    for (place, (found, Sum(sum, size))) in found.iter().zip(sums).enumerate() {
        let error = (f64::from(*found) - sum).abs();
        assert!(error <= 2e-6 * size + 1e-30, "at {place}: {found}, not {sum}");
    }
}

pub fn on_threads<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a few threads").install(work)
}
