//! The bridge between burn and our kernels: the only folder that names a backend, a file each.
//!
//! A kernel works on slices. Here it becomes an operation of burn's graph, with gradients, on the backends whose tensors
//! rest in the host's memory: flex, and libtorch on the CPU.

// burn marks its libtorch as deprecated; 0.22.1 is pinned, and 0.23 drops it.
#![cfg_attr(feature = "libtorch", expect(deprecated))]

mod back;
pub mod flex;
mod late;
#[cfg(feature = "libtorch")]
pub mod libtorch;
mod own;
#[cfg(feature = "wgpu")]
pub mod wgpu;

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::ops::{Backward, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, backend_extension};
use burn::tensor::{Device, Tensor};

pub use back::forget_nodes;
pub use late::Late;
pub use own::{Window, convolve, kth_smallest};

use back::{Held, Step};
use late::Job;

use crate::kernel::{INPUTS, Later, Op};

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
