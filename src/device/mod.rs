//! Devices by name, and the bridge that puts our kernels under burn.

mod bridge;
pub mod pool;

pub use bridge::{apply, apply_shared, hosts, nothing};

use burn::tensor::Device;

use crate::kernel;

/// The version of burn that Cargo.toml pins.
pub const BURN: &str = "0.22.1";

/// A device to compute on.
#[derive(Clone, Debug)]
pub struct Compute {
    /// For evaluation: no graph is kept.
    pub plain: Device,
    /// For training.
    pub tracked: Device,
    /// The device kind: backend and version, architecture, instruction set. Equal kinds give equal bits.
    pub kind: String,
}

/// The names that `--device` takes.
pub fn names() -> Vec<&'static str> {
    let libtorch = if cfg!(feature = "libtorch") { &["libtorch"][..] } else { &[] };
    [&["auto", "cpu"][..], libtorch].concat()
}

/// Opens a device by name; "auto" is the best that is compiled in and found.
pub fn open(name: &str) -> Result<Compute, String> {
    match name {
        "auto" | "cpu" => Ok(compute(bridge::flex(), format!("flex {BURN}, {}", instructions()))),
        "libtorch" => libtorch(),
        _ if name.starts_with("libtorch:") => {
            Err(format!("{name:?}: libtorch on CUDA has not been built into this version; use `libtorch` or `cpu`"))
        }
        _ => Err(format!("{name:?} is not a device: choose among {}", names().join(", "))),
    }
}

fn compute(plain: Device, kind: String) -> Compute {
    Compute { tracked: plain.clone().autodiff(), plain, kind }
}

#[cfg(feature = "libtorch")]
fn libtorch() -> Result<Compute, String> {
    Ok(compute(bridge::libtorch(), format!("libtorch 2.9, burn {BURN}, {}", instructions())))
}

#[cfg(not(feature = "libtorch"))]
fn libtorch() -> Result<Compute, String> {
    Err("this tombola was built without libtorch: build it with `--features libtorch` (docs/libtorch.md), or use \
         `--device cpu`"
        .into())
}

/// Architecture and instruction set: what our kernels' bits depend on.
fn instructions() -> String {
    format!("{}+{}", std::env::consts::ARCH, kernel::instructions())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_device_is_refused_with_the_names_there_are() {
        assert!(open("tpu").unwrap_err().contains("cpu"));
    }

    #[test]
    fn a_device_kind_names_backend_version_and_architecture() {
        let kind = open("cpu").unwrap().kind;
        assert!(kind.starts_with("flex 0.22.1, ") && kind.contains(std::env::consts::ARCH), "{kind}");
    }
}
