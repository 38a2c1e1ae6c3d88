//! What a step is estimated to take of the disk.

use super::memory::{learns_weights, moments};
use crate::model::Model;
use crate::plan::{Plan, Step};

/// File systems give room in blocks, to each file and folder.
const BLOCK: u64 = 4096;
const FLOAT: u64 = 4;
/// What a ticket says of itself, and of each array besides its name.
const TICKET: u64 = 200;
const ARRAY: u64 = 80;
/// A record without inputs, layers and training.
const RECORD: u64 = 720;
/// A tensor's counts besides its name.
const LAYER: u64 = 65;
/// What a training adds, and each evaluation of its curve.
const TRAINING: u64 = 320;
const EVALUATION: u64 = 46;

/// Bytes of a step's inputs as its record has them.
pub fn of_inputs(plan: &Plan, step: &Step) -> u64 {
    plan.inputs(step).to_string().len() as u64
}

/// Bytes that a step takes in the store, its folder included; `inputs` are those of what its id was made of,
/// `evaluations` the points of its curve.
pub fn of_step(plan: &Plan, step: &Step, inputs: u64, evaluations: u64) -> u64 {
    let model = plan.model(step);
    let (ticket, layers) = (of_ticket(model), model.prunable().map(|(param, _)| LAYER + param.name.len() as u64));
    let training = if step.iterations > 0 { TRAINING + EVALUATION * evaluations } else { 0 };
    let record = inputs + RECORD + layers.sum::<u64>() + training;
    // A snapshot's hash is a file of its own.
    let snapshots = step.snapshots.len() as u64 * (blocks(ticket) + BLOCK);
    BLOCK + blocks(ticket) + blocks(record) + snapshots
}

/// Bytes of a training's checkpoint at most: values and masks as they stand and at the best evaluation, those of each
/// snapshot, and what optimizer and learner keep besides.
pub fn of_checkpoint(plan: &Plan, step: &Step) -> u64 {
    let model = plan.model(step);
    let parameters = model.params.iter().map(|param| param.len() as u64).sum::<u64>();
    let scores = u64::from(!learns_weights(step));
    let states = 2 + step.snapshots.len() as u64;
    BLOCK + blocks(of_ticket(model) * states + parameters * FLOAT * (moments(step) + scores))
}

/// Every parameter and buffer, masked or not, and a bit for each weight that a mask is on.
fn of_ticket(model: &Model) -> u64 {
    let array = |name: &str| ARRAY + 2 * name.len() as u64;
    let arrays = model.params.iter().map(|param| param.len() as u64 * FLOAT + array(&param.name));
    let masks = model.prunable().map(|(param, _)| (param.len() as u64).div_ceil(8) + array(&param.name));
    TICKET + arrays.chain(masks).sum::<u64>()
}

fn blocks(bytes: u64) -> u64 {
    bytes.div_ceil(BLOCK) * BLOCK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_takes_whole_blocks() {
        assert_eq!([0, 1, 4096, 4097].map(blocks), [0, 4096, 4096, 8192]);
    }
}
