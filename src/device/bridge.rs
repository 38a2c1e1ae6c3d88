//! The bridge between burn and our kernels: the only file that names a backend.
//!
//! A kernel works on slices. Here it becomes an operation of burn's graph, with gradients, on the backends whose tensors
//! rest in the host's memory: flex, and libtorch on the CPU.

// burn marks its libtorch device as deprecated; 0.22.1 is pinned, and 0.23 drops it.
#![cfg_attr(feature = "libtorch", expect(deprecated))]

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Device, Shape, Tensor, TensorData};

use super::pool;
use crate::kernel::{INPUTS, Op};

/// burn's own, in Rust, on the CPU.
pub fn flex() -> Device {
    Device::flex()
}

/// PyTorch's library, on the CPU.
#[cfg(feature = "libtorch")]
pub fn libtorch() -> Device {
    Device::libtorch()
}

/// Whether a device's tensors rest in the host's memory, where kernels work.
pub fn hosts(device: &Device) -> bool {
    device.clone().inner() == Device::flex()
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
    let result = <Dispatch as Kernels>::kernel(a.into_dispatch(), b.into_dispatch(), c.into_dispatch(), op);
    Tensor::from_dispatch(result)
}

/// An input that a kernel does not have.
pub fn nothing(device: &Device) -> Tensor<1> {
    Tensor::empty([0], device)
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
}

impl Host for Flex {
    fn contiguous(tensor: FloatTensor<Self>) -> FloatTensor<Self> {
        if tensor.is_contiguous() { tensor } else { tensor.to_contiguous() }
    }

    fn read(tensor: &FloatTensor<Self>) -> &[f32] {
        tensor.as_slice().expect("kernels are given contiguous f32")
    }

    fn write(tensor: &mut FloatTensor<Self>) -> &mut [f32] {
        let (start, end) = tensor.layout().contiguous_offsets().expect("kernels are given contiguous f32");
        &mut tensor.storage_mut()[start..end]
    }

    fn fresh(shape: &[usize], _: &FloatTensor<Self>) -> FloatTensor<Self> {
        let values = pool::take(shape.iter().product());
        FloatTensor::<Self>::from_data(TensorData::new(values, Shape::from(shape.to_vec())))
    }
}

/// The extension: one operation, for every kernel there is.
#[backend_extension(Autodiff, Flex)]
pub trait Kernels: Backend {
    fn kernel(a: FloatTensor<Self>, b: FloatTensor<Self>, c: FloatTensor<Self>, op: Arc<dyn Op>) -> FloatTensor<Self>;
}

impl Kernels for Flex {
    fn kernel(a: FloatTensor<Self>, b: FloatTensor<Self>, c: FloatTensor<Self>, op: Arc<dyn Op>) -> FloatTensor<Self> {
        forward::<Self>(&*op, &[a, b, c].map(Self::contiguous))
    }
}

impl<B: Host, C: CheckpointStrategy> Kernels for Autodiff<B, C> {
    fn kernel(a: FloatTensor<Self>, b: FloatTensor<Self>, c: FloatTensor<Self>, op: Arc<dyn Op>) -> FloatTensor<Self> {
        let [(a, a_node), (b, b_node), (c, c_node)] = [a, b, c].map(|tensor| tensor.into_parts());
        let (x, nodes) = ([a, b, c].map(B::contiguous), [a_node, b_node, c_node]);
        let y = forward::<B>(&*op, &x);
        match Backward::<B, INPUTS>::prepare::<C>(Step, nodes).compute_bound().stateful() {
            // Holding y keeps burn from writing into it.
            OpsKind::Tracked(prepared) => prepared.finish((x, y.clone(), op), y),
            OpsKind::UnTracked(prepared) => prepared.finish(y),
        }
    }
}

fn forward<B: Host>(op: &dyn Op, x: &[FloatTensor<B>; INPUTS]) -> FloatTensor<B> {
    let mut y = B::fresh(&op.shape(), &x[0]);
    op.forward(x.each_ref().map(B::read), B::write(&mut y));
    y
}

/// The way back through a kernel.
#[derive(Debug)]
struct Step;

impl<B: Host> Backward<B, INPUTS> for Step {
    type State = ([FloatTensor<B>; INPUTS], FloatTensor<B>, Arc<dyn Op>);

    fn backward(self, ops: Ops<Self::State, INPUTS>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let mut dy = B::contiguous(gradients.consume::<B>(&ops.node));
        let (x, y, op) = ops.state;
        let mut dx: [Option<FloatTensor<B>>; INPUTS] = std::array::from_fn(|i| {
            let shape = x[i].shape();
            ops.parents[i].is_some().then(|| B::fresh(&shape.to_vec(), &x[i]))
        });
        let slices = dx.each_mut().map(|tensor| tensor.as_mut().map(B::write));
        op.backward(x.each_ref().map(B::read), B::read(&y), B::write(&mut dy), slices);
        for (node, gradient) in ops.parents.into_iter().zip(dx) {
            if let (Some(node), Some(gradient)) = (node, gradient) {
                gradients.register::<B>(node.id, gradient);
            }
        }
    }
}
