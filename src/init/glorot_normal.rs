use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Fans, Init, normal};
use crate::registry::Plugin;
use crate::seed::Stream;

/// Normal with standard deviation √(2 ÷ (fan_in + fan_out)), "Gaussian Glorot".
///
/// Not truncated. TensorFlow's `glorot_normal` cuts at two standard deviations and widens what is left to the same
/// variance; PyTorch's `xavier_normal_`, and this, do not.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GlorotNormal {}

impl Plugin for GlorotNormal {
    const NAME: &'static str = "glorot-normal";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Normal, variance 2 ÷ (fan_in + fan_out)";
    const SOURCE: &'static str = "Glorot & Bengio 2010, equation 12; Frankle & Carbin 2019, section 2";
}

impl Init for GlorotNormal {
    fn values(&self, fans: Fans, stream: &mut Stream) -> Vec<f32> {
        normal(fans.len, (2.0 / (fans.fan_in + fans.fan_out) as f64).sqrt(), stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::tests::{assert_moments, drawn};

    #[test]
    fn the_variance_is_2_over_the_sum_of_fans() {
        // fan_in 300, fan_out 100: √(2 ÷ 400) = 0.0707.
        assert_moments(&drawn(&GlorotNormal {}), 0.005f64.sqrt());
    }

    #[test]
    fn draws_beyond_two_standard_deviations_are_kept() {
        let beyond = drawn(&GlorotNormal {}).iter().filter(|w| w.abs() > 2.0 * 0.005f32.sqrt()).count();
        // 4.55% of 30,000 draws: 1,365, standard deviation 36.
        assert!((1_220..1_510).contains(&beyond), "{beyond}");
    }
}
