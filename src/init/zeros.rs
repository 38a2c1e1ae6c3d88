use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Fans, Init};
use crate::registry::Plugin;
use crate::seed::Stream;

/// All weights 0: the control whose hidden units can never come to differ.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Zeros {}

impl Plugin for Zeros {
    const NAME: &'static str = "zeros";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "All weights 0: a control that is expected to fail";
}

impl Init for Zeros {
    fn values(&self, fans: Fans, _: &mut Stream) -> Vec<f32> {
        vec![0.0; fans.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::tests::drawn;

    #[test]
    fn every_weight_is_positive_zero() {
        assert!(drawn(&Zeros {}).iter().all(|w| w.to_bits() == 0));
    }
}
