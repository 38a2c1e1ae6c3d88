//! PyTorch's library, through burn's `tch`.
//!
//! burn counts who holds a tensor's memory: values are written in place where this tensor alone does, as burn itself does.

use std::sync::Once;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, DispatchDevice, LibTorch, backend_extension};
use burn::tensor::Device;
use tch::{Kind, Tensor};

use super::Host;
use super::own::Window;

type Stored = FloatTensor<LibTorch>;

/// The version that the program was built for.
pub const VERSION: &str = env!("TOMBOLA_LIBTORCH");

pub fn cpu() -> Device {
    static ONCE: Once = Once::new();
    // Its own threads would wait for work in a loop, on the cores that kernels compute on. One is enough for what it
    // still does itself.
    ONCE.call_once(|| tch::set_num_threads(1));
    Device::libtorch()
}

/// Threads of libtorch's own operations.
pub fn threads() -> usize {
    cpu();
    usize::try_from(tch::get_num_threads()).unwrap_or(1)
}

/// How many CUDA devices this libtorch finds; `None` where it has no CUDA.
pub fn cuda_devices() -> Option<usize> {
    tch::utils::has_cudart().then(|| usize::try_from(tch::Cuda::device_count()).unwrap_or(0))
}

/// Only of those that `cuda_devices` counts: burn panics on others.
pub fn cuda(index: usize) -> Device {
    cpu();
    Device::libtorch_cuda(index)
}

impl Host for LibTorch {
    fn contiguous(tensor: Stored) -> Stored {
        if tensor.tensor.is_contiguous() { tensor } else { Stored::new(tensor.tensor.contiguous()) }
    }

    fn read(tensor: &Stored) -> &[f32] {
        let (start, len) = place(&tensor.tensor);
        if len == 0 {
            return &[];
        }
        // SAFETY: `place` gives the start of `len` floats in the host's memory, which live as long as the tensor. Who
        // writes to them has the only tensor that holds them (`write`), so nobody does while this one is borrowed.
        unsafe { std::slice::from_raw_parts(start, len) }
    }

    fn write(tensor: &mut Stored) -> &mut [f32] {
        if !tensor.can_mut() {
            *tensor = Stored::new(tensor.tensor.copy());
        }
        let (start, len) = place(&tensor.tensor);
        if len == 0 {
            return &mut [];
        }
        // SAFETY: as in `read`; and this tensor, borrowed mutably, is the only one that holds these floats.
        unsafe { std::slice::from_raw_parts_mut(start, len) }
    }

    fn fresh(shape: &[usize], _: &Stored) -> Stored {
        let shape: Vec<i64> = shape.iter().map(|n| *n as i64).collect();
        Stored::new(Tensor::empty(shape, (Kind::Float, tch::Device::Cpu)))
    }
}

/// Whether libtorch holds a device's tensors, on the CPU or elsewhere.
pub fn holds(device: &Device) -> bool {
    matches!(device.clone().inner().as_dispatch(), DispatchDevice::LibTorch(_))
}

/// The k-th smallest of values that no graph follows, counted from 1.
pub fn kth_smallest(values: burn::tensor::Tensor<1>, k: usize) -> Option<burn::tensor::Tensor<1>> {
    let values = values.try_into_primitive::<LibTorch>().ok()?;
    let found = Stored::new(values.tensor.kthvalue(k as i64, 0, true).0);
    Some(burn::tensor::Tensor::from_primitive::<LibTorch>(found))
}

/// Convolves with libtorch's own gradients. An empty bias is none.
pub fn convolve(
    x: burn::tensor::Tensor<4>,
    weight: burn::tensor::Tensor<4>,
    bias: burn::tensor::Tensor<1>,
    window: Window,
) -> burn::tensor::Tensor<4> {
    let [x, weight, bias] = [x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch()];
    burn::tensor::Tensor::from_dispatch(<Dispatch as Own>::convolved(x, weight, bias, window))
}

