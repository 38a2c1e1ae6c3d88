//! The anatomy of a ticket: what its masks leave of the network.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Ahead, Failure, Outcome, Stage, Work};
use crate::mask::Mask;
use crate::model::{Paths, Units};
use crate::record::{Heading, Measured};
use crate::refusal::Refusal;
use crate::registry::Plugin;
use crate::ticket::Ticket;

/// Measures a ticket's weights remaining, all and layer by layer; its effective weights, which are those on a path of
/// kept weights from input to output; its dead units, to which no kept weight leads or from which none does, and those
/// cut off, which are on no path; and the multiply-adds of the dense network, of kept and of effective weights. Units are
/// channels or features; biases are left aside.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Anatomy {}

impl Plugin for Anatomy {
    const NAME: &'static str = "anatomy";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Measures dead units, effective weights, layers' weights remaining and multiply-adds";
    const SOURCE: &'static str = "Vysogorets & Kempe 2023, Connectivity matters, §3";
    const MEASURES: &'static [Heading] = &[
        Heading::number("weights remaining", "fraction"),
        Heading::number("effective weights remaining", "fraction"),
        Heading::number("dead units", "units"),
        Heading::number("units cut off", "units"),
        Heading::number("multiply-adds, dense", "multiply-adds"),
        Heading::number("multiply-adds of kept weights", "multiply-adds"),
        Heading::number("multiply-adds of effective weights", "multiply-adds"),
        Heading::series("weights remaining by layer", "fraction", "layer"),
        Heading::series("effective weights remaining by layer", "fraction", "layer"),
        Heading::series("dead units by layer", "units", "layer"),
        Heading::series("units cut off by layer", "units", "layer"),
    ];
}

impl Stage for Anatomy {
    fn foresee(&self, ahead: &mut Ahead<'_>) -> Result<(), Refusal> {
        ahead.require_ticket(Self::NAME)?;
        ahead.measures = true;
        Ok(())
    }

    fn apply(&self, work: &Work<'_>, ticket: Ticket) -> Result<Outcome, Failure> {
        let model = work.model;
        let Paths { effective, units } = model.paths(&ticket);
        let names: Vec<&str> = model.prunable().map(|(param, _)| param.name.as_str()).collect();
        let counts = model.counts(&ticket);
        let all: Vec<usize> = counts.iter().map(|count| count.prunable).collect();
        let kept: Vec<usize> = counts.iter().map(|count| count.kept).collect();
        let effective: Vec<usize> = effective.iter().map(Mask::kept).collect();
        let each = |name: &str, unit: &str, values: Vec<f64>| {
            Measured::each(name, unit, "layer", names.iter().map(|name| name.to_string()).zip(values))
        };
        let shares = |some: &[usize]| some.iter().zip(&all).map(|(some, all)| share(*some, *all)).collect();
        let of_units = |count: fn(&Units) -> usize| units.iter().map(|units| count(units) as f64).collect::<Vec<_>>();
        let sum = |counts: &[usize]| counts.iter().sum::<usize>();
        let number = |name, unit, value: u64| Measured::number(name, unit, value as f64);
        let adds = |of: &[usize]| model.multiply_adds(of.iter().copied());
        let (dead, cut_off) = (of_units(|units| units.dead), of_units(|units| units.cut_off));
        let measured = vec![
            Measured::number("weights remaining", "fraction", share(sum(&kept), sum(&all))),
            Measured::number("effective weights remaining", "fraction", share(sum(&effective), sum(&all))),
            Measured::number("dead units", "units", dead.iter().sum()),
            Measured::number("units cut off", "units", cut_off.iter().sum()),
            number("multiply-adds, dense", "multiply-adds", adds(&all)),
            number("multiply-adds of kept weights", "multiply-adds", adds(&kept)),
            number("multiply-adds of effective weights", "multiply-adds", adds(&effective)),
            each("weights remaining by layer", "fraction", shares(&kept)),
            each("effective weights remaining by layer", "fraction", shares(&effective)),
            each("dead units by layer", "units", dead),
            each("units cut off by layer", "units", cut_off),
        ];
        Ok(Outcome { measured, ..ticket.into() })
    }
}

fn share(some: usize, all: usize) -> f64 {
    some as f64 / all.max(1) as f64
}
