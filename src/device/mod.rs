//! Devices by name, and the bridge that puts our kernels under burn.

pub mod array;
mod bridge;
mod found;
mod graphics;
pub mod pool;
mod processor;
mod select;
#[cfg(test)]
pub mod testing;
mod torch;

#[cfg(test)]
pub use bridge::FETCHED;
pub use bridge::{Late, Window, apply, apply_late, apply_shared, change, convolve, fetched, hosts, nothing};
pub use found::{Found, found};
pub use pool::{clear as clear_buffers, take as buffer};

use burn::tensor::Device;

use crate::kernel::instructions;

/// The version of burn that Cargo.toml pins.
pub const BURN: &str = "0.22.1";

/// What `--device auto` opens. No other device has been measured to be faster.
pub const AUTO: &str = "cpu";

/// Ends a step: frees what the whole of it did without.
pub fn settle() {
    bridge::forget_nodes();
    pool::settle();
}

/// A device to compute on.
#[derive(Clone, Debug)]
pub struct Compute {
    /// For evaluation: no graph is kept.
    pub plain: Device,
    /// For training.
    pub tracked: Device,
    /// The device kind: backend and version, architecture, instruction set. Equal kinds give equal bits.
    pub kind: String,
    /// Whether tensors rest in the host's memory, where our kernels and optimizers work on them.
    pub hosted: bool,
}

impl Compute {
    fn of(plain: Device, kind: String) -> Compute {
        Compute { hosted: hosts(&plain), tracked: plain.clone().autodiff(), plain, kind }
    }

    /// The same device, used as one whose memory is not the host's: what such devices do can be tried on any.
    pub fn as_elsewhere(self) -> Compute {
        Compute { hosted: false, ..self }
    }
}

/// Why a device is not there.
#[derive(Clone, Debug, PartialEq)]
struct Lack {
    /// Whether the program was built with it; then the machine, or the library that was built in, does not have it.
    built_in: bool,
    /// What is missing, and what would bring it.
    remedy: String,
}

/// Opens a device by name. One that is `cpu:…` settles for the whole process with which instructions it computes.
pub fn open(name: &str) -> Result<Compute, String> {
    let set = || name.strip_prefix("cpu:").filter(|set| instructions::NAMES.contains(set));
    let card = || name.strip_prefix("libtorch:cuda:").and_then(|index| index.parse().ok());
    let opened = match name {
        "auto" => return open(AUTO),
        "cpu" => Ok(processor::all()),
        "libtorch" => torch::cpu(),
        "wgpu" => graphics::adapter(),
        _ => match (set(), card()) {
            (Some(set), _) => processor::only(set),
            (None, Some(index)) => torch::cuda(index),
            (None, None) => {
                let known = "auto, cpu, cpu:plain, libtorch, libtorch:cuda:0 and wgpu";
                return Err(format!("{name:?} is not a device: choose among {known}"));
            }
        },
    };
    opened.map_err(|lack| format!("no device {name:?}: {}; or use `--device cpu`", lack.remedy))
}

/// The device kind that `--device auto` opens here.
pub fn auto_kind() -> String {
    processor::widest()
}

