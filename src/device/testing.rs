//! What tests of devices share.

use burn::tensor::Device;

use super::open;

/// Every kind of device that is built in and found here.
pub fn devices() -> impl Iterator<Item = Device> {
    ["cpu", "libtorch", "libtorch:cuda:0", "wgpu"]
        .into_iter()
        .filter_map(|name| open(name).ok())
        .map(|compute| compute.plain)
}
