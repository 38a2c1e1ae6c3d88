//! How much of two tickets' masks is the same.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Ahead, Failure, Outcome, Stage, Work};
use crate::mask::Mask;
use crate::record::{Heading, Measured};
use crate::refusal::Refusal;
use crate::registry::Plugin;
use crate::ticket::Ticket;

/// Compares the ticket's masks with those of the ticket that its pipeline's fork gives with it: the weights that both
/// keep, over those that either keeps. By chance, masks that keep a and b of a layer's n weights would share a · b ÷ n.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Overlap {}

impl Plugin for Overlap {
    const NAME: &'static str = "overlap";
    const VERSION: u32 = 2;
    const SUMMARY: &'static str = "Measures how much of two tickets' masks is the same, beside what chance would give";
    const MEASURES: &'static [Heading] = &[
        Heading::number("overlap", "fraction"),
        Heading::number("overlap by chance", "fraction"),
        Heading::series("overlap by layer", "fraction", "layer"),
        Heading::series("overlap by layer, by chance", "fraction", "layer"),
    ];
}

impl Stage for Overlap {
    fn foresee(&self, ahead: &mut Ahead<'_>) -> Result<(), Refusal> {
        ahead.require_ticket(Self::NAME)?;
        if !ahead.beside {
            return Err(Refusal::new("`overlap` compares a ticket with another, and there is none")
                .help("let the pipeline fork: `use = \"overlap\"`, with `each` and `with`"));
        }
        ahead.measures = true;
        ahead.compares = true;
        Ok(())
    }

    fn apply(&self, work: &Work<'_>, ticket: Ticket) -> Result<Outcome, Failure> {
        let other = work.other.as_ref().ok_or_else(|| "there is no ticket to compare with".to_string())?;
        let layers: Vec<(&String, Shared)> = ticket
            .masks
            .iter()
            .map(|(name, mask)| match other.masks.get(name).filter(|other| other.len() == mask.len()) {
                Some(other) => Ok((name, Shared::of(mask, other))),
                None => Err(format!("{name} of the other ticket has another shape")),
            })
            .collect::<Result<_, _>>()?;
        let sum = layers.iter().fold(Shared::default(), |sum, (_, layer)| sum.plus(layer));
        let number = |name, value| Measured::number(name, "fraction", value);
        let each = |name, of: fn(&Shared) -> f64| {
            let points = layers.iter().map(|(name, layer)| (name.to_string(), of(layer)));
            Measured::each(name, "fraction", "layer", points)
        };
        let measured = vec![
            number("overlap", sum.overlap()),
            number("overlap by chance", sum.by_chance()),
            each("overlap by layer", Shared::overlap),
            each("overlap by layer, by chance", Shared::by_chance),
        ];
        Ok(Outcome { measured, ..ticket.into() })
    }
}

/// What two masks have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Shared {
    both: f64,
    either: f64,
    /// What both would keep were they drawn at random, and what either would.
    both_by_chance: f64,
    either_by_chance: f64,
}

impl Shared {
    fn of(one: &Mask, other: &Mask) -> Shared {
        let both = one.shared(other) as f64;
        let (a, b) = (one.kept() as f64, other.kept() as f64);
        let by_chance = a * b / one.len().max(1) as f64;
        Shared { both, either: a + b - both, both_by_chance: by_chance, either_by_chance: a + b - by_chance }
    }

    fn plus(self, other: &Shared) -> Shared {
        Shared {
            both: self.both + other.both,
            either: self.either + other.either,
            both_by_chance: self.both_by_chance + other.both_by_chance,
            either_by_chance: self.either_by_chance + other.either_by_chance,
        }
    }

    fn overlap(&self) -> f64 {
        ratio(self.both, self.either)
    }

    fn by_chance(&self) -> f64 {
        ratio(self.both_by_chance, self.either_by_chance)
    }
}

/// Two masks that keep nothing are the same.
fn ratio(both: f64, either: f64) -> f64 {
    if either == 0.0 { 1.0 } else { both / either }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(kept: &[usize]) -> Mask {
        Mask::from_fn(6, |weight| kept.contains(&weight))
    }

    #[test]
    fn masks_of_six_weights_worked_by_hand() {
        // {0, 1, 2} and {1, 2, 3, 4}: 2 of 5; by chance 3 · 4 ÷ 6 = 2 of 5, too.
        let shared = Shared::of(&mask(&[0, 1, 2]), &mask(&[1, 2, 3, 4]));
        assert_eq!((shared.overlap(), shared.by_chance()), (0.4, 0.4));
        // {0, 1} and {0, 1}: all; by chance 4/6 of 4 − 4/6.
        let same = Shared::of(&mask(&[0, 1]), &mask(&[0, 1]));
        assert_eq!(same.overlap(), 1.0);
        assert!((same.by_chance() - 0.2).abs() < 1e-15, "{}", same.by_chance());
        // Together 4 of 7.
        assert_eq!(shared.plus(&same).overlap(), 4.0 / 7.0);
        assert_eq!(Shared::of(&mask(&[]), &mask(&[])).overlap(), 1.0);
    }
}
