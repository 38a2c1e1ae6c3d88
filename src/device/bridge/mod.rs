//! The bridge between burn and our kernels: the only folder that names a backend, a file each.
//!
//! A kernel works on slices. Here it becomes an operation of burn's graph, with gradients, on the backends whose tensors
//! rest in the host's memory: flex, and libtorch on the CPU.

// burn marks its libtorch as deprecated; 0.22.1 is pinned, and 0.23 drops it.
#![cfg_attr(feature = "libtorch", expect(deprecated))]

pub mod flex;
mod late;
#[cfg(feature = "libtorch")]
pub mod libtorch;
mod own;
#[cfg(feature = "wgpu")]
pub mod wgpu;

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::Arc;

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, TensorMetadata, backend_extension};
use burn::tensor::{Device, Tensor};

pub use own::{Window, convolve, kth_smallest};

pub use late::Late;
use late::{Following, Job};

use crate::kernel::{self, INPUTS, Incoming, Later, Op, Reads};

/// Whether a device's tensors rest in the host's memory, where kernels work.
pub fn hosts(device: &Device) -> bool {
    let device = device.clone().inner();
    device == flex::cpu() || is_libtorch_cpu(&device)
}

#[cfg(feature = "libtorch")]
fn is_libtorch_cpu(device: &Device) -> bool {
    *device == libtorch::cpu()
}

#[cfg(not(feature = "libtorch"))]
fn is_libtorch_cpu(_: &Device) -> bool {
    false
}

/// Applies a kernel to tensors that rest in the host's memory. An input that the kernel does not have is `nothing`.
pub fn apply<const A: usize, const B: usize, const C: usize, const R: usize>(
    op: impl Op + 'static,
    a: Tensor<A>,
    b: Tensor<B>,
    c: Tensor<C>,
) -> Tensor<R> {
    apply_shared(Arc::new(op), a, b, c)
}

/// As `apply`, for who looks at the operation afterwards.
pub fn apply_shared<const A: usize, const B: usize, const C: usize, const R: usize>(
    op: Arc<dyn Op>,
    a: Tensor<A>,
    b: Tensor<B>,
    c: Tensor<C>,
) -> Tensor<R> {
    applied(Job { op, late: None }, a, b, c)
}

/// As `apply`, where the graph computes no gradient of `b`: that is to be had of `Late`, when the way back has been gone.
pub fn apply_late<const A: usize, const B: usize, const C: usize, const R: usize>(
    op: impl Later + 'static,
    a: Tensor<A>,
    b: Tensor<B>,
    c: Tensor<C>,
) -> (Tensor<R>, Late) {
    let (op, late) = (Arc::new(op), Late::default());
    let job = Job { op: op.clone(), late: Some((op, late.clone())) };
    // An input that needs a gradient, so that the way back comes through here.
    let c = if c.is_require_grad() { c } else { c.require_grad() };
    (applied(job, a, b.inner().autodiff(), c), late)
}

fn applied<const A: usize, const B: usize, const C: usize, const R: usize>(
    job: Job,
    a: Tensor<A>,
    b: Tensor<B>,
    c: Tensor<C>,
) -> Tensor<R> {
    let result = <Dispatch as Kernels>::kernel(a.into_dispatch(), b.into_dispatch(), c.into_dispatch(), job);
    Tensor::from_dispatch(result)
}

/// An input that a kernel does not have.
pub fn nothing(device: &Device) -> Tensor<1> {
    Tensor::empty([0], device)
}

/// Changes a tensor's values in place, given another of the same length, as a gradient. Both hold plain values in the
/// host's memory: no graph follows this.
pub fn change(values: Tensor<1>, given: Tensor<1>, how: &mut dyn FnMut(&mut [f32], &[f32])) -> Tensor<1> {
    Tensor::from_dispatch(<Dispatch as Changes>::change(values.into_dispatch(), given.into_dispatch(), how))
}

