//! The odds of the lottery: how often a random mask on untrained weights is good, and how good the best of several is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Ahead, Failure, Outcome, Part, Split, Stage, Work, build_init};
use crate::init::Init;
use crate::mask::Mask;
use crate::range;
use crate::record::{Heading, Measured};
use crate::refusal::Refusal;
use crate::registry::{Kind, Plugin, Use};
use crate::seed::Purpose;
use crate::ticket::Ticket;
use crate::units::Rate;

/// Samples random masks on untrained weights and evaluates each on validation examples. A mask is good where its
/// accuracy is at least `threshold`; q is how often one is. If masks were independent, the best of s would be good with
/// probability 1 − (1 − q)^s.
///
/// q is measured over new networks, each with its own weights and one mask, and within the ticket's own network. Then as
/// many fresh masks are drawn in each way, in groups of s, and the share of groups whose best is good is compared with
/// 1 − (1 − q)^s, q of new networks, in standard deviations that hold the sampling of both. Over new networks, draws are
/// independent; within one network all masks share its weights. A mask keeps `weights_remaining` of each tensor's kept
/// weights, drawn without replacement, rounded half up.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lottery {
    /// Fraction of each tensor's kept weights that a mask keeps.
    #[serde(deserialize_with = "range::above_zero")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub weights_remaining: Rate,
    /// Masks that q is measured by, and fresh ones, in each of the two ways.
    #[serde(default = "ten_thousand", deserialize_with = "range::at_least_one")]
    #[schemars(range(min = 1))]
    pub masks: usize,
    /// The accuracy from which on a mask is good; where absent, that of the best 1% of 1,000 masks drawn for it alone.
    #[serde(default, deserialize_with = "range::optional_fraction")]
    #[schemars(range(min = 0, max = 1))]
    pub threshold: Option<f64>,
    /// Validation examples that a mask is evaluated on, evenly spaced through the split.
    #[serde(default = "two_hundred", deserialize_with = "range::at_least_one")]
    #[schemars(range(min = 1))]
    pub examples: usize,
    /// The sizes s of the groups of which the best counts.
    #[serde(default = "sizes")]
    pub best_of: Vec<usize>,
    /// How the weights of new networks are drawn; the model's initialiser where absent.
    #[serde(default)]
    pub init: Option<Use>,
}

fn ten_thousand() -> usize {
    10_000
}

fn two_hundred() -> usize {
    200
}

fn sizes() -> Vec<usize> {
    vec![1, 10, 100, 1000]
}

/// Masks at most.
const MOST: usize = 1_000_000;

/// Masks that a threshold is found by, and the share of them that it lets through.
const PILOT: usize = 1000;
const SHARE: f64 = 0.01;

impl Plugin for Lottery {
    const NAME: &'static str = "lottery";
    const VERSION: u32 = 2;
    const SUMMARY: &'static str =
        "Measures how often a random mask of untrained weights is good, and the best of several";
    const EXAMPLE: &'static str = "weights_remaining = 0.5";
    const REFERENCES: &'static [(&'static str, Kind)] = &[("init", Kind::Init)];
    const MEASURES: &'static [Heading] = &[
        Heading::number("threshold", "fraction"),
        Heading::number("q over new networks", "fraction"),
        Heading::number("q within one network", "fraction"),
        Heading::series("best of s, predicted", "fraction", "s"),
        Heading::series("best of s, new networks", "fraction", "s"),
        Heading::series("deviation, new networks", "σ", "s"),
        Heading::series("best of s, one network", "fraction", "s"),
        Heading::series("deviation, one network", "σ", "s"),
        Heading::series("accuracy, new networks", "fraction", "quantile"),
        Heading::series("accuracy, one network", "fraction", "quantile"),
    ];
}

impl Stage for Lottery {
    fn foresee(&self, ahead: &mut Ahead<'_>) -> Result<(), Refusal> {
        ahead.require_ticket(Self::NAME)?;
        if self.examples as u64 > ahead.validation {
            let message = format!("{} examples are more than there are for validation", self.examples);
            return Err(Refusal::of("examples", message).help(format!("there are {}", ahead.validation)));
        }
        if self.masks > MOST {
            let message = format!("{} masks are more than a run could draw", self.masks);
            return Err(Refusal::of("masks", message).help(format!("at most {MOST}: 10000 tell odds of one percent")));
        }
        if let Some(twice) = self.best_of.iter().enumerate().find(|(at, size)| self.best_of[..*at].contains(size)) {
            let message = format!("the best of {} is there twice", twice.1);
            return Err(Refusal::of("best_of", message).help("write each size once"));
        }
        if let Some(size) = self.best_of.iter().find(|size| !(1..=self.masks).contains(size)) {
            let message = format!("there is no best of {size} among {} masks", self.masks);
            return Err(Refusal::of("best_of", message).help("write sizes from 1 to `masks`"));
        }
        ahead.iterations = (4 * self.masks + if self.threshold.is_none() { PILOT } else { 0 }) as u64;
        ahead.measures = true;
        Ok(())
    }

