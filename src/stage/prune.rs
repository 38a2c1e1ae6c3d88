//! Pruning: the weights of the lowest scores go, exactly as many as the rate says.

use std::fmt;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Ahead, Failure, Outcome, Stage, Work};
use crate::criterion::Weights;
use crate::criterion::ladder::removed;
use crate::criterion::magnitude::Magnitude;
use crate::criterion::select::{Scored, remove_lowest};
use crate::mask::Mask;
use crate::model::RateKind;
use crate::refusal::Refusal;
use crate::registry::{Kind, Plugin, Use};
use crate::ticket::Ticket;
use crate::units::Rate;

/// (θ, m) → (θ, m′ ⊆ m). Removes round(rate × remaining) weights in each scope, half up, the lowest scores first,
/// ties by (parameter, index).
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prune {
    /// How weights are ranked.
    #[serde(default = "magnitude")]
    pub criterion: Use,
    /// Fraction of the remaining weights that goes: one number, or a table by layer kind.
    pub rate: Rates,
    /// Whether weights are ranked within each tensor or all together.
    #[serde(default)]
    pub scope: Scope,
}

fn magnitude() -> Use {
    Use::with_defaults::<Magnitude>()
}

/// One rate for all tensors, or one by layer kind, which every kind in the model must have.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Rates {
    One(Rate),
    ByKind(KindRates),
}

/// By hand, so that a wrong key of a table is told as such.
impl<'de> Deserialize<'de> for Rates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Rates, D::Error> {
        deserializer.deserialize_any(RatesVisitor)
    }
}

struct RatesVisitor;

impl<'de> Visitor<'de> for RatesVisitor {
    type Value = Rates;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a rate between 0 and 1, or a table of rates by layer kind")
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Rates, E> {
        Rate::try_from(value).map(Rates::One).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Rates, E> {
        self.visit_f64(value as f64)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Rates, E> {
        self.visit_f64(value as f64)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Rates, A::Error> {
        KindRates::deserialize(MapAccessDeserializer::new(map)).map(Rates::ByKind)
    }
}

/// Prune rates by layer kind; 0 keeps a kind whole.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KindRates {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conv: Option<Rate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linear: Option<Rate>,
    /// The last prunable layer, whatever its type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Rate>,
}

impl Rates {
    /// The rate for a tensor; `None` where its key is missing.
    pub fn of(self, kind: RateKind) -> Option<Rate> {
        match (self, kind) {
            (Rates::One(rate), _) => Some(rate),
            (Rates::ByKind(rates), RateKind::Conv) => rates.conv,
            (Rates::ByKind(rates), RateKind::Linear) => rates.linear,
            (Rates::ByKind(rates), RateKind::Output) => rates.output,
        }
    }

    /// The one for all tensors, where that is what was written.
    pub fn one(self) -> Option<Rate> {
        match self {
            Rates::One(rate) => Some(rate),
            Rates::ByKind(_) => None,
        }
    }

    /// Every rate that was written.
    pub fn all(self) -> impl Iterator<Item = Rate> {
        [RateKind::Conv, RateKind::Linear, RateKind::Output].into_iter().filter_map(move |kind| self.of(kind))
    }

    /// The prune rate for a tensor, or which key is missing.
    pub(super) fn pruned(self, kind: RateKind) -> Result<Rate, Refusal> {
        self.of(kind).ok_or_else(|| {
            Refusal::of("rate", format!("the prune rate has no `{kind}`, and the model has such a layer"))
                .help(format!("add `{kind} = 0.2`; 0 keeps it whole"))
        })
    }
}

/// Among which weights ranks are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Within each tensor.
    #[default]
    Layer,
    /// All prunable tensors together; takes one rate.
    Global,
}

impl Plugin for Prune {
    const NAME: &'static str = "prune";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Removes the lowest-ranked weights";
    const SOURCE: &'static str = "Frankle & Carbin 2019, §2";
    const EXAMPLE: &'static str = r#"criterion = "magnitude", rate = { linear = 0.2, output = 0.1 }"#;
    const REFERENCES: &'static [(&'static str, Kind)] = &[("criterion", Kind::Criterion)];
}

impl Prune {
    fn global_rate(&self) -> Result<Rate, Refusal> {
        self.rate.one().ok_or_else(|| {
            Refusal::of("rate", "a prune of global scope takes one rate, and not one by layer kind")
                .help("give one number, as 0.2, or leave out the scope to rank within layers")
        })
    }

    /// How many weights each tensor loses, with the scope `layer`.
    fn removed(&self, layers: impl Iterator<Item = (RateKind, usize)>) -> Result<Vec<usize>, Refusal> {
        layers.map(|(kind, kept)| Ok(removed(self.rate.pruned(kind)?, kept))).collect()
    }
}

impl Stage for Prune {
    fn foresee(&self, ahead: &mut Ahead<'_>) -> Result<(), Refusal> {
        ahead.require_ticket(Self::NAME)?;
        ahead.registry.criteria.build(&self.criterion)?;
        match self.scope {
            Scope::Layer => {
                let removed = self.removed(ahead.layers.iter().map(|layer| (layer.kind, layer.kept)))?;
                ahead.layers.iter_mut().zip(removed).for_each(|(layer, removed)| layer.kept -= removed);
                ahead.about |= ahead.divided;
            }
            Scope::Global => ahead.remove_globally(removed(self.global_rate()?, ahead.kept())),
        }
        // Small rates, taken often enough, may leave nothing, too: that is a finding.
        if self.rate.all().all(|rate| f64::from(rate) == 1.0) {
            ahead.require_weights("rate", "prune less: a rate of 1 leaves nothing")?;
        }
        ahead.level += 1;
        Ok(())
    }

    fn apply(&self, work: &Work<'_>, mut ticket: Ticket) -> Result<Outcome, Failure> {
        let criterion = work.registry.criteria.build(&self.criterion)?;
        let score = |(name, mask): (&String, &Mask)| {
            let values = ticket.arrays.get(name).map_or(&[][..], |array| &array.values);
            criterion.scores(&Weights { name, values, mask, seeds: work.seeds, level: work.level })
        };
        let scores: Vec<Vec<f32>> = ticket.masks.iter().map(score).collect();
        let kinds: Vec<RateKind> = work.model.prunable().map(|(_, kind)| kind).collect();
        match self.scope {
            Scope::Layer => {
                let removed = self.removed(kinds.into_iter().zip(ticket.masks.values().map(Mask::kept)))?;
                for ((mask, scores), removed) in ticket.masks.values_mut().zip(&scores).zip(removed) {
                    remove_lowest(&mut [Scored { scores, mask }], removed);
                }
            }
            Scope::Global => {
                let removed = removed(self.global_rate()?, ticket.kept());
                let scored = |(scores, mask)| Scored { scores, mask };
                let mut all: Vec<Scored<'_>> =
                    scores.iter().map(Vec::as_slice).zip(ticket.masks.values_mut()).map(scored).collect();
                remove_lowest(&mut all, removed);
            }
        }
        ticket.apply_masks();
        Ok(ticket.into())
    }
}
