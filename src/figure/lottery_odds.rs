//! The best of s random masks: how often it is good, beside what the odds of one mask say.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::measured::{self, Ticket};
use super::points::Summary;
use super::tally::Tally;
use super::{Drawing, Figure, Series, Shape, Table, axis, panels};
use crate::record::Study;
use crate::registry::Plugin;
use crate::units::percent;

/// How often the best of s random masks is good, beside 1 − (1 − q)^s of one mask's odds q.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LotteryOdds {}

impl Plugin for LotteryOdds {
    const NAME: &'static str = "lottery-odds";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str =
        "How often the best of s random masks is good, beside 1 − (1 − q)^s of one mask's odds q";
}

/// The analysis, and what it calls its figures.
pub(super) const LOTTERY: &str = "lottery";
pub(super) const Q: &str = "q over new networks";
const WAYS: [(&str, &str); 2] =
    [("best of s, new networks", "found, new networks"), ("best of s, one network", "found, one network")];

/// Where the two stand beside their size.
const ASIDE: [f64; 2] = [0.94, 1.06];

/// Points of the curve.
const POINTS: u32 = 60;

impl Figure for LotteryOdds {
    fn draw(&self, study: &Study) -> Option<Drawing> {
        let mut drawn = Drawn::default();
        let panels = measured::panels(study, LOTTERY, |ticket, number, several| drawn.ticket(ticket, number, several));
        drawn.sizes.sort_by(f64::total_cmp);
        drawn.sizes.dedup();
        let sizes: Vec<(f64, String)> = drawn.sizes.iter().map(|size| (*size, size.to_string())).collect();
        if panels.is_empty() || sizes.is_empty() {
            return None;
        }
        let columns = ["variant", "pipeline", "weights remaining", "figure", "s", "n", "mean", "min", "max"];
        Some(Drawing {
            name: Self::NAME.into(),
            title: "The best of s random masks".into(),
            caption: format!(
                "Share of groups of s random masks on untrained weights whose best is good, and 1 − (1 − q)^s, which it \
                 would be if masks were independent; q is the odds of one mask, measured by other masks over new networks. \
                 {} The shaded band is 1 − (1 − q)^s of the least and of the greatest replicate's q.{}",
                drawn.tally.bars(),
                drawn.tally.absent()
            ),
            alternative: format!(
                "Share of groups of s random masks whose best is good, over s. {}",
                drawn.words.join(" ")
            ),
            columns: panels::columns(study, panels.len()),
            panels,
            x: axis::rising("masks in a group, s", &sizes),
            y: axis::whole("best is good (%)"),
            table: Table { columns: columns.map(String::from).to_vec(), rows: drawn.rows },
        })
    }
}

