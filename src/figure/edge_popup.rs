use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::over_weights::{OverWeights, write_accuracy};
use super::points::mask_learners;
use super::{Drawing, Figure, Scale, axis};
use crate::record::Study;
use crate::registry::Plugin;

/// Test accuracy of random-weight subnetworks over the share of weights they keep.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EdgePopup {}

impl Plugin for EdgePopup {
    const NAME: &'static str = "edge-popup";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Test accuracy of random-weight subnetworks over the % of weights kept";
    const SOURCE: &'static str = "Ramanujan et al. 2020, figure 3";
}

impl Figure for EdgePopup {
    fn draw(&self, study: &Study) -> Option<Drawing> {
        let figure = OverWeights {
            name: Self::NAME,
            title: "Random-weight subnetworks over weights kept",
            shows: "Test accuracy at early stop of subnetworks whose weights never moved, over the share of weights kept.",
            value: |scores| scores.test_accuracy * 100.0,
            of: |_| true,
            value_name: "Test accuracy at early stop",
            write: write_accuracy,
            x_scale: Scale::Linear,
            y_axis: |values| axis::accuracy("test accuracy (%)", values),
        };
        figure.draw(study, &mask_learners(study))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Shape;
    use crate::figure::fixture::study;

    #[test]
    fn only_pipelines_that_learn_a_mask_have_points() {
        let drawing = EdgePopup {}.draw(&study()).unwrap();
        let labels: Vec<_> = drawing.panels[0].series.iter().map(|series| series.label.as_str()).collect();
        assert_eq!(labels, ["dense", "edge-popup"]);
        let Shape::Points(points) = &drawing.panels[0].series[1].shape else { panic!("points") };
        assert_eq!(points.iter().map(|point| point.x).collect::<Vec<_>>(), [75.0, 50.0, 25.0]);
        assert_eq!(drawing.x.range, (0.0, 100.0));
    }
}
