//! The instruction sets that kernels are compiled for, and those that this process computes with.

use std::sync::OnceLock;

use pulp::Arch;

/// By name, on whichever architecture.
pub const NAMES: [&str; 4] = ["plain", "neon", "avx2", "avx512"];

/// What a kernel's bits depend on: how wide its vectors are, and whether products are rounded before they are added.
#[derive(Clone, Copy, Debug)]
pub struct Instructions {
    /// As `NAMES` has it.
    pub name: &'static str,
    arch: Arch,
}

/// What the process has settled on, if anything.
static SETTLED: OnceLock<Instructions> = OnceLock::new();

impl PartialEq for Instructions {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// Those that this processor has, the widest last.
pub fn available() -> Vec<Instructions> {
    let mut all = vec![Instructions { name: "plain", arch: Arch::Scalar }];
    let mut also = |name, arch: Option<Arch>| all.extend(arch.map(|arch| Instructions { name, arch }));
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    {
        also("avx2", pulp::x86::V3::try_new().map(Arch::V3));
        also("avx512", pulp::x86::V4::try_new().map(Arch::V4));
    }
    #[cfg(target_arch = "aarch64")]
    also("neon", pulp::aarch64::Neon::try_new().map(Arch::Neon));
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = &mut also;
    all
}

/// The widest that this processor has.
pub fn widest() -> Instructions {
    *available().last().expect("plain ones are always there")
}

/// Those that kernels are computed with from now on: the widest, unless others were settled on.
pub fn settled() -> Instructions {
    *SETTLED.get_or_init(widest)
}

/// The same for a kernel, of which there are many a step.
#[inline]
pub fn arch() -> Arch {
    settled().arch
}

/// Every kernel is computed with these. The first to say so settles it for the process, since what is laid out for one width is
/// not read with another: `Err` has what it was.
pub fn settle(on: Instructions) -> Result<(), Instructions> {
    let settled = *SETTLED.get_or_init(|| on);
    if settled == on { Ok(()) } else { Err(settled) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_has_plain_instructions_and_computes_with_its_widest() {
        let names: Vec<&str> = available().iter().map(|set| set.name).collect();
        assert_eq!(names[0], "plain");
        assert!(names.iter().all(|name| NAMES.contains(name)), "{names:?}");
        // No test of this process settles on fewer.
        assert_eq!(settled(), widest());
        assert_eq!(format!("{:?}", arch()), format!("{:?}", Arch::new()));
        assert_eq!(settle(available()[0]).is_err(), available().len() > 1, "what is settled stays so");
    }
}
