//! Gradual pruning: weights move, and on the way the mask shrinks.

use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::cubic::Cubic;
use super::shrinking::{Ranked, Shrinking, Tensor};
use super::weights::Moving;
use super::{Ground, Learn, Learner};
use crate::criterion::magnitude::Magnitude;
use crate::mask::Mask;
use crate::model::{Model, RateKind};
use crate::range::{self, SOME_LENGTH};
use crate::refusal::Refusal;
use crate::registry::{Kind, Plugin, Use};
use crate::schedule::Clock;
use crate::stage::{Ahead, Rates, Scope};
use crate::ticket::Ticket;
use crate::units::{Length, Rate};
use crate::values::{Array, Place, Values};

/// Every parameter moves, and every so often the weights of the lowest scores go for good, until at `end` as many are kept
/// as `weights_remaining` says of those that the network has. In between, counts follow a cubic schedule: with r the
/// fraction kept, r = r₁ + (r₀ − r₁) · (1 − (t − begin) ÷ (end − begin))³. It counts as one prune. Each time a scope keeps
/// the schedule's number rounded half up, ties by (parameter, index); masks are nested, and what is masked is 0 from then
/// on. Early stop looks at evaluations from `end` on.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gradual {
    /// Fraction of the weights to end with: one number, or a table by layer kind.
    #[serde(deserialize_with = "above_zero")]
    pub weights_remaining: Rates,
    /// The position where pruning begins, counted as a training's `length` is; where absent, where the training does.
    #[serde(default)]
    pub begin: Option<Length>,
    /// The position of the last prune.
    #[serde(deserialize_with = "range::some_length")]
    #[schemars(regex(pattern = SOME_LENGTH))]
    pub end: Length,
    /// From one prune to the next.
    #[serde(default = "hundred", deserialize_with = "range::some_length")]
    #[schemars(regex(pattern = SOME_LENGTH))]
    pub every: Length,
    /// How weights are ranked.
    #[serde(default = "magnitude")]
    pub criterion: Use,
    /// Whether weights are ranked within each tensor or all together.
    #[serde(default)]
    pub scope: Scope,
}

fn hundred() -> Length {
    Length::Iterations(100)
}

fn magnitude() -> Use {
    Use::with_defaults::<Magnitude>()
}

fn above_zero<'de, D: Deserializer<'de>>(from: D) -> Result<Rates, D::Error> {
    match Rates::deserialize(from)? {
        rates if rates.all().any(Rate::is_zero) => Err(D::Error::custom("0 is out of range: it must be above 0")),
        rates => Ok(rates),
    }
}

impl Plugin for Gradual {
    const NAME: &'static str = "gradual";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Weights move, and the mask shrinks on the way";
    const SOURCE: &'static str = "Zhu & Gupta 2017, §3";
    const EXAMPLE: &'static str = r#"weights_remaining = 0.1, begin = "2ep", end = "20ep", every = "100it""#;
    const REFERENCES: &'static [(&'static str, Kind)] = &[("criterion", Kind::Criterion)];
}

impl Learn for Gradual {
    fn learns(&self) -> &'static str {
        "weights"
    }

    fn foresee(&self, ahead: &mut Ahead<'_>, begins: Clock) -> Result<(), Refusal> {
        ahead.registry.criteria.build(&self.criterion)?;
        self.cubic(begins)?;
        match self.scope {
            Scope::Layer => {
                let divided = ahead.divided;
                ahead.about |= divided;
                for layer in &mut ahead.layers {
                    // How many a tensor has after a prune of global scope, only a run tells.
                    let kept = if divided { layer.prunable } else { layer.kept };
                    layer.kept = self.last(layer.kind, kept, layer.prunable)?.min(layer.kept);
                }
            }
            Scope::Global => {
                let (kept, prunable) = (ahead.kept(), ahead.prunable());
                let last = fewer(self.one_rate()?.of(prunable), kept, prunable)?;
                ahead.remove_globally(kept - last);
            }
        }
        ahead.require_weights("weights_remaining", "give a larger fraction: this one rounds to no weight")?;
        ahead.level += 1;
        Ok(())
    }

    fn start(&self, ticket: &mut Ticket, ground: &Ground<'_>) -> Result<Box<dyn Learner>, String> {
        Ok(Box::new(self.shrinking::<[f32]>(ticket, ground, &())?))
    }

    fn start_elsewhere(
        &self,
        ticket: &mut Ticket,
        ground: &Ground<'_>,
        place: &Place,
    ) -> Result<Box<dyn Learner<Array>>, String> {
        Ok(Box::new(self.shrinking::<Array>(ticket, ground, place)?))
    }
}

