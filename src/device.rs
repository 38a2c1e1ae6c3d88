//! Devices: the only file that names a backend.

// burn marks its libtorch device as deprecated; 0.22.1 is pinned, and 0.23 drops it.
#![cfg_attr(feature = "libtorch", expect(deprecated))]

use std::collections::BTreeSet;
use std::path::Path;

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

/// Architecture and instruction set, and the geometry of the first-level caches, by which flex's matrix kernels choose
/// how many products they sum before they store (gemm-common 0.19, `kernel_params`); larger caches only choose which
/// sums come first.
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
    first_level_caches().into_iter().for_each(|cache| text.extend([" ", &cache]));
    text
}

/// "L1=48K/12way/64B/1cpu" for each sort of first-level data cache among the processors, as Linux tells them; nothing
/// elsewhere.
fn first_level_caches() -> BTreeSet<String> {
    let entries = |path: &Path| std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    let processors = entries(Path::new("/sys/devices/system/cpu"));
    processors.flat_map(|processor| entries(&processor.join("cache")).filter_map(|cache| first_level(&cache))).collect()
}

fn first_level(cache: &Path) -> Option<String> {
    let read = |file: &str| std::fs::read_to_string(cache.join(file)).map(|text| text.trim().to_string()).ok();
    if read("level")? != "1" || read("type")? == "Instruction" {
        return None;
    }
    let (size, ways, line) = (read("size")?, read("ways_of_associativity")?, read("coherency_line_size")?);
    Some(format!("L1={size}/{ways}way/{line}B/{}cpu", processors_of(&read("shared_cpu_list")?)))
}

/// How many processors a list as "0-1,4" names.
fn processors_of(list: &str) -> usize {
    let count = |item: &str| match item.split_once('-') {
        Some((first, last)) => Some(last.parse::<usize>().ok()?.checked_sub(first.parse().ok()?)? + 1),
        None => Some(1),
    };
    list.split(',').filter_map(count).sum()
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

    #[test]
    fn a_list_of_processors_is_counted() {
        assert_eq!(["0", "0-1", "0-1,4", "3,5-7"].map(processors_of), [1, 2, 3, 4]);
    }
}
