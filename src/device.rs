//! Devices: the only file that names a backend.

// burn marks its libtorch device as deprecated; 0.22.1 is pinned, and 0.23 drops it.
#![cfg_attr(feature = "libtorch", expect(deprecated))]

use std::fmt::Write;

use burn::tensor::Device;

/// The version of burn that Cargo.toml pins.
pub const BURN: &str = "0.22.1";

/// A device to compute on.
#[derive(Clone, Debug)]
pub struct Compute {
    /// For evaluation: no graph is kept.
    pub plain: Device,
    /// For training.
    pub tracked: Device,
    /// The device kind: backend and version, architecture, instruction set, cache geometry. Equal kinds give equal bits.
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
        "auto" | "cpu" => Ok(compute(Device::flex(), format!("flex {BURN}, {}", instructions()))),
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
    Ok(compute(Device::libtorch(), format!("libtorch 2.9, burn {BURN}, {}", instructions())))
}

#[cfg(not(feature = "libtorch"))]
fn libtorch() -> Result<Compute, String> {
    Err("this tombola was built without libtorch: build it with `--features libtorch` (docs/libtorch.md), or use \
         `--device cpu`"
        .into())
}

/// Architecture and instruction set, and the cache sizes by which matrix kernels choose their blocks and so the order
/// of their sums.
fn instructions() -> String {
    let mut text = std::env::consts::ARCH.to_string();
    #[cfg(target_arch = "x86_64")]
    {
        let found = [
            ("avx512f", std::arch::is_x86_feature_detected!("avx512f")),
            ("avx2", std::arch::is_x86_feature_detected!("avx2")),
            ("fma", std::arch::is_x86_feature_detected!("fma")),
        ];
        found.iter().filter(|(_, found)| *found).for_each(|(name, _)| text.extend(["+", *name]));
    }
    for (level, size) in caches() {
        // Writing to a String cannot fail.
        let _ = write!(text, " L{level}={size}");
    }
    text
}

/// Data and unified caches of the first core, as Linux tells them; nothing elsewhere.
fn caches() -> Vec<(String, String)> {
    let read = |index: u32, file: &str| {
        let path = format!("/sys/devices/system/cpu/cpu0/cache/index{index}/{file}");
        std::fs::read_to_string(path).map(|text| text.trim().to_string()).ok()
    };
    let cache = |index| match read(index, "type")?.as_str() {
        "Instruction" => None,
        _ => Some((read(index, "level")?, read(index, "size")?)),
    };
    (0..8).filter_map(cache).collect()
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
