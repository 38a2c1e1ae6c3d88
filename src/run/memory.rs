//! What a step's job is estimated to need of the memory: roughly, and rather too much.

use std::collections::HashMap;
use std::sync::Arc;

use super::data;
use crate::layer::{Flatten, Relu};
use crate::model::{Model, Node};
use crate::plan::{Plan, Step};
use crate::registry::Plugin;
use crate::spec::{DatasetSpec, Spec};
use crate::stage::Connectivity;
use crate::train::evaluation_batch;

/// How often a training holds its parameters at its end: values, the best state so far, the last one, and the ticket that it
/// writes. Before, it held gradients in place of the last two.
const COPIES: u64 = 4;
/// What the optimizer adds, if it is not known to have no moments: two, as Adam does.
const MOMENTS: u64 = 2;
/// What edge-popup adds: weights beneath, scores, and which are selected.
const SCORED: u64 = 3;
/// Gradients that flow at a time, each as large as the widest layer's values.
const FLOWS: u64 = 3;
/// How often a kernel at work holds its layer's largest parameter. A convolution's is packed, and its gradient is summed in
/// four parts; of a linear layer's, it is a part at a time.
const CONV_AT_WORK: u64 = 5;
const LINEAR_AT_WORK: u64 = 1;
/// What a job takes besides, whatever the model: a few megabytes of it hold the images that a kernel unrolls.
const OVERHEAD: u64 = 12_000_000;
/// What the program takes before there is a job: its code, the built-in data, what a report is made with.
pub const PROGRAM: u64 = 45_000_000;
/// What connectivity adds.
const LINE: u64 = 3;
const FLOAT: u64 = 4;
const LABEL: u64 = 2;

/// Bytes that an experiment's data takes, whatever the jobs. What is read as a folder is mapped: the system holds of it what
/// it has room for.
pub fn of_data(spec: &Spec) -> u64 {
    let bytes = |data: &DatasetSpec| {
        // Averaged images are in memory, wherever those that they are of rest.
        let mapped = data.content.is_some() && data.average.is_none();
        let pixels = if mapped { 0 } else { data.used_shape().iter().product::<usize>() as u64 };
        (pixels + LABEL).saturating_mul((data.train + data.test) as u64)
    };
    data::distinct(spec).into_iter().map(bytes).sum()
}

/// Bytes of an experiment's images that are mapped.
pub fn of_images(spec: &Spec) -> u64 {
    let mapped = data::distinct(spec).into_iter().filter(|data| data.content.is_some());
    mapped
        .map(|data| (data.shape.iter().product::<usize>() as u64).saturating_mul((data.train + data.test) as u64))
        .sum()
}

/// What each of these steps needs; of those that need the same for the same reason, one.
pub fn needs<'a>(plan: &'a Plan, steps: impl Iterator<Item = &'a Step>) -> Vec<(&'a Step, u64)> {
    // Steps are many and configurations few.
    let alike = |step: &Step| (step.variant, Arc::as_ptr(&step.stage), step.snapshots.len(), step.other.is_some());
    let distinct: HashMap<_, _> = steps.map(|step| (alike(step), step)).collect();
    distinct.into_values().map(|step| (step, of_step(plan, step))).collect()
}

/// The step that needs the most, and its bytes.
pub fn greatest<'a>(needs: &[(&'a Step, u64)]) -> Option<(&'a Step, u64)> {
    // Of equal ones the first by name, the same on every device.
    let place = |step: &'a Step| (step.variant, &*step.pipeline, step.level, step.replicate, step.draw);
    needs.iter().copied().max_by(|(a, bytes), (b, others)| bytes.cmp(others).then_with(|| place(b).cmp(&place(a))))
}

