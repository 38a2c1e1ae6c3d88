//! Pruning of units: neurons of linear layers and channels of convolutions go, with all their weights.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::prune::Rates;
use super::{Ahead, Failure, Outcome, Stage, Work};
use crate::criterion::ladder::removed;
use crate::criterion::select::{Scored, remove_lowest};
use crate::mask::Mask;
use crate::model::{Model, UnitGroup};
use crate::refusal::Refusal;
use crate::registry::Plugin;
use crate::ticket::Ticket;

/// (θ, m) → (θ, m′ ⊆ m). Removes round(rate × remaining) units of each layer, half up: those of the smallest norm of their
/// incoming weights that are kept, ties by index. All incoming and all outgoing weights of a unit are masked, so that nothing
/// reads it: without it the network computes the same. Biases and normalisation are not prunable, and stay in the ticket.
///
/// Units of the last layer are the classes, and stay. So do channels that a block adds to others, and whatever more than
/// the next prunable layer reads: `plan` names these layers. Norms are those before the prune in every layer.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PruneUnits {
    /// Fraction of the remaining units that goes: one number, or a table by layer kind, without `output`.
    pub rate: Rates,
    /// What of a unit's incoming weights ranks it.
    #[serde(default)]
    pub norm: Norm,
}

/// A norm of weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Norm {
    /// The sum of magnitudes (Li et al. 2017).
    #[default]
    L1,
    /// The root of the sum of squares.
    L2,
}

impl Norm {
    /// A number that ranks as the norm does.
    fn of(self, weight: f32) -> f64 {
        match self {
            Norm::L1 => f64::from(weight.abs()),
            Norm::L2 => f64::from(weight) * f64::from(weight),
        }
    }
}

impl Plugin for PruneUnits {
    const NAME: &'static str = "prune-units";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Removes the neurons and channels of smallest weights";
    const SOURCE: &'static str = "Li et al. 2017, §3";
    const EXAMPLE: &'static str = r#"rate = { conv = 0.1, linear = 0.2 }, norm = "l1""#;
}

impl Stage for PruneUnits {
    fn foresee(&self, ahead: &mut Ahead<'_>) -> Result<(), Refusal> {
        ahead.require_ticket(Self::NAME)?;
        if let Rates::ByKind(rates) = self.rate
            && rates.output.is_some()
        {
            let refusal = Refusal::of("rate", "units of the output are the classes, and none can go");
            return Err(refusal.help("leave `output` out"));
        }
        let Some(mut units) = ahead.units.clone() else {
            ahead.level += 1;
            return Ok(());
        };
        if units.is_empty() {
            let refusal = Refusal::new("no layer of this model has units that only the next one reads");
            return Err(refusal.help("prune weights instead: `prune = { rate = 0.2 }`"));
        }
        for units in &mut units {
            let layer = &ahead.layers[units.made];
            let gone = removed(self.rate.pruned(layer.kind)?, units.left);
            if gone == units.left {
                let message = format!("this removes the last units of a layer that has {}", units.count);
                return Err(Refusal::of("rate", message).help("prune less, or fewer times"));
            }
            units.left -= gone;
        }
        ahead.keep_units(units);
        ahead.level += 1;
        Ok(())
    }

    fn apply(&self, work: &Work<'_>, mut ticket: Ticket) -> Result<Outcome, Failure> {
        let gone = |units: UnitGroup| Ok((self.lowest(&units, work.model, &ticket)?, units));
        let gone: Vec<(Mask, UnitGroup)> =
            work.model.unit_groups().into_iter().map(gone).collect::<Result<_, Refusal>>()?;
        gone.iter().for_each(|(gone, units)| units.mask(work.model, &mut ticket, gone));
        ticket.apply_masks();
        Ok(ticket.into())
    }
}