    fn apply(&self, work: &Work<'_>, ticket: Ticket) -> Result<Outcome, Failure> {
        let init = build_init(work.registry, &self.init)?;
        let mut booth = Booth { lottery: self, work, ticket: &ticket, init: &*init, done: 0 };
        let threshold = match self.threshold {
            Some(threshold) => threshold,
            None => best(booth.draw("pilot", PILOT, true)?, SHARE),
        };
        let new = booth.draw("new networks", self.masks, true)?;
        let own = booth.draw("one network", self.masks, false)?;
        let fresh_new = booth.draw("new networks again", self.masks, true)?;
        let fresh_own = booth.draw("one network again", self.masks, false)?;
        let q = share_good(&new, threshold);
        let mut measured = vec![
            Measured::number("threshold", "fraction", threshold),
            Measured::number("q over new networks", "fraction", q),
            Measured::number("q within one network", "fraction", share_good(&own, threshold)),
        ];
        measured.extend(self.bests(q, threshold, [("new networks", &fresh_new), ("one network", &fresh_own)]));
        measured.extend(
            [("new networks", new), ("one network", own)].map(|(name, accuracies)| quantiles(name, accuracies)),
        );
        Ok(Outcome { measured, ..ticket.into() })
    }
}

impl Lottery {
    /// What groups' bests are predicted to be and what they are, in each way of drawing.
    fn bests(&self, q: f64, threshold: f64, fresh: [(&str, &Vec<f64>); 2]) -> Vec<Measured> {
        let each = |name: String, unit: &str, of: &dyn Fn(usize) -> f64| {
            Measured::each(&name, unit, "s", self.best_of.iter().map(|size| (size.to_string(), of(*size))))
        };
        let mut measured = vec![each("best of s, predicted".into(), "fraction", &|size| predicted(q, size))];
        for (name, accuracies) in fresh {
            let found = |size| share_of_groups(accuracies, size, threshold);
            measured.push(each(format!("best of s, {name}"), "fraction", &found));
            let telling = self.best_of.iter().filter(|size| tells(q, **size, accuracies.len() / **size));
            let deviations: Vec<(String, f64)> = telling
                .map(|size| {
                    let sigma = sigma(q, *size, self.masks, accuracies.len() / size);
                    (size.to_string(), (found(*size) - predicted(q, *size)) / sigma)
                })
                .collect();
            if !deviations.is_empty() {
                measured.push(Measured::each(&format!("deviation, {name}"), "σ", "s", deviations));
            }
        }
        measured
    }
}

/// Where masks are drawn.
struct Booth<'a> {
    lottery: &'a Lottery,
    work: &'a Work<'a>,
    ticket: &'a Ticket,
    init: &'a dyn Init,
    done: u64,
}

impl Booth<'_> {
    /// Accuracies of so many masks: each on a network of its own, or all on the ticket's.
    fn draw(&mut self, pool: &str, masks: usize, new: bool) -> Result<Vec<f64>, Failure> {
        let mut accuracies = Vec::with_capacity(masks);
        for number in 0..masks {
            let mut ticket = self.ticket.clone();
            if new {
                let name = |param: &str| self.work.drawn(&format!("lottery, {pool}, {number}: {param}"));
                ticket.arrays = self.work.initialise(self.init, Purpose::Reinit, name).collect();
            }
            for (name, mask) in &mut ticket.masks {
                let mut stream =
                    self.work.seeds.stream(Purpose::Shuffle, &self.work.drawn(&format!("lottery, {pool}: {name}")));
                stream = stream.part(number as u64);
                *mask = self.random(mask, &mut |n| stream.below(n as u64) as usize);
            }
            ticket.apply_masks();
            let part = Part { split: Split::Validation, most: self.lottery.examples };
            accuracies.push(self.work.lab.tally(&ticket, part)?.accuracy());
            self.done += 1;
            self.work.lab.progress(self.done)?;
        }
        Ok(accuracies)
    }

    /// A mask of the kept weights, drawn without replacement: as many steps of a shuffle as it keeps.
    fn random(&self, mask: &Mask, below: &mut dyn FnMut(usize) -> usize) -> Mask {
        let mut kept: Vec<usize> = mask.indices().collect();
        let stays = self.lottery.weights_remaining.of(kept.len());
        let mut keeps = vec![false; mask.len()];
        for place in 0..stays {
            let other = place + below(kept.len() - place);
            kept.swap(place, other);
            keeps[kept[place]] = true;
        }
        Mask::from_fn(mask.len(), |weight| keeps[weight])
    }
}