/// What a step's job is estimated to need.
pub fn of_step(plan: &Plan, step: &Step) -> u64 {
    let model = plan.model(step);
    let parameters: u64 = model.params.iter().map(|param| param.len() as u64).sum();
    let trained = step.stage.config["batch_size"].as_u64().unwrap_or(0);
    // A training holds what its step back reads, of all layers; an evaluation, what flows at the widest.
    let widest = model.walk().map(|node| node.output().len() as u64).max().unwrap_or(0);
    let read = read_back(model).saturating_add(widest * FLOWS).saturating_mul(trained);
    let flowing = read.max(widest.saturating_mul(FLOWS + 1).saturating_mul(evaluation_batch(model) as u64));
    let floats = (parameters * copies(step)).saturating_add(at_work(model)).saturating_add(flowing);
    floats.saturating_mul(FLOAT).saturating_add(OVERHEAD)
}

fn used<'a>(step: &'a Step, field: &str) -> &'a str {
    step.stage.config[field]["use"].as_str().unwrap_or_default()
}

/// How many values its optimizer keeps beside each.
pub fn moments(step: &Step) -> u64 {
    match used(step, "optimizer") {
        "sgd" => 1,
        "" => 0,
        _ => MOMENTS,
    }
}

/// Whether it learns weights under masks that stay.
pub fn learns_weights(step: &Step) -> bool {
    matches!(used(step, "learn"), "" | "weights")
}

/// How often a step holds its parameters, each snapshot twice: as it was taken, and as a ticket.
fn copies(step: &Step) -> u64 {
    let scored = if learns_weights(step) { 0 } else { SCORED };
    // A line between two ends: both, what is between them, and that again as it is evaluated.
    let line = if step.stage.name == Connectivity::NAME { LINE } else { 0 };
    COPIES + moments(step) + scored + line + 2 * step.snapshots.len() as u64 + u64::from(step.other.is_some())
}

/// Values of an example that the step back reads: all that leave a layer, but those that a ReLU overwrites, and what is the
/// same values in another shape.
fn read_back(model: &Model) -> u64 {
    let values = |node: &Node| match node {
        Node::Layer(placed) if [Relu::NAME, Flatten::NAME].contains(&placed.plugin.as_str()) => 0,
        node => node.output().len() as u64,
    };
    model.input.len() as u64 + model.walk().map(values).sum::<u64>()
}

/// What a kernel holds of the largest weights.
fn at_work(model: &Model) -> u64 {
    let largest = |conv: bool| {
        let weights = model.params.iter().filter(|param| (param.shape.len() > 2) == conv);
        weights.map(|param| param.len() as u64).max().unwrap_or(0)
    };
    (largest(true) * CONV_AT_WORK).max(largest(false) * LINEAR_AT_WORK)
}

/// How many jobs fit beside the data set, at most `wanted`; 0 where not one does.
pub fn fitting(wanted: usize, job: u64, data: u64, free: u64) -> usize {
    let fitting = free.saturating_sub(data) / job.max(1);
    wanted.min(usize::try_from(fitting).unwrap_or(usize::MAX))
}

/// Bytes that nobody uses, as the system tells them; fewer where the limit of a control group leaves fewer. `None` where
/// neither is told.
pub fn free() -> Option<u64> {
    let wanted = sysinfo::RefreshKind::nothing().with_memory(sysinfo::MemoryRefreshKind::nothing().with_ram());
    let system = sysinfo::System::new_with_specifics(wanted).ok()?;
    // The files that a group has read count as used, and give way: only what its processes hold is taken.
    let group = system.cgroup_limits().map(|limits| limits.total_memory.saturating_sub(limits.rss));
    let available = Some(system.available_memory()).filter(|bytes| *bytes > 0);
    available.into_iter().chain(group).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_jobs_fit_as_the_memory_beside_the_data_holds() {
        assert_eq!(fitting(8, 100, 50, 1000), 8);
        assert_eq!(fitting(8, 100, 50, 350), 3);
        assert_eq!(fitting(8, 100, 50, 149), 0);
        assert_eq!(fitting(8, 100, 50, 20), 0);
    }
}