impl PruneUnits {
    /// The units of a group that go, of those that are left: that keep an incoming and an outgoing weight.
    fn lowest(&self, units: &UnitGroup, model: &Model, ticket: &Ticket) -> Result<Mask, Refusal> {
        let param = &model.params[units.made];
        let Some(kind) = param.kind else { return Ok(Mask::from_fn(units.count, |_| false)) };
        let mut norms = vec![0.0; units.count];
        if let (Some(array), Some(mask)) = (ticket.arrays.get(&param.name), ticket.masks.get(&param.name)) {
            let unit = units.unit_of(param, true);
            mask.indices().for_each(|index| norms[unit(index)] += self.norm.of(array.values[index]));
        }
        let scores: Vec<f32> = norms.into_iter().map(|norm| norm as f32).collect();
        let degrees = units.degrees(model, ticket);
        let before = Mask::from_fn(units.count, |unit| degrees[unit].iter().all(|degree| *degree > 0));
        let mut after = before.clone();
        let left = before.kept();
        // Where weights were pruned one by one before, fewer units may be left than were foreseen.
        let count = removed(self.rate.pruned(kind)?, left).min(left.saturating_sub(1));
        remove_lowest(&mut [Scored { scores: &scores, mask: &mut after }], count);
        Ok(Mask::from_fn(units.count, |unit| before.keeps(unit) && !after.keeps(unit)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::layer::{Flatten, Relu};
    use crate::model::testing::{linear, model, part};
    use crate::ticket::Array;

    /// 2 → 3 units → 2, with these weights in the first layer, a row an input.
    fn small(weights: [f32; 6], keeps: impl Fn(usize) -> bool) -> (Model, Ticket) {
        let model =
            model([1, 1, 2], vec![part("flat", Flatten {}), linear("a", 3), part("relu", Relu {}), linear("out", 2)]);
        let mut ticket = Ticket::default();
        for param in &model.params {
            let values = if param.name == "a.weight" { weights.to_vec() } else { vec![1.0; param.len()] };
            ticket.arrays.insert(param.name.clone(), Array { shape: param.shape.clone(), values });
        }
        ticket.masks.insert("a.weight".into(), Mask::from_fn(6, keeps));
        ticket.masks.insert("out.weight".into(), Mask::ones(6));
        (model, ticket)
    }

    fn gone(config: serde_json::Value, (model, ticket): (Model, Ticket)) -> Vec<usize> {
        let prune: PruneUnits = serde_json::from_value(config).unwrap();
        prune.lowest(&model.unit_groups()[0], &model, &ticket).unwrap().indices().collect()
    }

    #[test]
    fn the_units_of_smallest_norm_go_worked_by_hand() {
        // Columns (1, 1), (0, −1.8), (3, 0): sums of magnitudes 2, 1.8 and 3, of squares 2, 3.24 and 9.
        let weights = [1.0, 0.0, 3.0, 1.0, -1.8, 0.0];
        let of = |config| gone(config, small(weights, |_| true));
        assert_eq!(of(json!({ "rate": 0.3 })), [1], "0.9 of a unit is one");
        assert_eq!(of(json!({ "rate": 0.3, "norm": "l2" })), [0]);
        assert_eq!(of(json!({ "rate": { "linear": 0.5 } })), [0, 1], "half of 3, half up");
        assert_eq!(of(json!({ "rate": 0.1 })), [0usize; 0]);
        assert_eq!(of(json!({ "rate": 1.0 })), [0, 1], "the last stays");
    }

    #[test]
    fn of_equal_norms_the_first_goes_and_what_is_masked_does_not_count() {
        assert_eq!(gone(json!({ "rate": 0.3 }), small([1.0; 6], |_| true)), [0]);
        // Unit 2 keeps one weight of two; unit 0 none, and is gone already: one of the two left goes.
        let keeps = |index: usize| ![0, 3, 5].contains(&index);
        assert_eq!(gone(json!({ "rate": 0.5 }), small([9.0, 1.0, 1.5, 9.0, 1.0, 9.0], keeps)), [2]);
    }
}