/// The extension: what libtorch does by itself.
#[backend_extension(Autodiff, LibTorch)]
pub trait Own: Backend {
    fn convolved(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        window: Window,
    ) -> FloatTensor<Self>;
}

impl Own for LibTorch {
    fn convolved(x: Stored, weight: Stored, bias: Stored, window: Window) -> Stored {
        Stored::new(convolution([&x.tensor, &weight.tensor, &bias.tensor], window))
    }
}

impl<C: CheckpointStrategy> Own for Autodiff<LibTorch, C> {
    fn convolved(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        window: Window,
    ) -> FloatTensor<Self> {
        let [(x, x_node), (weight, weight_node), (bias, bias_node)] = [x, weight, bias].map(|t| t.into_parts());
        let nodes = [x_node, weight_node, bias_node];
        match Backward::<LibTorch, 3>::prepare::<C>(Convolution, nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let (state, y) = Convolved::of([x, weight, bias], window);
                prepared.finish(state, y)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(LibTorch::convolved(x, weight, bias, window)),
        }
    }
}

/// `[x, weight, bias]`; an empty bias is none.
fn convolution([x, weight, bias]: [&Tensor; 3], Window { stride, padding }: Window) -> Tensor {
    let [stride, padding] = [stride, padding].map(|n| [n as i64; 2]);
    x.conv2d(weight, (bias.numel() > 0).then_some(bias), stride, padding, [1; 2], 1)
}

/// The way back through a convolution. libtorch's own is bound by `tch` only inside libtorch's graph: so each convolution
/// is a graph of its own there, and one node of burn's.
#[derive(Debug)]
struct Convolution;

/// A convolution in libtorch's graph.
#[derive(Clone, Debug)]
struct Convolved {
    inputs: [Stored; 3],
    y: Stored,
    /// As burn holds inputs and output: while these are there, it writes into none of them.
    _held: [Stored; 4],
}

impl Convolved {
    fn of(inputs: [Stored; 3], window: Window) -> (Convolved, Stored) {
        let leaves = inputs.each_ref().map(|input| input.tensor.detach().set_requires_grad(true));
        let tracked = tch::with_grad(|| convolution(leaves.each_ref(), window));
        let y = Stored::new(tracked.detach());
        let [a, b, c] = inputs;
        let held = [a, b, c, y.clone()];
        (Convolved { inputs: leaves.map(Stored::new), y: Stored::new(tracked), _held: held }, y)
    }

    /// The gradients of those inputs whose number is given.
    fn gradients(&self, dy: &Tensor, wanted: &[usize]) -> Vec<Tensor> {
        let wanted: Vec<&Tensor> = wanted.iter().map(|i| &self.inputs[*i].tensor).collect();
        // Of y · dy, the gradient with respect to y is dy.
        tch::with_grad(|| {
            let slope = self.y.tensor.flatten(0, -1).dot(&dy.flatten(0, -1));
            Tensor::run_backward(&[slope], &wanted, false, false)
        })
    }
}

impl Backward<LibTorch, 3> for Convolution {
    type State = Convolved;

    fn backward(self, ops: Ops<Convolved, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let dy = gradients.consume::<LibTorch>(&ops.node);
        let parents: Vec<_> = ops.parents.into_iter().enumerate().filter_map(|(i, node)| Some((i, node?))).collect();
        let wanted: Vec<usize> = parents.iter().map(|(i, _)| *i).collect();
        let found = ops.state.gradients(&dy.tensor, &wanted);
        for ((_, node), gradient) in parents.into_iter().zip(found) {
            gradients.register::<LibTorch>(node.id, Stored::new(gradient));
        }
    }
}

/// Where a tensor's values start, and how many there are. Of an empty tensor the start is null.
fn place(tensor: &Tensor) -> (*mut f32, usize) {
    let fits = tensor.is_contiguous() && tensor.kind() == Kind::Float && tensor.device() == tch::Device::Cpu;
    assert!(fits, "kernels are given contiguous f32 in the host's memory");
    (tensor.data_ptr().cast(), tensor.numel())
}
