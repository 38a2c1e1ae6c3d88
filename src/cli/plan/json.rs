//! The plan as JSON, for programs: docs/plan.md says what each key is.

use serde::Serialize;

use super::Joined;
use super::changes::Change;
use super::ladder::rung;
use super::memory::Memory;
use super::why::Why;
use crate::cli::{Ended, layers};
use crate::plan::PlannedTicket;
use crate::record::EarlyStop;
use crate::registry::Use;
use crate::run::State;

#[derive(Serialize)]
struct PlanJson<'a> {
    experiment: &'a str,
    device: &'a str,
    store: String,
    /// In what the spec is not the one that was locked.
    unlike_lock: Option<&'a str>,
    recorded: usize,
    new: usize,
    iterations: u64,
    time: TimeJson,
    disk: DiskJson,
    memory: MemoryJson<'a>,
    variants: Vec<VariantJson<'a>>,
    steps: Vec<StepJson<'a>>,
    tickets: Vec<TicketJson<'a>>,
    /// Tickets that analyses measure; absent where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    analyses: Vec<TicketJson<'a>>,
}

#[derive(Serialize)]
struct TimeJson {
    seconds: Option<f64>,
    work_seconds: Option<f64>,
    jobs: usize,
    iterations_known: u64,
    iterations_unknown: u64,
    analyses_unknown: usize,
    recorded_trainings: usize,
    measured_iterations: u64,
    measured_parts: u64,
}

#[derive(Serialize)]
struct DiskJson {
    bytes: u64,
    checkpoint_bytes: u64,
    free_bytes: Option<u64>,
}

#[derive(Serialize)]
struct MemoryJson<'a> {
    bytes: u64,
    data_bytes: u64,
    mapped_bytes: u64,
    step_bytes: u64,
    step: Option<&'a str>,
    free_bytes: Option<u64>,
}

#[derive(Serialize)]
struct VariantJson<'a> {
    variant: &'a str,
    model: &'a str,
    parameters: usize,
    prunable_weights: usize,
    multiply_adds: u64,
    /// In the order of `kept_by_layer`.
    prunable_tensors: Vec<&'a str>,
    shared_units: Vec<&'a str>,
    layers: Vec<LayerJson>,
}

#[derive(Serialize)]
struct LayerJson {
    layer: String,
    output: Vec<usize>,
    parameters: usize,
    prunable_weights: usize,
    multiply_adds: u64,
}

/// A step; its variant and pipeline are the first that it is of.
#[derive(Serialize)]
struct StepJson<'a> {
    id: &'a str,
    variant: &'a str,
    pipeline: &'a str,
    stage: &'a Use,
    replicate: u32,
    level: u32,
    draw: u32,
    parent: Option<&'a str>,
    iterations: u64,
    /// How many of them its checkpoint saves.
    iterations_done: u64,
    recorded: bool,
    recorded_by: Option<&'a str>,
    state: &'static str,
    /// In words; `null` of a step that is not to run.
    why_new: Option<String>,
    changes: &'a [Change],
    follows: Option<&'a str>,
    seconds: Option<f64>,
}

#[derive(Serialize)]
struct TicketJson<'a> {
    variant: &'a str,
    pipeline: &'a str,
    replicate: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    other_replicate: Option<u32>,
    level: u32,
    draw: u32,
    kept_weights: usize,
    prunable_weights: usize,
    #[serde(skip_serializing_if = "EarlyStop::is_usual")]
    early_stop: EarlyStop,
    kept_by_layer: Option<Vec<usize>>,
    multiply_adds: Option<u64>,
    about: bool,
    at_most: bool,
    step: &'a str,
}

pub fn json(joined: &Joined<'_>) -> Result<String, Ended> {
    let (plan, time) = (joined.plan(), &joined.time);
    let is_known = time.known > 0 || time.work > 0.0 || (time.unknown == 0 && time.untold == 0);
    let json = PlanJson {
        experiment: &joined.opened.spec.name,
        device: &joined.opened.compute.kind,
        store: joined.store.display().to_string(),
        unlike_lock: Some(joined.unlike.as_str()).filter(|unlike| !unlike.is_empty()),
        recorded: joined.recorded(),
        new: joined.to_run(),
        iterations: joined.iterations(),
        time: TimeJson {
            seconds: is_known.then_some(time.elapsed),
            work_seconds: is_known.then_some(time.work),
            jobs: time.jobs,
            iterations_known: time.known,
            iterations_unknown: time.unknown,
            analyses_unknown: time.untold,
            recorded_trainings: time.recorded,
            measured_iterations: time.measured,
            measured_parts: time.parts,
        },
        disk: DiskJson { bytes: joined.disk, checkpoint_bytes: joined.checkpoints, free_bytes: joined.free },
        memory: memory(&joined.memory),
        variants: (0..plan.variants.len()).map(|number| variant(joined, number)).collect(),
        steps: (0..plan.steps.len()).map(|number| step(joined, number)).collect(),
        tickets: tickets(joined, &plan.tickets),
        analyses: tickets(joined, &plan.analyses),
    };
    serde_json::to_string_pretty(&json).map_err(|e| format!("cannot write the plan as JSON: {e}").into())
}