/// The accuracy that so large a share reaches.
fn best(mut accuracies: Vec<f64>, share: f64) -> f64 {
    accuracies.sort_by(|a, b| b.total_cmp(a));
    let place = (share * accuracies.len() as f64) as usize;
    accuracies.get(place.max(1) - 1).copied().unwrap_or(0.0)
}

fn share_good(accuracies: &[f64], threshold: f64) -> f64 {
    share_of_groups(accuracies, 1, threshold)
}

/// The share of groups of `size`, one after the other, whose best is good; what is left over is left out.
fn share_of_groups(accuracies: &[f64], size: usize, threshold: f64) -> f64 {
    let groups = accuracies.chunks_exact(size);
    let all = groups.len();
    let good = groups.filter(|group| group.iter().any(|accuracy| *accuracy >= threshold)).count();
    good as f64 / all as f64
}

/// 1 − (1 − q)^s.
fn predicted(q: f64, size: usize) -> f64 {
    1.0 - (1.0 - q).powi(size as i32)
}

/// Whether so many groups tell a deviation: where fewer than five are expected to be good, or to be none, the binomial
/// distribution is far from the normal one that standard deviations are of.
fn tells(q: f64, size: usize, groups: usize) -> bool {
    let p = predicted(q, size);
    groups as f64 * p.min(1.0 - p) >= 5.0
}

/// The standard deviation of a share of groups less what is predicted by a q that `masks` draws gave.
fn sigma(q: f64, size: usize, masks: usize, groups: usize) -> f64 {
    let p = predicted(q, size);
    let of_groups = p * (1.0 - p) / groups as f64;
    let slope = size as f64 * (1.0 - q).powi(size as i32 - 1);
    (of_groups + slope * slope * q * (1.0 - q) / masks as f64).sqrt()
}

fn quantiles(name: &str, mut accuracies: Vec<f64>) -> Measured {
    accuracies.sort_by(f64::total_cmp);
    let at = |quantile: f64| (quantile, accuracies[(quantile * (accuracies.len() - 1) as f64).round() as usize]);
    let quantiles = [0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0].map(at);
    Measured::curve(&format!("accuracy, {name}"), "fraction", "quantile", quantiles)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seeds;

    #[test]
    fn the_best_of_two_worked_by_hand() {
        // q = 1/4: the best of two is good with 1 − 9/16 = 7/16.
        assert_eq!(predicted(0.25, 2), 0.4375);
        let accuracies = [0.1, 0.3, 0.2, 0.2, 0.3, 0.3, 0.9];
        assert_eq!(share_good(&accuracies, 0.3), 4.0 / 7.0);
        // Pairs: good, not, good; the seventh is left over.
        assert_eq!(share_of_groups(&accuracies, 2, 0.3), 2.0 / 3.0);
        assert_eq!(best(accuracies.to_vec(), 0.3), 0.3);
        // 7/16 of 12 groups are 5.25, of 11 fewer than 5.
        assert!(tells(0.25, 2, 12) && !tells(0.25, 2, 11) && !tells(0.0, 2, 1000));
        // 4 groups: 63/256 ÷ 4; slope 2 · 3/4 = 3/2, 9/4 · 3/16 ÷ 3 = 9/64.
        let variance = 63.0 / 1024.0 + 9.0 / 64.0;
        assert!((sigma(0.25, 2, 3, 4) - f64::sqrt(variance)).abs() < 1e-12);
    }

    #[test]
    fn independent_draws_are_as_predicted_and_those_that_share_their_odds_are_not() {
        let mut stream = Seeds { seed: 1, replicate: None }.stream(Purpose::Shuffle, "test");
        let mut uniform = |n: usize| (0..n).map(|_| stream.uniform()).collect::<Vec<_>>();
        let q = share_good(&uniform(10_000), 0.99);
        let fresh = uniform(10_000);
        for size in [1, 10, 100] {
            let deviation =
                (share_of_groups(&fresh, size, 0.99) - predicted(q, size)) / sigma(q, size, 10_000, 10_000 / size);
            assert!(deviation.abs() < 3.0, "best of {size}: {deviation} σ");
        }
        // Of ten groups of a thousand, one has all the good ones: the same q, and the best of 1,000 is seldom good.
        let shared: Vec<f64> = (0..10_000).map(|draw| if draw < 100 { 1.0 } else { 0.0 }).collect();
        assert!((share_of_groups(&shared, 1000, 0.99) - predicted(0.01, 1000)) / sigma(0.01, 1000, 10_000, 10) < -3.0);
    }
}
