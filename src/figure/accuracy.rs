use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::over_weights::{OverWeights, write_accuracy};
use super::points::ladders_and_controls;
use super::{Drawing, Figure, Scale, axis};
use crate::record::Study;
use crate::registry::Plugin;

/// Test accuracy at early stop over weights remaining: what the question of lottery tickets is answered by.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Accuracy {}

impl Plugin for Accuracy {
    const NAME: &'static str = "accuracy";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Test accuracy at early stop over weights remaining, for tickets and their controls";
    const SOURCE: &'static str = "Frankle & Carbin 2019, figures 3 and 4";
}

impl Figure for Accuracy {
    fn draw(&self, study: &Study) -> Option<Drawing> {
        let figure = OverWeights {
            name: Self::NAME,
            title: "Test accuracy over weights remaining",
            shows: "Test accuracy at early stop over weights remaining (logarithmic, falling).",
            value: |scores| scores.test_accuracy * 100.0,
            of: |_| true,
            value_name: "Test accuracy at early stop",
            write: write_accuracy,
            x_scale: Scale::LogFalling,
            y_axis: |values| axis::accuracy("test accuracy (%)", values),
        };
        figure.draw(study, &ladders_and_controls(study))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::fixture::{row, scored, study};
    use crate::figure::{Point, Shape};
    use crate::record::{Row, Status};

    fn accuracies(rows: Vec<Row>) -> Option<Drawing> {
        Accuracy {}.draw(&Study { rows, ..study() })
    }

    #[test]
    fn a_network_without_weights_is_in_the_table_and_not_on_the_logarithmic_axis() {
        let rows = vec![scored(row("imp", 0, 0, 1024), 0.75, 100), scored(row("imp", 0, 1, 0), 0.1, 100)];
        let drawing = accuracies(rows).unwrap();
        assert!(drawing.table.rows.iter().any(|row| row[1] == "0%"), "{:?}", drawing.table.rows);
        assert!(drawing.x.range.1 > 0.0);
    }

    #[test]
    fn a_point_is_the_mean_of_its_replicates_with_bars_from_least_to_greatest() {
        let drawing = accuracies(vec![
            scored(row("imp", 0, 0, 1024), 0.75, 100),
            scored(row("imp", 0, 1, 512), 0.5, 100),
            scored(row("imp", 1, 0, 1024), 0.75, 100),
            scored(row("imp", 1, 1, 512), 1.0, 100),
        ])
        .unwrap();
        let points = vec![
            Point { x: 100.0, y: 75.0, low: 75.0, high: 75.0 },
            Point { x: 50.0, y: 75.0, low: 50.0, high: 100.0 },
        ];
        assert_eq!(drawing.panels[0].series[0].shape, Shape::Points(points));
        assert_eq!(drawing.table.rows[1], ["imp", "50%", "2", "75.00%", "50.00%", "100.00%"]);
    }

    #[test]
    fn dense_is_a_horizontal_line_with_the_band_of_its_replicates() {
        let drawing = accuracies(vec![
            scored(row("dense", 0, 0, 1024), 0.5, 100),
            scored(row("dense", 1, 0, 1024), 0.75, 100),
            scored(row("reinitialise", 0, 1, 512), 0.5, 100),
        ])
        .unwrap();
        let band = Shape::Baseline { y: 62.5, low: 50.0, high: 75.0 };
        assert_eq!(drawing.panels[0].series[0].shape, band);
        assert!(drawing.caption.contains("Horizontal line: dense"), "{}", drawing.caption);
    }

    #[test]
    fn a_line_far_below_all_points_is_told_and_not_drawn() {
        let mut study = study();
        let zero = crate::record::PipelineFacts { name: "zero".into(), ..study.header.pipelines[0].clone() };
        study.header.pipelines.push(zero);
        study.rows.push(scored(row("zero", 0, 0, 1024), 0.1, 100));
        let drawing = Accuracy {}.draw(&study).unwrap();
        assert!(drawing.caption.contains("Far below, and in the table only: zero."), "{}", drawing.caption);
        assert!(drawing.y.range.0 > 80.0 && drawing.panels[0].series.iter().all(|series| series.label != "zero"));
        assert!(drawing.table.rows.iter().any(|row| row[0] == "zero"));
    }

    #[test]
    fn missing_tickets_are_in_the_caption_and_in_no_mean() {
        let drawing = accuracies(vec![
            scored(row("reinitialise", 0, 1, 512), 0.5, 100),
            Row { status: Status::Missing, ..row("reinitialise", 1, 1, 512) },
            Row { status: Status::Failed("no memory".into()), ..row("reinitialise", 0, 2, 256) },
        ])
        .unwrap();
        assert!(drawing.caption.ends_with("Left out: 2 tickets: 1 failed, 1 not run yet."), "{}", drawing.caption);
        assert_eq!(drawing.table.rows.len(), 1);
    }

    #[test]
    fn a_study_without_scores_has_no_figure() {
        assert_eq!(accuracies(vec![row("imp", 0, 0, 1024), row("imp", 0, 1, 512)]), None);
    }

    #[test]
    fn a_sweep_has_a_panel_a_variant_on_the_same_axes() {
        let mut rows = study().rows;
        let narrow = rows.iter().cloned().map(|row| Row { variant: "model.width=0.5".into(), ..row });
        let narrow: Vec<Row> = narrow.collect();
        rows.extend(narrow);
        let drawing = accuracies(rows).unwrap();
        assert_eq!(drawing.panels.len(), 2);
        assert_eq!(drawing.panels[1].title, "model.width=0.5");
        assert_eq!(drawing.panels[0].series, drawing.panels[1].series);
        assert_eq!(drawing.table.columns[0], "variant");
    }
}