#[derive(Default)]
struct Drawn {
    tally: Tally,
    sizes: Vec<f64>,
    words: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Drawn {
    /// What q says, and what was found in each way of drawing masks.
    fn ticket(&mut self, ticket: &Ticket, number: usize, several: bool) -> Vec<Series> {
        let Some(q) = ticket.number(Q, &mut self.tally) else { return Vec::new() };
        let found = WAYS.map(|(figure, label)| (label, ticket.series(figure)));
        let sizes: Vec<f64> = found[0].1.iter().map(|(size, _)| *size).collect();
        let (Some(least), Some(most)) = (sizes.first().copied(), sizes.last().copied()) else { return Vec::new() };
        let name = ticket.label();
        let label = |label: &str| if several { format!("{name}: {label}") } else { label.to_string() };
        let between = (0..=POINTS).map(|i| least * (most / least).powf(f64::from(i) / f64::from(POINTS)));
        let curve = |q: f64| between.clone().map(move |size| (size, predicted(q, size))).collect::<Vec<_>>();
        let (low, high) = (curve(q.low), curve(q.high));
        let band = low.iter().zip(&high).map(|((size, low), (_, high))| (*size, *low, *high)).collect();
        let style = 3 * number;
        let (mut series, mut said) = (Vec::new(), Vec::new());
        if q.low < q.high {
            series.push(Series { label: label("of the least and greatest q"), style, shape: Shape::Band(band) });
        }
        series.push(Series { label: label("1 − (1 − q)^s"), style, shape: Shape::Curve(curve(q.mean)) });
        self.row(ticket, Q, None, q);
        for (way, (what, points)) in found.into_iter().enumerate() {
            points.iter().for_each(|(size, found)| self.row(ticket, what, Some(*size), *found));
            said.push((label(what), points.clone()));
            // A little aside of each other.
            let points = points.into_iter().map(|(size, found)| found.at(size * ASIDE[way])).collect();
            series.push(Series { label: label(what), style: style + way + 1, shape: Shape::Dots(points) });
        }
        self.words.push(in_words(ticket.variant, &label("q"), q, &said));
        self.sizes.extend(sizes);
        series
    }

    fn row(&mut self, ticket: &Ticket, what: &str, size: Option<f64>, found: Summary) {
        let remaining = percent(ticket.rows[0].weights_remaining());
        let mut row = [ticket.variant, ticket.pipeline, &remaining, what].map(String::from).to_vec();
        row.extend([size.map_or(String::new(), |size| size.to_string()), found.n.to_string()]);
        row.extend([found.mean, found.low, found.high].map(|value| format!("{value:.3}%")));
        self.rows.push(row);
    }
}

/// 1 − (1 − q)^s, of a q in % and in %.
fn predicted(q: f64, size: f64) -> f64 {
    100.0 * (1.0 - (1.0 - q / 100.0).powf(size))
}

/// "q is 1.62% (1.20–1.90%); found, new networks: 1.6% of 1, 81.0% of 100."
fn in_words(variant: &str, q: &str, odds: Summary, said: &[(String, Vec<(f64, Summary)>)]) -> String {
    let place = if variant.is_empty() { String::new() } else { format!("{variant}: ") };
    let range = if odds.n > 1 { format!(" ({:.2}–{:.2}%)", odds.low, odds.high) } else { String::new() };
    let mut words = format!("{place}{q} is {:.2}%{range}", odds.mean);
    for (label, points) in said {
        let say = |(size, found): &(f64, Summary)| {
            format!("{:.1}% of groups of {size} ({:.1}% predicted)", found.mean, predicted(odds.mean, *size))
        };
        words += &format!("; {label}: {}", points.iter().map(say).collect::<Vec<_>>().join(", "));
    }
    words + "."
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::fixture::{lottery, study};

    #[test]
    fn shares_found_stand_beside_what_the_odds_of_one_mask_say() {
        let mut study = study();
        assert_eq!(LotteryOdds {}.draw(&study), None);
        study.analyses = vec![lottery(0, 0.01), lottery(1, 0.03)];
        let drawing = LotteryOdds {}.draw(&study).unwrap();
        let series = &drawing.panels[0].series;
        let labels: Vec<_> = series.iter().map(|series| series.label.as_str()).collect();
        let expected = ["of the least and greatest q", "1 − (1 − q)^s", "found, new networks", "found, one network"];
        assert_eq!(labels, expected);
        // q is 2%: the best of 100 is good with 1 − 0.98¹⁰⁰ = 86.74%.
        let curve = series[1].curve();
        assert!((curve[0].1 - 2.0).abs() < 1e-9 && (curve.last().unwrap().1 - 86.738).abs() < 1e-3, "{curve:?}");
        assert_eq!(drawing.table.rows[0][3..], [Q, "", "2", "2.000%", "1.000%", "3.000%"]);
        let found =
            "found, new networks: 2.0% of groups of 1 (2.0% predicted), 50.0% of groups of 100 (86.7% predicted)";
        assert!(drawing.alternative.contains(found), "{}", drawing.alternative);
    }

    #[test]
    fn one_replicate_has_no_band() {
        let study = Study { analyses: vec![lottery(0, 0.01)], ..study() };
        assert_eq!(LotteryOdds {}.draw(&study).unwrap().panels[0].series.len(), 3);
    }
}
