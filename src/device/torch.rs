//! Opening libtorch, on the CPU and on CUDA.

use super::{Compute, Lack};

#[cfg(feature = "libtorch")]
use super::{BURN, bridge::libtorch, processor::architecture};
#[cfg(feature = "libtorch")]
use crate::kernel::instructions;

/// Libtorch on the CPU, where our kernels work on its tensors.
#[cfg(feature = "libtorch")]
pub fn cpu() -> Result<Compute, Lack> {
    let kind = format!("libtorch {}, burn {BURN}, {}", libtorch::VERSION, architecture(instructions::settled()));
    Ok(Compute::of(libtorch::cpu(), kind))
}

/// Libtorch on a CUDA device, by burn's own operations.
#[cfg(feature = "libtorch")]
pub fn cuda(index: usize) -> Result<Compute, Lack> {
    let remedy = match libtorch::cuda_devices() {
        None => "this libtorch has no CUDA: build with one that has, as `scripts/libtorch --cuda` fetches it \
             (docs/libtorch.md)"
            .into(),
        Some(0) => "libtorch finds no GPU: it needs an NVIDIA GPU and its driver, and `nvidia-smi` to list it \
             (docs/libtorch.md)"
            .into(),
        Some(n) if index >= n => format!("libtorch finds {n} only, counted from 0 (docs/libtorch.md)"),
        Some(_) => {
            // Cards may differ, and then their bits do.
            let kind = format!("libtorch {} on CUDA device {index}, burn {BURN}", libtorch::VERSION);
            return Ok(Compute::of(libtorch::cuda(index), kind));
        }
    };
    Err(Lack { built_in: true, remedy })
}

/// How many CUDA devices there are to open.
#[cfg(feature = "libtorch")]
pub fn cuda_devices() -> usize {
    libtorch::cuda_devices().unwrap_or(0)
}

/// What libtorch does beside our kernels.
#[cfg(feature = "libtorch")]
pub fn threads() -> usize {
    libtorch::threads()
}

#[cfg(not(feature = "libtorch"))]
fn not_built() -> Lack {
    let remedy = "this tombola was built without libtorch: build it with `--features libtorch` (docs/libtorch.md)";
    Lack { built_in: false, remedy: remedy.into() }
}

#[cfg(not(feature = "libtorch"))]
pub fn cpu() -> Result<Compute, Lack> {
    Err(not_built())
}

#[cfg(not(feature = "libtorch"))]
pub fn cuda(_: usize) -> Result<Compute, Lack> {
    Err(not_built())
}

#[cfg(not(feature = "libtorch"))]
pub fn cuda_devices() -> usize {
    0
}

#[cfg(not(feature = "libtorch"))]
pub fn threads() -> usize {
    0
}
