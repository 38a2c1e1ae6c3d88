//! `plan`: the steps of a run, recorded or new and why, and the ladder of weights remaining.

use std::fmt::Write;

use clap::Args;
use serde_json::{Value, json};

use super::open::Opened;
use super::{Ended, Experiment, print};
use crate::plan::Step;
use crate::registry::Registry;
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
        let news: Vec<Option<String>> = reasons(&opened, &store);
        match self.json {
            true => print(&format!("{:#}\n", as_json(&opened, &news))),
            false => print(&(steps(&opened, &news) + &ladder(&opened))),
        }
    }
}

/// Why each step is new; `None` for a step that is recorded.
fn reasons(opened: &Opened, store: &Store) -> Vec<Option<String>> {
    let mut news: Vec<Option<String>> = Vec::new();
    for step in &opened.plan.steps {
        let reason = match (store.complete(&step.id), step.parent) {
            (Some(_), _) => None,
            (None, Some(parent)) if news[parent].is_some() => Some("follows a new step".to_string()),
            (None, _) => Some(changed(step, store)),
        };
        news.push(reason);
    }
    news
}

/// What tells a new step from the recorded one that resembles it most: the same stage after the same parent.
fn changed(step: &Step, store: &Store) -> String {
    let same = |inputs: &Value| match step.parent {
        Some(_) => inputs["parent"] == step.inputs["parent"] && inputs["stage"]["use"] == step.inputs["stage"]["use"],
        None => inputs["parent"]["replicate"] == step.inputs["parent"]["replicate"] && inputs["parent"].is_object(),
    };
    let differences = |inputs: Value| {
        let mut found = Vec::new();
        differ("", &inputs, &step.inputs, &mut found);
        found
    };
    let nearest = store.all().filter(|stored| same(&stored.inputs)).map(|stored| differences(stored.inputs));
    match nearest.min_by_key(Vec::len) {
        Some(found) if !found.is_empty() => found.join(", "),
        _ => "not run yet".into(),
    }
}

/// The leaves that differ, as "length: 100it → 200it".
fn differ(path: &str, old: &Value, new: &Value, found: &mut Vec<String>) {
    if let (Value::Object(old), Value::Object(new)) = (old, new) {
        let keys = old.keys().chain(new.keys().filter(|key| !old.contains_key(*key)));
        for key in keys {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            differ(
                &path,
                &old.get(key).cloned().unwrap_or_default(),
                &new.get(key).cloned().unwrap_or_default(),
                found,
            );
        }
    } else if old != new {
        let path = path.trim_start_matches("parent.").trim_start_matches("stage.").replace("config.", "");
        found.push(format!("{path}: {old} → {new}"));
    }
}

fn steps(opened: &Opened, news: &[Option<String>]) -> String {
    let plan = &opened.plan;
    let new = news.iter().flatten().count();
    let iterations: u64 = plan.steps.iter().zip(news).filter(|(_, new)| new.is_some()).map(|(s, _)| s.iterations).sum();
    let mut text = format!(
        "{}: {} steps, {} recorded, {new} new with {iterations} iterations of training, on {}\n",
        opened.spec.name,
        plan.steps.len(),
        plan.steps.len() - new,
        opened.compute.kind
    );
    for (step, new) in plan.steps.iter().zip(news) {
        let state = new.as_ref().map_or("recorded".to_string(), |why| format!("new: {why}"));
        let (id, stage) = (&step.id[..8], &step.stage.name);
        let _ = writeln!(text, "  {id}  replicate {}  level {:>2}  {stage:<8}  {state}", step.replicate, step.level);
    }
    text
}

/// Weights remaining of each pipeline's tickets in the first replicate, with exact counts.
fn ladder(opened: &Opened) -> String {
    let mut text = String::from("\nweights remaining\n");
    for ticket in opened.plan.tickets.iter().filter(|t| t.replicate == 0 && t.draw == 0) {
        let share = percent(ticket.kept as f64 / ticket.prunable.max(1) as f64);
        let (name, level, kept, all) = (&ticket.pipeline, ticket.level, ticket.kept, ticket.prunable);
        let _ = writeln!(text, "  {name:<20} level {level:>2}  {share:>6}  {kept:>9} of {all}");
    }
    text
}

fn as_json(opened: &Opened, news: &[Option<String>]) -> Value {
    let step = |(step, new): (&Step, &Option<String>)| {
        json!({
            "id": step.id, "stage": step.stage, "replicate": step.replicate, "level": step.level, "draw": step.draw,
            "parent": step.parent.map(|parent| &opened.plan.steps[parent].id), "iterations": step.iterations,
            "recorded": new.is_none(), "why_new": new,
        })
    };
    let ticket = |ticket: &crate::plan::PlannedTicket| {
        json!({
            "pipeline": ticket.pipeline, "replicate": ticket.replicate, "level": ticket.level, "draw": ticket.draw,
            "kept_weights": ticket.kept, "prunable_weights": ticket.prunable, "step": opened.plan.steps[ticket.step].id,
        })
    };
    json!({
        "experiment": opened.spec.name,
        "device": opened.compute.kind,
        "steps": opened.plan.steps.iter().zip(news).map(step).collect::<Vec<_>>(),
        "tickets": opened.plan.tickets.iter().map(ticket).collect::<Vec<_>>(),
    })
}
