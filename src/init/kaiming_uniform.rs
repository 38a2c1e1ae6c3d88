use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Fans, Init};
use crate::range;
use crate::registry::Plugin;
use crate::seed::Stream;

/// Uniform within ±gain·√3 ÷ √fan_in, where gain = √(2 ÷ (1 + a²)).
///
/// The default is what PyTorch gives `nn.Linear` and `nn.Conv2d`: ±1 ÷ √fan_in. `a = 0` is He et al.'s.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KaimingUniform {
    /// The negative slope of the rectifier that the gain is for: 0 for ReLU. √5, the default, makes the gain 1 ÷ √3.
    #[serde(default = "root_5", deserialize_with = "range::not_negative")]
    #[schemars(range(min = 0))]
    a: f64,
}

fn root_5() -> f64 {
    5f64.sqrt()
}

impl Default for KaimingUniform {
    fn default() -> Self {
        KaimingUniform { a: root_5() }
    }
}

impl Plugin for KaimingUniform {
    const NAME: &'static str = "kaiming-uniform";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Uniform within ±√(6 ÷ ((1 + a²) × fan_in))";
    const SOURCE: &'static str = "He et al. 2015; PyTorch's kaiming_uniform_(a=√5)";
}

impl Init for KaimingUniform {
    fn values(&self, fans: Fans, stream: &mut Stream) -> Vec<f32> {
        let gain = (2.0 / (1.0 + self.a * self.a)).sqrt();
        let bound = gain * (3.0 / fans.fan_in as f64).sqrt();
        (0..fans.len).map(|_| ((2.0 * stream.uniform() - 1.0) * bound) as f32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::tests::{assert_moments, drawn, read};

    fn fills(values: &[f32], bound: f32) -> bool {
        let most = values.iter().fold(0.0, |most: f32, w| most.max(w.abs()));
        most <= bound && most > 0.99 * bound
    }

    #[test]
    fn the_default_is_pytorchs_bound_of_one_over_root_fan_in() {
        let values = drawn(&read::<KaimingUniform>("{}").unwrap());
        // fan_in 300: 0.0577; the standard deviation is the bound ÷ √3.
        assert!(fills(&values, 1.0 / 300f32.sqrt()));
        assert_moments(&values, (1.0 / 900.0f64).sqrt());
    }

    #[test]
    fn slope_0_has_the_variance_of_kaiming_normal() {
        let values = drawn(&read::<KaimingUniform>(r#"{ "a": 0 }"#).unwrap());
        assert!(fills(&values, 0.02f32.sqrt()));
        assert_moments(&values, (2.0 / 300.0f64).sqrt());
    }
}
