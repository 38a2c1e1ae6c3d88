//! The way back through a kernel.

use std::cell::RefCell;
use std::collections::HashSet;

use burn::backend::TensorMetadata;
use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::backend::tensor::FloatTensor;

use super::Host;
use super::late::{Following, Job};
use crate::kernel::{self, INPUTS, Incoming, Reads};

/// What a step forward leaves for the step back.
#[derive(Clone, Debug)]
pub struct Held<B: Host> {
    job: Job,
    shapes: [Vec<usize>; INPUTS],
    x: Option<[FloatTensor<B>; INPUTS]>,
    /// Holding y keeps burn from writing into it.
    y: Option<FloatTensor<B>>,
}

impl<B: Host> Held<B> {
    pub fn new(job: Job, x: [FloatTensor<B>; INPUTS], y: &FloatTensor<B>) -> Self {
        let shapes = x.each_ref().map(|x| x.shape().to_vec());
        let Reads { x: reads_x, y: reads_y } = job.op.reads();
        let y = reads_y.then(|| y.clone());
        if reads_x {
            return Self { job, shapes, x: Some(x), y };
        }
        x.into_iter().for_each(B::spent);
        Self { job, shapes, x: None, y }
    }

    /// Leaves what a late gradient follows from, with `dy` as the way back has left it, to who will ask for it.
    fn leave_late(&self, dy: &FloatTensor<B>) {
        if let (Some((op, late)), Some([x, ..])) = (&self.job.late, &self.x) {
            late.put(Following::<B>::new(op.clone(), x.clone(), dy.clone()));
        }
    }

    /// Leaves to `fresh` whatever nobody else holds.
    fn spent(self) {
        self.x.into_iter().flatten().chain(self.y).for_each(B::spent);
    }
}

/// A gradient that others may hold too.
struct Shared<B: Host>(FloatTensor<B>);

impl<B: Host> Incoming for Shared<B> {
    fn read(&self) -> &[f32] {
        B::read(&self.0)
    }

    fn write(&mut self) -> &mut [f32] {
        B::write(&mut self.0)
    }
}

/// The way back through a kernel.
#[derive(Debug)]
pub struct Step;

impl<B: Host> Backward<B, INPUTS> for Step {
    type State = Held<B>;

    fn backward(self, ops: Ops<Self::State, INPUTS>, gradients: &mut Gradients, _: &mut Checkpointer) {
        REGISTERED.with_borrow_mut(|nodes| nodes.remove(&ops.node.id));
        let mut dy = Shared::<B>(B::contiguous(gradients.consume::<B>(&ops.node)));
        let held = ops.state;
        let passes_on = held.job.op.passes_on();
        let mut dx: [Option<FloatTensor<B>>; INPUTS] = std::array::from_fn(|i| {
            let asked = ops.parents[i].is_some() && !passes_on;
            asked.then(|| B::fresh(&held.shapes[i], &dy.0))
        });
        let slices = dx.each_mut().map(|tensor| tensor.as_mut().map(B::write));
        let x = held.x.as_ref().map_or([&[][..]; INPUTS], |x| x.each_ref().map(B::read));
        let y = held.y.as_ref().map_or(&[][..], B::read);
        held.job.op.backward(x, y, &mut dy, slices);
        // Before burn adds gradients up: it may write into one that nobody else holds.
        held.leave_late(&dy.0);
        held.spent();
        for (node, gradient) in ops.parents.into_iter().zip(dx) {
            let gradient = if passes_on { Some(dy.0.clone()) } else { gradient };
            if let (Some(node), Some(gradient)) = (node, gradient) {
                // A leaf's gradient stays with burn.
                let is_there = !node.parents.is_empty() && !REGISTERED.with_borrow_mut(|nodes| nodes.insert(node.id));
                let there = is_there.then(|| gradients.consume::<B>(&node));
                gradients.register::<B>(node.id, with::<B>(gradient, there));
            }
        }
        B::spent(dy.0);
    }
}

thread_local! {
    /// Nodes with a gradient from one of their users: burn has no way to ask.
    static REGISTERED: RefCell<HashSet<NodeId>> = RefCell::default();
}

/// A gradient and the one that is there already, added up: burn would do that on one thread and drop the memory.
fn with<B: Host>(gradient: FloatTensor<B>, there: Option<FloatTensor<B>>) -> FloatTensor<B> {
    let Some(there) = there.map(B::contiguous) else { return gradient };
    let mut sum = gradient;
    kernel::add_to(B::write(&mut sum), B::read(&there));
    B::spent(there);
    sum
}

/// Forgets a step's nodes.
pub fn forget_nodes() {
    REGISTERED.take();
}
