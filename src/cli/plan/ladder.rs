//! The ladder of weights remaining, with exact counts by layer.

use indexmap::IndexMap;

use super::Joined;
use super::text::{Table, Width, thousands};
use super::words::{levels, list};
use crate::cli::layers;
use crate::model::Model;
use crate::plan::{Plan, PlannedTicket, Step};
use crate::registry::Plugin;
use crate::stage::PruneUnits;
use crate::units::percent;

/// More than this of a kind are left out, unless all were asked for.
const LADDERS: usize = 6;
const PIECES: usize = 3;

/// A ticket's counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Rung {
    pub level: u32,
    pub kept: usize,
    pub prunable: usize,
    /// Kept weights of each prunable tensor; `None` where only the run divides them among tensors.
    pub layers: Option<Vec<usize>>,
    /// Whether even the total is only about what it will be.
    pub about: bool,
    /// Whether a stop rule may end the pipeline before it.
    pub gated: bool,
}

pub fn rung(plan: &Plan, ticket: &PlannedTicket) -> Rung {
    let step = &plan.steps[ticket.step];
    Rung {
        level: ticket.level,
        kept: ticket.kept,
        prunable: ticket.prunable,
        about: step.about,
        layers: (!step.divided && !step.about).then(|| step.layers.iter().map(|layer| layer.kept).collect()),
        gated: !ticket.gates.is_empty(),
    }
}

/// Models and ladders, those that are alike once.
pub fn lines(joined: &Joined<'_>, all: bool, width: Width) -> String {
    let plan = joined.plan();
    let mut models: Vec<(Vec<&str>, String)> = Vec::new();
    let mut found: Vec<(Vec<&str>, String)> = Vec::new();
    for (number, variant) in plan.variants.iter().enumerate() {
        let name = variant.name.as_str();
        let table = layers::table(&joined.opened.spec.variants[number].model.name, &variant.model, all, width);
        let ladders = ladders(plan, number);
        let text = ladders.iter().map(|ladder| ladder.lines(&variant.model, all, width)).collect::<String>();
        let text = text + &shared_units(plan, number, all, width);
        for (list, text) in [(&mut models, table), (&mut found, text)] {
            match list.iter_mut().find(|(_, same)| *same == text) {
                Some((names, _)) => names.push(name),
                None => list.push((vec![name], text)),
            }
        }
    }
    let told = |heading: &str, list_of: &[(Vec<&str>, String)]| {
        let shown = if all { list_of.len() } else { list_of.len().min(LADDERS) };
        let mut text = format!("\n{heading}\n");
        for (names, body) in &list_of[..shown] {
            if !names[0].is_empty() {
                text += &width.wrapped("  ", "  ", &list(names, if all { usize::MAX } else { LADDERS }));
            }
            text += body;
        }
        let hidden: usize = list_of[shown..].iter().map(|(names, _)| names.len()).sum();
        if hidden > 0 {
            text += &width.wrapped("  ", "  ", &format!("… of {hidden} more variants: `--all` shows everything"));
        }
        text
    };
    told("model", &models) + &told("weights remaining", &found)
}

/// Where units are pruned, the layers whose units stay.
fn shared_units(plan: &Plan, variant: usize, all: bool, width: Width) -> String {
    let prunes = |step: &Step| step.variant == variant && step.stage.name == PruneUnits::NAME;
    if !plan.steps.iter().any(prunes) {
        return String::new();
    }
    let stay = list(&plan.variants[variant].model.shared_units(), if all { usize::MAX } else { LADDERS });
    width.wrapped("  ", "  ", &format!("units stay that more than the next layer reads, or none: of {stay}"))
}

/// The tickets of a pipeline, and the pipelines that have these, or some of these.
struct Ladder<'a> {
    rungs: Vec<Rung>,
    pipelines: Vec<(&'a str, Vec<Rung>)>,
}

