use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Fans, Init, kaiming};
use crate::range;
use crate::registry::Plugin;
use crate::seed::Stream;
use crate::units::Rate;

/// +√2 ÷ √fan_in or −√2 ÷ √fan_in, with even chances.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignedKaimingConstant {
    /// The fraction k of weights that a random subnetwork will keep: fan_in counts as fan_in × k, so that the
    /// subnetwork, not the whole network, has the right variance ("scaled" in Ramanujan et al. 2020, section 3).
    #[serde(default, deserialize_with = "range::rate_above_zero")]
    scale_fan: Option<Rate>,
}

impl Plugin for SignedKaimingConstant {
    const NAME: &'static str = "signed-kaiming-constant";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "±√(2 ÷ fan_in) with a random sign";
    const SOURCE: &'static str = "Ramanujan et al. 2020, section 3; Zhou et al. 2019, section 5";
    const EXAMPLE: &'static str = "scale_fan = 0.5";
}

impl Init for SignedKaimingConstant {
    fn values(&self, fans: Fans, stream: &mut Stream) -> Vec<f32> {
        let constant = kaiming(fans.fan_in, self.scale_fan) as f32;
        (0..fans.len).map(|_| if stream.uniform() < 0.5 { -constant } else { constant }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::tests::{drawn, read};

    #[test]
    fn every_weight_has_the_same_size_and_half_are_negative() {
        let values = drawn(&SignedKaimingConstant::default());
        let constant = (2.0 / 300.0f64).sqrt() as f32;
        assert!(values.iter().all(|w| w.abs() == constant));
        let negative = values.iter().filter(|w| **w < 0.0).count();
        // 15,000 expected, standard deviation 87.
        assert!((14_650..15_350).contains(&negative), "{negative}");
    }

    #[test]
    fn a_scaled_network_is_wider_by_one_over_root_k() {
        let scaled = drawn(&read::<SignedKaimingConstant>(r#"{ "scale_fan": 0.25 }"#).unwrap());
        let plain = drawn(&SignedKaimingConstant::default());
        assert_eq!(scaled, plain.iter().map(|w| w * 2.0).collect::<Vec<f32>>());
    }
}