/// The device that gives a device kind's bits here though `auto` does not: the processor with fewer instructions.
pub fn of_kind(kind: &str) -> Option<String> {
    processor::fewer().into_iter().find(|(_, of)| of == kind).map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Tensor;

    use super::*;
    use crate::kernel::gradient::collect;

    fn hosting() -> impl Iterator<Item = Device> {
        ["cpu", "libtorch"].into_iter().filter_map(|name| open(name).ok()).map(|compute| compute.plain)
    }

    fn values(tensor: Tensor<1>) -> Vec<f32> {
        tensor.into_data().try_into_vec().unwrap()
    }

    #[test]
    fn a_change_reaches_its_tensor_and_nobody_elses() {
        for device in hosting() {
            assert!(hosts(&device) && hosts(&device.clone().autodiff()));
            let own = Tensor::<1>::from_data([1.0, 2.0], &device);
            let others = own.clone();
            // One value, read twice.
            let given = Tensor::<1>::from_data([10.0], &device).expand([2]);
            let mut subtract = |values: &mut [f32], given: &[f32]| {
                values.iter_mut().zip(given).for_each(|(value, given)| *value -= given);
            };
            let changed = change(own, given, &mut subtract);
            assert_eq!((values(changed), values(others)), (vec![-9.0, -8.0], vec![1.0, 2.0]));
        }
    }

    #[test]
    fn a_tensor_that_nobody_else_holds_is_changed_where_it_is() {
        for device in hosting() {
            let mut places = Vec::new();
            let mut tensor = Tensor::<1>::zeros([1000], &device);
            for _ in 0..3 {
                let given = Tensor::<1>::ones([1000], &device);
                tensor = change(tensor, given, &mut |values, _| places.push(values.as_ptr()));
            }
            assert!(places[1] == places[0] && places[2] == places[0], "{places:?}");
        }
    }

    #[test]
    fn nothing_is_changed_in_nothing() {
        for device in hosting() {
            let changed = change(nothing(&device), nothing(&device), &mut |values, given| {
                assert!(values.is_empty() && given.is_empty());
            });
            assert!(values(changed).is_empty());
        }
    }

    /// y = x · W for x = (1, 2), W = (3, 4), of a sum: dW = x.
    #[test]
    fn a_late_gradient_is_there_after_the_way_back_and_nowhere_in_the_graph() {
        for device in hosting().map(|device| device.autodiff()) {
            let x = Tensor::<2>::from_data([[1.0, 2.0]], &device);
            let weight = Tensor::<1>::from_data([3.0, 4.0], &device).require_grad();
            let op = crate::kernel::linear::Linear { batch: 1, inputs: 2, units: 1, relu: false };
            let (y, late) = apply_late::<2, 1, 1, 2>(op, x, weight.clone(), nothing(&device));
            assert!(late.get().is_none());
            let mut gradients = y.sum().backward();
            assert!(weight.grad_remove(&mut gradients).is_none());
            assert_eq!(collect(late.get().unwrap(), &[3.0, 4.0]), [1.0, 2.0]);
        }
    }

    #[test]
    fn an_unknown_device_is_refused_with_the_names_there_are() {
        for name in ["tpu", "libtorch:cuda", "libtorch:cuda:-1", "libtorch:cuda:x", "cpu:0", ""] {
            let said = open(name).unwrap_err();
            assert!(said.contains("is not a device") && said.contains("libtorch:cuda:0"), "{said}");
        }
    }

    #[test]
    fn a_device_that_is_not_there_is_refused_with_its_remedy_and_one_that_is() {
        for name in ["libtorch", "libtorch:cuda:4096", "wgpu"] {
            let Err(said) = open(name) else { continue };
            assert!(said.contains(name) && said.contains("docs/libtorch.md") && said.contains("cpu"), "{said}");
        }
    }

    #[test]
    fn the_processor_is_another_kind_with_fewer_instructions_and_that_kind_leads_back_to_it() {
        let all = open("cpu").unwrap().kind;
        assert_eq!((auto_kind(), of_kind(&all)), (all.clone(), None));
        let fewer = processor::fewer();
        for (name, kind) in &fewer {
            assert_ne!(*kind, all);
            assert_eq!(of_kind(kind).as_ref(), Some(name));
        }
        assert!(fewer.last().is_none_or(|(name, kind)| name == "cpu:plain" && kind.ends_with("+plain")), "{fewer:?}");
        assert_eq!(of_kind("abacus"), None);
        // What another architecture has, this processor lacks.
        let foreign = if cfg!(target_arch = "aarch64") { "cpu:avx2" } else { "cpu:neon" };
        let said = open(foreign).unwrap_err();
        assert!(said.contains("this processor has no ") && said.contains("cpu:plain"), "{said}");
    }

    #[test]
    fn a_device_kind_names_backend_version_and_architecture() {
        let kind = open("cpu").unwrap().kind;
        assert!(kind.starts_with("flex 0.22.1, ") && kind.contains(std::env::consts::ARCH), "{kind}");
    }

    #[test]
    fn auto_is_a_device_that_is_found() {
        let found = found();
        let auto: Vec<&Found> = found.iter().filter(|device| device.auto).collect();
        assert!(auto.len() == 1 && auto[0].state == "found" && auto[0].name == AUTO, "{found:?}");
        assert_eq!(open("auto").unwrap().kind, open(AUTO).unwrap().kind);
    }
}