fn memory<'a>(memory: &Memory<'a>) -> MemoryJson<'a> {
    MemoryJson {
        bytes: memory.least(),
        data_bytes: memory.data,
        mapped_bytes: memory.mapped,
        step_bytes: memory.step.map_or(0, |(_, bytes)| bytes),
        step: memory.step.map(|(step, _)| step.id.as_str()),
        free_bytes: memory.free,
    }
}

fn variant<'a>(joined: &Joined<'a>, number: usize) -> VariantJson<'a> {
    let planned = &joined.plan().variants[number];
    let layers = layers::of(&planned.model);
    VariantJson {
        variant: &planned.name,
        model: &joined.opened.spec.variants[number].model.name,
        parameters: planned.model.parameters(),
        prunable_weights: layers.iter().map(|layer| layer.prunable).sum(),
        multiply_adds: layers.iter().map(|layer| layer.multiply_adds).sum(),
        prunable_tensors: planned.model.prunable().map(|(param, _)| param.name.as_str()).collect(),
        shared_units: planned.model.shared_units(),
        layers: layers
            .into_iter()
            .map(|layer| LayerJson {
                layer: layer.name,
                output: layer.output,
                parameters: layer.parameters,
                prunable_weights: layer.prunable,
                multiply_adds: layer.multiply_adds,
            })
            .collect(),
    }
}

fn step<'a>(joined: &'a Joined<'_>, number: usize) -> StepJson<'a> {
    let plan = joined.plan();
    let (step, why) = (&plan.steps[number], &joined.why[number]);
    let id = |step: usize| plan.steps[step].id.as_str();
    let state = match joined.states[number] {
        State::Done => "recorded",
        State::Diverged => "diverged",
        State::FollowsDiverged => "follows-diverged",
        State::Stopped => "stopped",
        _ => "new",
    };
    StepJson {
        id: &step.id,
        variant: &plan.variants[step.variant].name,
        pipeline: &step.pipeline,
        stage: &step.stage,
        replicate: step.replicate,
        level: step.level,
        draw: step.draw,
        parent: step.parent.map(id),
        iterations: step.iterations,
        iterations_done: joined.partial[number],
        recorded: matches!(joined.states[number], State::Done | State::Diverged),
        recorded_by: joined.others[number].as_deref(),
        state,
        why_new: why.as_ref().map(|why| joined.reason(why, None)),
        changes: match why {
            Some(Why::Changed(changes)) => changes,
            _ => &[],
        },
        follows: match why {
            Some(Why::Follows(first)) => Some(id(*first)),
            _ => None,
        },
        seconds: joined.time.steps.get(number).copied().flatten().filter(|_| why.is_some()),
    }
}

fn tickets<'a>(joined: &Joined<'a>, of: &'a [PlannedTicket]) -> Vec<TicketJson<'a>> {
    let plan = joined.plan();
    let told = |ticket: &'a PlannedTicket| {
        let rung = rung(plan, ticket);
        let model = plan.model(&plan.steps[ticket.step]);
        TicketJson {
            variant: &plan.variants[ticket.variant].name,
            pipeline: &ticket.pipeline,
            replicate: ticket.replicate,
            other_replicate: plan.other_replicate(ticket),
            level: ticket.level,
            draw: ticket.draw,
            kept_weights: ticket.kept,
            prunable_weights: ticket.prunable,
            early_stop: ticket.early_stop,
            multiply_adds: rung.layers.as_ref().map(|layers| model.multiply_adds(layers.iter().copied())),
            kept_by_layer: rung.layers,
            about: rung.about,
            at_most: rung.gated,
            step: &plan.steps[ticket.step].id,
        }
    };
    of.iter().map(told).collect()
}
