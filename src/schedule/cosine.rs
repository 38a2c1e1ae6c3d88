use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{By, Clock, Schedule};
use crate::registry::Plugin;

/// ½(1 + cos(π·t ÷ T)): from the whole learning rate at the start to 0 at the end, without restarts.
///
/// PyTorch's `CosineAnnealingLR` with `eta_min` 0. Ramanujan et al.'s code moves it once an epoch: `by = "epoch"`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cosine {
    /// Whether t and T count iterations, or whole epochs throughout which the rate stays the same.
    #[serde(default)]
    by: By,
}

impl Plugin for Cosine {
    const NAME: &'static str = "cosine";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Half a cosine, from the whole learning rate to 0";
    const SOURCE: &'static str = "Loshchilov & Hutter 2017, equation 5, without restarts";
    const EXAMPLE: &'static str = r#"by = "epoch""#;
}

impl Schedule for Cosine {
    /// The cosine is `libm`'s: the system's differs in the last bit.
    fn factor(&self, clock: Clock) -> f64 {
        let total = self.by.length(clock.total, clock).max(1);
        let done = self.by.position(clock) as f64 / total as f64;
        (1.0 + libm::cos(std::f64::consts::PI * done)) / 2.0
    }
}

#[cfg(test)]
mod tests {
    use crate::schedule::tests::{assert_near, factors};

    #[test]
    fn by_iteration_it_passes_a_half_in_the_middle() {
        // cos(π·t ÷ 6) for t = 0 … 5: 1, √3 ÷ 2, ½, 0, −½, −√3 ÷ 2.
        let found = factors("cosine", "{}", 6);
        assert_near(&found, &[1.0, 0.9330127, 0.75, 0.5, 0.25, 0.0669873]);
    }

    #[test]
    fn by_epoch_it_moves_once_an_epoch() {
        // Two iterations an epoch, three epochs, of which the last is cut short: cos(0), cos(π ÷ 3), cos(2π ÷ 3).
        let found = factors("cosine", r#"{ "by": "epoch" }"#, 5);
        assert_near(&found, &[1.0, 1.0, 0.75, 0.75, 0.25]);
    }
}
