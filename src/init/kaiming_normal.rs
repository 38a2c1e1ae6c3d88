use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Fans, Init, kaiming, normal};
use crate::range;
use crate::registry::Plugin;
use crate::seed::Stream;
use crate::units::Rate;

/// Normal with standard deviation √2 ÷ √fan_in.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KaimingNormal {
    /// The fraction k of weights that a random subnetwork will keep: fan_in counts as fan_in × k, so that the
    /// subnetwork, not the whole network, has the right variance ("scaled" in Ramanujan et al. 2020, section 3).
    #[serde(default, deserialize_with = "range::rate_above_zero")]
    scale_fan: Option<Rate>,
}

impl Plugin for KaimingNormal {
    const NAME: &'static str = "kaiming-normal";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Normal, variance 2 ÷ fan_in";
    const SOURCE: &'static str = "He et al. 2015, equation 10; scaled: Ramanujan et al. 2020, section 3";
    const EXAMPLE: &'static str = "scale_fan = 0.5";
}

impl Init for KaimingNormal {
    fn values(&self, fans: Fans, stream: &mut Stream) -> Vec<f32> {
        normal(fans.len, kaiming(fans.fan_in, self.scale_fan), stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::tests::{assert_moments, drawn, read};

    #[test]
    fn the_variance_is_2_over_fan_in() {
        // fan_in 300: √(2 ÷ 300) = 0.0816.
        assert_moments(&drawn(&KaimingNormal::default()), (2.0 / 300.0f64).sqrt());
    }

    #[test]
    fn a_scaled_network_is_wider_by_one_over_root_k() {
        let scaled: KaimingNormal = read(r#"{ "scale_fan": 0.25 }"#).unwrap();
        let plain = drawn(&KaimingNormal::default());
        // √0.25 = ½, and doubling is exact.
        assert_eq!(drawn(&scaled), plain.iter().map(|w| w * 2.0).collect::<Vec<f32>>());
        assert!(read::<KaimingNormal>(r#"{ "scale_fan": 0 }"#).is_err());
    }
}
