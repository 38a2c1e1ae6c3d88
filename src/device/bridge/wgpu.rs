//! Graphics cards through wgpu: Vulkan, Metal, DirectX 12 or OpenGL.

use std::sync::OnceLock;

use burn::tensor::Device;

/// An adapter that wgpu found, opened.
#[derive(Clone, Debug)]
pub struct Adapter {
    pub device: Device,
    /// "NVIDIA GeForce RTX 3060 (Vulkan)".
    pub name: String,
}

/// The adapter that wgpu prefers, or why there is none.
pub fn adapter() -> Result<Adapter, String> {
    // It can be opened once only.
    static OPENED: OnceLock<Result<Adapter, String>> = OnceLock::new();
    OPENED.get_or_init(opened).clone()
}

fn opened() -> Result<Adapter, String> {
    let (device, setup) = Device::wgpu_options().init_with_setup().map_err(|e| e.to_string())?;
    let about = setup.adapter.get_info();
    Ok(Adapter { device, name: format!("{} ({:?})", about.name, about.backend) })
}
