//! How good random masks of untrained weights are: the distribution of their accuracies.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::lottery_odds::{LOTTERY, Q};
use super::measured::{self, Ticket};
use super::tally::Tally;
use super::{Drawing, Figure, Series, Shape, Table, axis, panels};
use crate::record::Study;
use crate::registry::Plugin;
use crate::units::percent;

/// The share of random masks on untrained weights that are at most so accurate.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LotteryAccuracy {}

impl Plugin for LotteryAccuracy {
    const NAME: &'static str = "lottery-accuracy";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "How accurate random masks of untrained weights are, and from where on one is good";
}

const WAYS: [(&str, &str); 2] = [("accuracy, new networks", "new networks"), ("accuracy, one network", "one network")];

impl Figure for LotteryAccuracy {
    fn draw(&self, study: &Study) -> Option<Drawing> {
        let mut drawn = Drawn::default();
        let panels = measured::panels(study, LOTTERY, |ticket, number, several| drawn.ticket(ticket, number, several));
        if panels.is_empty() {
            return None;
        }
        let columns = ["variant", "pipeline", "weights remaining", "masks", "share", "n", "mean", "min", "max"];
        Some(Drawing {
            name: Self::NAME.into(),
            title: "How accurate random masks are".into(),
            caption: format!(
                "Share of random masks on untrained weights whose validation accuracy is at most so high: each mask on a new \
                 network, or all on one network a replicate. The upright line is the accuracy from which on a mask is good. \
                 {}, of each quantile's accuracy; no bars.{}",
                drawn.tally.mean(),
                drawn.tally.absent()
            ),
            alternative: format!("Share of random masks over validation accuracy. {}", drawn.words.join(" ")),
            columns: panels::columns(study, panels.len()),
            panels,
            x: axis::accuracy("validation accuracy (%)", &drawn.accuracies),
            y: axis::whole("share of masks (%)"),
            table: Table { columns: columns.map(String::from).to_vec(), rows: drawn.rows },
        })
    }
}

#[derive(Default)]
struct Drawn {
    tally: Tally,
    accuracies: Vec<f64>,
    words: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Drawn {
    fn ticket(&mut self, ticket: &Ticket, number: usize, several: bool) -> Vec<Series> {
        let remaining = percent(ticket.rows[0].weights_remaining());
        let name = ticket.label();
        let label = |label: &str| if several { format!("{name}: {label}") } else { label.to_string() };
        let mut series = Vec::new();
        for (way, (figure, what)) in WAYS.into_iter().enumerate() {
            let quantiles = ticket.series(figure);
            for (share, found) in &quantiles {
                let mut row = [ticket.variant, ticket.pipeline, &remaining, what].map(String::from).to_vec();
                row.extend([percent(*share), found.n.to_string()]);
                row.extend([found.mean, found.low, found.high].map(|value| format!("{value:.2}%")));
                self.rows.push(row);
            }
            let points: Vec<(f64, f64)> = quantiles.iter().map(|(share, found)| (found.mean, 100.0 * share)).collect();
            let middle = points.iter().find(|(_, share)| *share == 50.0);
            if let (Some((least, _)), Some((median, _)), Some((most, _))) = (points.first(), middle, points.last()) {
                let words = format!("{}: {least:.1} to {most:.1}%, half of them at most {median:.1}%.", label(what));
                self.words.push(if ticket.variant.is_empty() { words } else { format!("{}, {words}", ticket.variant) });
                self.accuracies.extend([*least, *most]);
                series.push(Series { label: label(what), style: 3 * number + way + 1, shape: Shape::Curve(points) });
            }
        }
        let Some(threshold) = ticket.number("threshold", &mut self.tally).filter(|_| !series.is_empty()) else {
            return series;
        };
        let q = ticket.number(Q, &mut Tally::default()).map_or(String::new(), |q| format!(", q {:.2}%", q.mean));
        let good = format!("good from {:.1}% on", threshold.mean);
        self.words.push(format!("{}{q}.", label(&good)));
        self.accuracies.push(threshold.mean);
        let upright = Shape::Curve(vec![(threshold.mean, 0.0), (threshold.mean, 100.0)]);
        series.push(Series { label: label("good from here on"), style: 3 * number, shape: upright });
        series
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::fixture::{lottery, study};

    #[test]
    fn shares_of_masks_stand_over_their_accuracy_and_the_threshold_upright() {
        let mut study = study();
        assert_eq!(LotteryAccuracy {}.draw(&study), None);
        study.analyses = vec![lottery(0, 0.01), lottery(1, 0.03)];
        let drawing = LotteryAccuracy {}.draw(&study).unwrap();
        let series = &drawing.panels[0].series;
        assert_eq!(series[0].curve(), [(5.0, 0.0), (10.0, 50.0), (30.0, 100.0)]);
        assert_eq!(series[2].curve(), [(18.0, 0.0), (18.0, 100.0)]);
        let expected = "new networks: 5.0 to 30.0%, half of them at most 10.0%. \
                        one network: 10.0 to 10.0%, half of them at most 10.0%. good from 18.0% on, q 2.00%.";
        assert!(drawing.alternative.ends_with(expected), "{}", drawing.alternative);
        assert_eq!(drawing.table.rows[1][3..], ["new networks", "50%", "2", "10.00%", "10.00%", "10.00%"]);
    }
}