#[cfg(test)]
thread_local! {
    /// How many values this thread has fetched.
    pub static FETCHED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// A tensor's values, on the host.
pub fn fetched<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, String> {
    #[cfg(test)]
    FETCHED.set(FETCHED.get() + tensor.shape().num_elements());
    let data = tensor.try_into_data().map_err(|e| format!("the device failed: {e}"))?;
    data.try_into_vec().map_err(|e| format!("the device gave other data than asked: {e:?}"))
}

/// All that differs between the backends that kernels run on: where values rest.
pub trait Host: Backend {
    /// The same values in row-major order without gaps.
    fn contiguous(tensor: FloatTensor<Self>) -> FloatTensor<Self>;
    fn read(tensor: &FloatTensor<Self>) -> &[f32];
    /// Copies first where somebody else holds the values.
    fn write(tensor: &mut FloatTensor<Self>) -> &mut [f32];
    /// A tensor of any values, beside `like`.
    fn fresh(shape: &[usize], like: &FloatTensor<Self>) -> FloatTensor<Self>;
    /// Leaves a tensor's memory to `fresh`.
    fn spent(_: FloatTensor<Self>) {}
}

/// The extension: one operation, for every kernel there is.
#[backend_extension(Autodiff, Flex, LibTorch: cfg(feature = "libtorch"))]
pub trait Kernels: Backend {
    fn kernel(a: FloatTensor<Self>, b: FloatTensor<Self>, c: FloatTensor<Self>, job: Job) -> FloatTensor<Self>;
}

/// The one operation beside the graph.
#[backend_extension(Flex, LibTorch: cfg(feature = "libtorch"))]
pub trait Changes: Backend {
    fn change(
        values: FloatTensor<Self>,
        given: FloatTensor<Self>,
        how: &mut dyn FnMut(&mut [f32], &[f32]),
    ) -> FloatTensor<Self>;
}

impl<B: Host> Changes for B {
    fn change(
        values: FloatTensor<Self>,
        given: FloatTensor<Self>,
        how: &mut dyn FnMut(&mut [f32], &[f32]),
    ) -> FloatTensor<Self> {
        let (mut values, given) = (B::contiguous(values), B::contiguous(given));
        how(B::write(&mut values), B::read(&given));
        B::spent(given);
        values
    }
}

impl<B: Host> Kernels for B {
    fn kernel(a: FloatTensor<Self>, b: FloatTensor<Self>, c: FloatTensor<Self>, job: Job) -> FloatTensor<Self> {
        let x = [a, b, c].map(B::contiguous);
        let y = forward::<B>(&*job.op, &x);
        x.into_iter().for_each(B::spent);
        y
    }
}

impl<B: Host, C: CheckpointStrategy> Kernels for Autodiff<B, C> {
    fn kernel(a: FloatTensor<Self>, b: FloatTensor<Self>, c: FloatTensor<Self>, job: Job) -> FloatTensor<Self> {
        let [(a, a_node), (b, b_node), (c, c_node)] = [a, b, c].map(|tensor| tensor.into_parts());
        let (x, nodes) = ([a, b, c].map(B::contiguous), [a_node, b_node, c_node]);
        let y = forward::<B>(&*job.op, &x);
        match Backward::<B, INPUTS>::prepare::<C>(Step, nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let state = Held::new(job, x, &y);
                prepared.finish(state, y)
            }
            OpsKind::UnTracked(prepared) => {
                x.into_iter().for_each(B::spent);
                prepared.finish(y)
            }
        }
    }
}

fn forward<B: Host>(op: &dyn Op, x: &[FloatTensor<B>; INPUTS]) -> FloatTensor<B> {
    let mut y = B::fresh(&op.shape(), &x[0]);
    op.forward(x.each_ref().map(B::read), B::write(&mut y));
    y
}

/// What a step forward leaves for the step back.
#[derive(Clone, Debug)]
struct Held<B: Host> {
    job: Job,
    shapes: [Vec<usize>; INPUTS],
    x: Option<[FloatTensor<B>; INPUTS]>,
    /// Holding y keeps burn from writing into it.
    y: Option<FloatTensor<B>>,
}

impl<B: Host> Held<B> {
    fn new(job: Job, x: [FloatTensor<B>; INPUTS], y: &FloatTensor<B>) -> Self {
        let shapes = x.each_ref().map(|x| x.shape().to_vec());
        let Reads { x: reads_x, y: reads_y } = job.op.reads();
        let y = reads_y.then(|| y.clone());
        if reads_x {
            return Self { job, shapes, x: Some(x), y };
        }
        x.into_iter().for_each(B::spent);
        Self { job, shapes, x: None, y }
    }

    /// Leaves to `fresh` whatever nobody else holds; what a late gradient follows from, with `dy` as the way back has left
    /// it, is held on.
    fn spent(self, dy: &FloatTensor<B>) {
        if let (Some((op, late)), Some([x, ..])) = (self.job.late, &self.x) {
            late.put(Following::<B>::new(op, x.clone(), dy.clone()));
        }
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
struct Step;

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
        held.spent(&dy.0);
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
