use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Clock, Schedule};
use crate::registry::Plugin;

/// The optimizer's learning rate throughout.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Constant {}

impl Plugin for Constant {
    const NAME: &'static str = "constant";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "The same learning rate throughout";
}

impl Schedule for Constant {
    fn factor(&self, _: Clock) -> f64 {
        1.0
    }
}

#[cfg(test)]
mod tests {
    use crate::schedule::tests::factors;

    #[test]
    fn the_factor_is_always_1() {
        assert_eq!(factors("constant", "{}", 4), [1.0; 4]);
    }
}
