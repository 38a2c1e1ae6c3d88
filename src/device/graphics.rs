//! Opening a graphics card through wgpu.

use super::{Compute, Lack};

/// The adapter that wgpu prefers, by burn's own operations.
#[cfg(feature = "wgpu")]
pub fn adapter() -> Result<Compute, Lack> {
    let lack = |e| Lack {
        built_in: true,
        remedy: format!(
            "wgpu finds no adapter ({e}): it needs a graphics card with a driver for Vulkan, Metal, DirectX 12 or OpenGL \
             (docs/libtorch.md)"
        ),
    };
    let adapter = super::bridge::wgpu::adapter().map_err(lack)?;
    Ok(Compute::of(adapter.device, format!("wgpu on {}, burn {}", adapter.name, super::BURN)))
}

#[cfg(not(feature = "wgpu"))]
pub fn adapter() -> Result<Compute, Lack> {
    let remedy = "this tombola was built without wgpu: build it with `--features wgpu` (docs/libtorch.md)";
    Err(Lack { built_in: false, remedy: remedy.into() })
}
