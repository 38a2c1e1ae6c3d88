use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::over_weights::{OverWeights, write_iteration};
use super::points::ladders_and_controls;
use super::{Drawing, Figure, Scale, axis};
use crate::record::{EarlyStop as Rule, Row, Study};
use crate::registry::Plugin;

/// The iteration of early stop over weights remaining: how fast a ticket learns.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EarlyStop {}

impl Plugin for EarlyStop {
    const NAME: &'static str = "early-stop";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Early-stop iteration over weights remaining, for tickets and their controls";
    const SOURCE: &'static str = "Frankle & Carbin 2019, figure 4a";
}

const USUAL: &str =
    "Iteration of least validation loss over weights remaining (logarithmic, falling): lower learns faster.";
const CHOSEN: &str =
    "Iteration of early stop, as the methods say it is chosen, over weights remaining (logarithmic, falling).";

fn all(study: &Study, holds: impl Fn(&Rule) -> bool) -> bool {
    study.rows.iter().filter(|row| row.is_trained()).all(|row| holds(&row.early_stop))
}

impl Figure for EarlyStop {
    fn draw(&self, study: &Study) -> Option<Drawing> {
        if all(study, |rule| *rule == Rule::Final) {
            return None;
        }
        let figure = OverWeights {
            name: Self::NAME,
            title: "Early-stop iteration over weights remaining",
            shows: if all(study, Rule::is_usual) { USUAL } else { CHOSEN },
            value: |scores| scores.early_stop_iteration as f64,
            of: Row::is_trained,
            value_name: "Early-stop iteration",
            write: write_iteration,
            x_scale: Scale::LogFalling,
            y_axis: |values| axis::linear("early-stop iteration", values, (0.0, f64::INFINITY)),
        };
        figure.draw(study, &ladders_and_controls(study))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::fixture::{row, scored, study};
    use crate::figure::{Point, Shape};

    #[test]
    fn a_point_is_the_mean_iteration_of_early_stop() {
        let rows =
            vec![scored(row("reinitialise", 0, 1, 512), 0.5, 100), scored(row("reinitialise", 1, 1, 512), 0.5, 300)];
        let drawing = EarlyStop {}.draw(&Study { rows, ..study() }).unwrap();
        let point = Point { x: 50.0, y: 200.0, low: 100.0, high: 300.0 };
        assert_eq!(drawing.panels[0].series[0].shape, Shape::Points(vec![point]));
        assert_eq!(drawing.table.rows[0], ["reinitialise", "50%", "2", "200", "100", "300"]);
    }

    #[test]
    fn a_ticket_that_was_evaluated_as_it_is_has_no_point() {
        let mut rows = vec![scored(row("imp", 0, 1, 512), 0.5, 100), scored(row("imp", 0, 2, 256), 0.5, 100)];
        rows[1].record.as_mut().unwrap().training = None;
        let drawing = EarlyStop {}.draw(&Study { rows, ..study() }).unwrap();
        let point = Point { x: 50.0, y: 100.0, low: 100.0, high: 100.0 };
        assert_eq!(drawing.panels[0].series[0].shape, Shape::Points(vec![point]));
    }
}
