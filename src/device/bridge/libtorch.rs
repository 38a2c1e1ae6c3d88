//! PyTorch's library, through burn's `tch`.
//!
//! burn counts who holds a tensor's memory: values are written in place where this tensor alone does, as burn itself does.

use std::sync::Once;

use burn::backend::LibTorch;
use burn::backend::tensor::FloatTensor;
use burn::tensor::Device;
use tch::{Kind, Tensor};

use super::Host;

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

/// Where a tensor's values start, and how many there are. Of an empty tensor the start is null.
fn place(tensor: &Tensor) -> (*mut f32, usize) {
    let fits = tensor.is_contiguous() && tensor.kind() == Kind::Float && tensor.device() == tch::Device::Cpu;
    assert!(fits, "kernels are given contiguous f32 in the host's memory");
    (tensor.data_ptr().cast(), tensor.numel())
}
