//! The processor as a device: with all its instructions as `cpu`; with fewer, as `cpu:avx2` or `cpu:plain`, it gives the bits
//! of one that has no more.

use super::{BURN, Compute, Lack, bridge};
use crate::kernel::instructions::{self, Instructions};

/// With all its instructions, or those that the process has settled on.
pub fn all() -> Compute {
    compute(instructions::settled())
}

/// With these alone, whatever the process computes from now on.
pub fn only(name: &str) -> Result<Compute, Lack> {
    let has = instructions::available();
    let lack = |remedy| Lack { built_in: true, remedy };
    let Some(set) = has.iter().find(|set| set.name == name) else {
        let names: Vec<String> = has.iter().rev().map(|set| format!("cpu:{}", set.name)).collect();
        return Err(lack(format!("this processor has no {name}; it can be {}", names.join(" or "))));
    };
    instructions::settle(*set).map_err(|other| lack(format!("this process computes with {} already", other.name)))?;
    Ok(compute(*set))
}

/// What it can be with fewer instructions: name and device kind.
pub fn fewer() -> Vec<(String, String)> {
    let mut has = instructions::available();
    has.pop();
    has.into_iter().rev().map(|set| (format!("cpu:{}", set.name), kind(set))).collect()
}

/// The device kind of `cpu`.
pub fn widest() -> String {
    kind(instructions::widest())
}

/// Architecture and instruction set: what our kernels' bits depend on.
pub fn architecture(set: Instructions) -> String {
    format!("{}+{}", std::env::consts::ARCH, set.name)
}

fn compute(set: Instructions) -> Compute {
    Compute::of(bridge::flex::cpu(), kind(set))
}

fn kind(set: Instructions) -> String {
    format!("flex {BURN}, {}", architecture(set))
}