impl Gradual {
    /// The schedule in iterations, for a training that begins at this clock.
    fn cubic(&self, begins: Clock) -> Result<Cubic, Refusal> {
        let Clock { iteration: from, total, per_epoch } = begins;
        let end = self.end.iterations(per_epoch);
        let begin = self.begin.map_or(from, |begin| begin.iterations(per_epoch));
        if begin < from {
            let message = format!("pruning begins at {begin}it, and the training only at {from}it");
            return Err(Refusal::of("begin", message).help("leave it out, or write a later position"));
        }
        if end <= begin {
            let message = format!("pruning ends at {end}it, and begins at {begin}it");
            let help = format!("it must end after it begins; an epoch has {per_epoch} iterations");
            return Err(Refusal::of("end", message).help(help));
        }
        if end > total {
            let message = format!("pruning ends at {end}it, and the training before, at {total}it");
            return Err(Refusal::of("end", message).help(format!("an epoch has {per_epoch} iterations")));
        }
        Ok(Cubic { begin, end, every: self.every.iterations(per_epoch) })
    }

    /// How many weights a tensor keeps in the end.
    fn last(&self, kind: RateKind, kept: usize, prunable: usize) -> Result<usize, Refusal> {
        let rate = self.weights_remaining.of(kind).ok_or_else(|| {
            let message = format!("`weights_remaining` has no `{kind}`, and the model has such a layer");
            Refusal::of("weights_remaining", message).help(format!("add `{kind} = 0.5`; 1 keeps it whole"))
        })?;
        fewer(rate.of(prunable), kept, prunable)
    }

    fn one_rate(&self) -> Result<Rate, Refusal> {
        self.weights_remaining.one().ok_or_else(|| {
            let message = "gradual pruning of global scope ends with one fraction, and not with one by layer kind";
            Refusal::of("weights_remaining", message).help("give one number, as 0.1, or leave out the scope")
        })
    }

    fn shrinking<V: Values + ?Sized>(
        &self,
        ticket: &mut Ticket,
        ground: &Ground<'_>,
        place: &V::Place,
    ) -> Result<Shrinking<V>, String> {
        let begun = || Ok::<_, Refusal>((self.scopes(ticket, ground.model)?, self.cubic(ground.clock)?));
        let (scopes, cubic) = begun().map_err(|refusal| refusal.to_string())?;
        let criterion = ground.registry.criteria.build(&self.criterion)?;
        let moving = Moving::of(ticket, ground.model, place);
        Ok(Shrinking { moving, cubic, criterion, seeds: ground.seeds, place: place.clone(), scopes, prunes: 0 })
    }

    /// Which tensors are ranked together, and how many weights each scope keeps first and last.
    fn scopes(&self, ticket: &Ticket, model: &Model) -> Result<Vec<Ranked>, Refusal> {
        let numbers = model.params.iter().enumerate().filter_map(|(number, param)| Some((number, param.kind?)));
        let tensors = numbers
            .zip(&ticket.masks)
            .map(|((number, kind), (name, mask))| (Tensor { number, name: name.clone() }, kind, mask));
        match self.scope {
            Scope::Layer => {
                let alone = |(tensor, kind, mask): (Tensor, RateKind, &Mask)| {
                    let first = mask.kept();
                    // Where a prune of global scope divided weights before, a tensor may have fewer already.
                    let last = self.last(kind, mask.len(), mask.len())?.min(first);
                    Ok(Ranked { tensors: vec![tensor], first, last })
                };
                tensors.map(alone).collect()
            }
            Scope::Global => {
                let (first, all) = (ticket.kept(), self.one_rate()?.of(ticket.prunable()));
                Ok(vec![Ranked { tensors: tensors.map(|(tensor, ..)| tensor).collect(), first, last: all.min(first) }])
            }
        }
    }
}

fn fewer(last: usize, kept: usize, prunable: usize) -> Result<usize, Refusal> {
    if last > kept {
        let message = format!("{last} of {prunable} weights cannot remain where {kept} do already");
        return Err(Refusal::of("weights_remaining", message).help("give a smaller fraction, or prune less before"));
    }
    Ok(last)
}
