use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::over_weights::{OverWeights, write_accuracy};
use super::points::ladders_and_controls;
use super::{Drawing, Figure, Scale, axis};
use crate::record::Study;
use crate::registry::Plugin;

/// Training accuracy of final weights over weights remaining, with the labels that were trained on: what is left of what a
/// network memorised. Of studies only that predict something of it: elsewhere it is 100% or nearly so.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Training {}

impl Plugin for Training {
    const NAME: &'static str = "training";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str =
        "Training accuracy over weights remaining, where a prediction is about `final_train_accuracy`";
    const SOURCE: &'static str = "Zhang et al. 2017, table 1";
}

/// As predictions call it.
const METRIC: &str = "final_train_accuracy";

impl Figure for Training {
    fn draw(&self, study: &Study) -> Option<Drawing> {
        if !study.header.predictions.iter().any(|prediction| prediction.expect.contains(METRIC)) {
            return None;
        }
        let figure = OverWeights {
            name: Self::NAME,
            title: "Training accuracy over weights remaining",
            shows: "Accuracy of final weights on training examples, with the labels that were trained on, over weights \
                    remaining (logarithmic, falling).",
            value: |scores| scores.final_train_accuracy * 100.0,
            of: |_| true,
            value_name: "Training accuracy of final weights",
            write: write_accuracy,
            x_scale: Scale::LogFalling,
            y_axis: |values| axis::accuracy("training accuracy (%)", values),
        };
        figure.draw(study, &ladders_and_controls(study))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::fixture::{row, scored, study};
    use crate::figure::{Point, Shape};
    use crate::record::PredictionFacts;

    #[test]
    fn it_is_drawn_of_studies_that_predict_training_accuracy() {
        let mut study = study();
        assert_eq!(Training {}.draw(&study), None);
        let expect = "imp.final_train_accuracy >= 0.9".into();
        study.header.predictions = vec![PredictionFacts { claim: String::new(), expect }];
        study.rows = vec![scored(row("imp", 0, 0, 1024), 0.5, 100), scored(row("imp", 0, 1, 512), 0.5, 100)];
        study.rows[1].record.as_mut().unwrap().scores.as_mut().unwrap().final_train_accuracy = 0.25;
        let drawing = Training {}.draw(&study).unwrap();
        let Some(Shape::Points(points)) = drawing.panels[0].series.last().map(|series| &series.shape) else {
            panic!("points")
        };
        assert_eq!(points[1], Point { x: 50.0, y: 25.0, low: 25.0, high: 25.0 });
    }
}
