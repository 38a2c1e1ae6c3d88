//! What a step's job is estimated to need of the memory: roughly, and rather too much.

use std::collections::HashMap;
use std::sync::Arc;

use super::data;
use crate::plan::{Plan, Step};
use crate::spec::{DatasetSpec, Spec};
use crate::train::evaluation_batch;

/// How often a training holds its parameters: values, gradients, two moments, a mask, the best state so far, the ticket
/// that it began from, the one that it writes and its bytes, and what products work in.
const COPIES: u64 = 11;
/// How often it holds what flows between its layers: values, and gradients.
const FLOWS: u64 = 2;
/// How often a kernel at work holds its layer's largest parameter: packed, and the sums of its gradient's four parts.
const AT_WORK: u64 = 5;
/// What a job takes besides, whatever the model: a few megabytes of it hold the images that a kernel unrolls.
const OVERHEAD: u64 = 12_000_000;
const FLOAT: u64 = 4;

/// Bytes that an experiment's data takes, whatever the jobs.
pub fn of_data(spec: &Spec) -> u64 {
    let bytes = |data: &DatasetSpec| {
        (data.used_shape().iter().product::<usize>() as u64 + 1).saturating_mul((data.train + data.test) as u64)
    };
    data::distinct(spec).into_iter().map(bytes).sum()
}

/// The step that needs the most of these, and its bytes.
pub fn greatest<'a>(plan: &'a Plan, steps: impl Iterator<Item = &'a Step>) -> Option<(&'a Step, u64)> {
    // Steps are many and configurations few.
    let alike = |step: &Step| (step.variant, Arc::as_ptr(&step.stage), step.snapshots.len());
    let distinct: HashMap<_, _> = steps.map(|step| (alike(step), step)).collect();
    let steps = distinct.into_values().map(|step| (step, of_step(plan, step)));
    steps.max_by(|(a, bytes), (b, others)| bytes.cmp(others).then(b.id.cmp(&a.id)))
}

fn of_step(plan: &Plan, step: &Step) -> u64 {
    let model = plan.model(step);
    let parameters: u64 = model.params.iter().map(|param| param.len() as u64).sum();
    let largest = model.params.iter().map(|param| param.len() as u64).max().unwrap_or(0);
    let values = model.input.len() as u64 + model.walk().map(|node| node.output().len() as u64).sum::<u64>();
    let snapshots = step.snapshots.len() as u64;
    let trained = step.stage.config["batch_size"].as_u64().unwrap_or(0);
    // A training holds what flows between all layers; an evaluation, what flows at the widest.
    let widest = model.walk().map(|node| node.output().len() as u64).max().unwrap_or(0);
    let flowing = values.saturating_mul(trained).max(widest.saturating_mul(evaluation_batch(model) as u64 * 2));
    let floats = (parameters * (COPIES + snapshots) + largest * AT_WORK).saturating_add(flowing.saturating_mul(FLOWS));
    floats.saturating_mul(FLOAT).saturating_add(OVERHEAD)
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