/// A variant's ladders, by the first replicate: others differ in their draws only.
fn ladders(plan: &Plan, variant: usize) -> Vec<Ladder<'_>> {
    let mut pipelines: IndexMap<&str, Vec<Rung>> = IndexMap::new();
    for ticket in plan.tickets.iter().filter(|t| (t.variant, t.replicate, t.draw) == (variant, 0, 0)) {
        pipelines.entry(&ticket.pipeline).or_default().push(rung(plan, ticket));
    }
    let mut order: Vec<(&str, Vec<Rung>)> = pipelines.into_iter().collect();
    // The longest first, others among those that they are part of.
    order.sort_by_key(|(_, rungs)| std::cmp::Reverse(rungs.len()));
    let mut ladders: Vec<Ladder<'_>> = Vec::new();
    for (name, rungs) in order {
        let holds = |ladder: &&mut Ladder<'_>| rungs.iter().all(|rung| ladder.rungs.iter().any(|own| same(own, rung)));
        match ladders.iter_mut().find(holds) {
            Some(ladder) => ladder.pipelines.push((name, rungs)),
            None => ladders.push(Ladder { rungs: rungs.clone(), pipelines: vec![(name, rungs)] }),
        }
    }
    ladders
}

fn same(one: &Rung, other: &Rung) -> bool {
    (one.level, one.kept, &one.layers) == (other.level, other.kept, &other.layers)
}

impl Ladder<'_> {
    fn lines(&self, model: &Model, all: bool, width: Width) -> String {
        let named = |(name, rungs): &(&str, Vec<Rung>)| match rungs.len() == self.rungs.len() {
            true => name.to_string(),
            false => format!("{name} at {}", levels(rungs.iter().map(|rung| rung.level))),
        };
        let shown = if all { self.pipelines.len() } else { self.pipelines.len().min(LADDERS) };
        let mut heading = self.pipelines[..shown].iter().map(named).collect::<Vec<_>>().join("; ");
        if shown < self.pipelines.len() {
            heading += &format!("; … and {} more", self.pipelines.len() - shown);
        }
        let by_layer = all || model.prunable().count() <= layers::LAYERS;
        let tensors: Vec<&str> = model.prunable().filter(|_| by_layer).map(|(param, _)| param.name.as_str()).collect();
        let names = ["level", "remaining"].into_iter().chain(tensors).chain(["all layers", "multiply-adds"]);
        let table = Table {
            names: names.map(String::from).collect(),
            columns: self.rungs.iter().map(|rung| rung.column(model, by_layer)).collect(),
        };
        let (lines, left_out) = table.lines("  ", width.columns(), if all { usize::MAX } else { PIECES });
        let mut text = width.wrapped("  ", "    ", &heading) + &lines;
        if left_out > 0 {
            text += &width.wrapped("  ", "  ", &format!("… {left_out} more tickets: `--all` shows everything"));
        }
        if !by_layer {
            text += &width.wrapped("  ", "  ", "… by layer: `--all` shows everything");
        }
        let gated = self.rungs.iter().find(|rung| rung.gated);
        if let Some(rung) = gated {
            text +=
                &width.wrapped("  ", "  ", &format!("at most: from level {} on, a stop rule may end it", rung.level));
        }
        if self.rungs.iter().any(|rung| rung.about) {
            let words = "about: single weights went before, and only the run tells which of them go with a unit";
            text += &width.wrapped("  ", "  ", words);
        }
        if self.rungs.iter().any(|rung| rung.layers.is_none() && !rung.about) {
            text +=
                &width.wrapped("  ", "  ", "?: all tensors are ranked together, and only the run divides the total");
        }
        text
    }
}

impl Rung {
    fn column(&self, model: &Model, by_layer: bool) -> Vec<String> {
        let about = if self.about { "~" } else { "" };
        let remaining = percent(self.kept as f64 / self.prunable.max(1) as f64);
        let mut column = vec![self.level.to_string(), format!("{about}{remaining}")];
        match &self.layers {
            _ if !by_layer => {}
            Some(layers) => column.extend(layers.iter().map(|kept| thousands(*kept as u64))),
            None => column.extend(model.prunable().map(|_| "?".to_string())),
        }
        column.push(format!("{about}{}", thousands(self.kept as u64)));
        let adds = self.layers.as_ref().map(|layers| model.multiply_adds(layers.iter().copied()));
        column.push(adds.map_or("?".to_string(), thousands));
        column
    }
}
