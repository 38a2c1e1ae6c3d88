//! `plan`: the steps of a run, recorded or new and why, and the ladder of weights remaining.

use std::fmt::Write;

use clap::Args;
use serde::Serialize;

use super::news::reasons;
use super::open::Opened;
use super::{Ended, Experiment, count, print};
use crate::plan::Plan;
use crate::registry::{Registry, Use};
use crate::run::Store;
use crate::units::percent;

#[derive(Args)]
pub struct PlanCommand {
    #[command(flatten)]
    experiment: Experiment,
    /// Print the plan as JSON, for programs
    #[arg(long)]
    json: bool,
}

impl PlanCommand {
    pub fn run(&self, registry: &Registry) -> Result<(), Ended> {
        let opened = self.experiment.open(registry)?;
        let store = Store::open(&self.experiment.runs);
        let news = reasons(&opened.plan, &store);
        match self.json {
            true => print(&(as_json(&opened, &news)? + "\n")),
            false => print(&(steps(&opened, &news) + &ladder(&opened))),
        }
    }
}

fn steps(opened: &Opened, news: &[Option<String>]) -> String {
    let plan = &opened.plan;
    let new = news.iter().flatten().count();
    let iterations: u64 = plan.steps.iter().zip(news).filter(|(_, new)| new.is_some()).map(|(s, _)| s.iterations).sum();
    let sweep = match plan.variants.as_slice() {
        [only] if only.name.is_empty() => String::new(),
        variants => count(variants.len(), "variant") + ", ",
    };
    let mut text = format!(
        "{}: {sweep}{} steps, {} recorded, {new} new with {iterations} iterations of training, on {}\n",
        opened.spec.name,
        plan.steps.len(),
        plan.steps.len() - new,
        opened.compute.kind
    );
    let mut headings = Headings::of(plan);
    for (step, new) in plan.steps.iter().zip(news) {
        text += &headings.before(step.variant);
        let state = new.as_ref().map_or("recorded".to_string(), |why| format!("new: {why}"));
        let (id, stage) = (&step.id[..8], &step.stage.name);
        let _ = writeln!(text, "  {id}  replicate {}  level {:>2}  {stage:<8}  {state}", step.replicate, step.level);
    }
    text
}

/// Weights remaining of each pipeline's tickets in the first replicate, with exact counts.
fn ladder(opened: &Opened) -> String {
    let mut text = String::from("\nweights remaining\n");
    let mut headings = Headings::of(&opened.plan);
    for ticket in opened.plan.tickets.iter().filter(|t| t.replicate == 0 && t.draw == 0) {
        text += &headings.before(ticket.variant);
        let share = percent(ticket.kept as f64 / ticket.prunable.max(1) as f64);
        let (name, level, kept, all) = (&ticket.pipeline, ticket.level, ticket.kept, ticket.prunable);
        let _ = writeln!(text, "  {name:<20} level {level:>2}  {share:>6}  {kept:>9} of {all}");
    }
    text
}

/// A line before the first of each variant's lines; none where there is no sweep.
struct Headings<'a> {
    plan: &'a Plan,
    last: Option<usize>,
}

impl Headings<'_> {
    fn of(plan: &Plan) -> Headings<'_> {
        Headings { plan, last: None }
    }

    fn before(&mut self, variant: usize) -> String {
        let name = &self.plan.variants[variant].name;
        match self.last.replace(variant) {
            Some(last) if last == variant => String::new(),
            _ if name.is_empty() => String::new(),
            _ => format!("  {name}\n"),
        }
    }
}

/// A step as `--json` gives it.
#[derive(Serialize)]
struct StepJson<'a> {
    id: &'a str,
    /// The first that it is of.
    variant: &'a str,
    stage: &'a Use,
    replicate: u32,
    level: u32,
    draw: u32,
    parent: Option<&'a str>,
    iterations: u64,
    recorded: bool,
    why_new: Option<&'a str>,
}

#[derive(Serialize)]
struct TicketJson<'a> {
    variant: &'a str,
    pipeline: &'a str,
    replicate: u32,
    level: u32,
    draw: u32,
    kept_weights: usize,
    prunable_weights: usize,
    step: &'a str,
}

#[derive(Serialize)]
struct PlanJson<'a> {
    experiment: &'a str,
    device: &'a str,
    steps: Vec<StepJson<'a>>,
    tickets: Vec<TicketJson<'a>>,
}

fn as_json(opened: &Opened, news: &[Option<String>]) -> Result<String, Ended> {
    let planned = &opened.plan.steps;
    let id = |step: usize| planned[step].id.as_str();
    let variant = |number: usize| opened.plan.variants[number].name.as_str();
    let steps = planned.iter().zip(news).map(|(step, new)| StepJson {
        id: &step.id,
        variant: variant(step.variant),
        stage: &step.stage,
        replicate: step.replicate,
        level: step.level,
        draw: step.draw,
        parent: step.parent.map(id),
        iterations: step.iterations,
        recorded: new.is_none(),
        why_new: new.as_deref(),
    });
    let tickets = opened.plan.tickets.iter().map(|ticket| TicketJson {
        variant: variant(ticket.variant),
        pipeline: &ticket.pipeline,
        replicate: ticket.replicate,
        level: ticket.level,
        draw: ticket.draw,
        kept_weights: ticket.kept,
        prunable_weights: ticket.prunable,
        step: id(ticket.step),
    });
    let plan = PlanJson {
        experiment: &opened.spec.name,
        device: &opened.compute.kind,
        steps: steps.collect(),
        tickets: tickets.collect(),
    };
    serde_json::to_string_pretty(&plan).map_err(|e| format!("cannot write the plan as JSON: {e}").into())
}
