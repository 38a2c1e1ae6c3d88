//! The instruction set is chosen at run time: a kernel is written once over vectors of whatever width there is.

use pulp::{Simd, WithSimd};

use super::instructions;

/// Runs a kernel with the process's instructions: AVX-512, AVX2 with FMA, NEON, or plain ones.
///
/// Everything that the kernel calls must be `#[inline(always)]`: what is not inlined is compiled for no instruction set.
#[inline]
pub fn run<K: WithSimd>(kernel: K) -> K::Output {
    #[cfg(test)]
    if portable::asked() {
        return kernel.with_simd(pulp::Scalar::new());
    }
    instructions::arch().dispatch(kernel)
}

/// Numbers in a vector of `run`'s kernels.
pub fn lanes() -> usize {
    struct Lanes;
    impl WithSimd for Lanes {
        type Output = usize;
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F32_LANES
        }
    }
    run(Lanes)
}

/// Asks for the cache line at `at`, soon to be read.
#[inline(always)]
pub fn prefetch(at: *const f32) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint, which reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// Asks for the cache line at `at`, soon to be written.
#[inline(always)]
pub fn prefetch_to_write(at: *const f32) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
        // SAFETY: a hint, which reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_ET0>(at.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// max(x, 0) where NaN stays NaN.
#[inline(always)]
pub fn relu<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let zero = simd.splat_f32s(0.0);
    simd.select_f32s(simd.less_than_f32s(x, zero), zero, x)
}

/// The vector at `at`, which need not be aligned.
///
/// # Safety
/// A whole vector must be readable there.
#[inline(always)]
pub unsafe fn load<S: Simd>(_: S, at: *const f32) -> S::f32s {
    // SAFETY: by the contract; a vector is plain data.
    unsafe { at.cast::<S::f32s>().read_unaligned() }
}

/// Writes a vector to `at`, which need not be aligned.
///
/// # Safety
/// A whole vector must be writable there.
#[inline(always)]
pub unsafe fn store<S: Simd>(_: S, at: *mut f32, vector: S::f32s) {
    // SAFETY: by the contract.
    unsafe { at.cast::<S::f32s>().write_unaligned(vector) }
}

/// A vector of the values, with 0 after them where they fill none.
#[inline(always)]
pub fn read<S: Simd>(simd: S, values: &[f32]) -> S::f32s {
    match values.len() >= S::F32_LANES {
        // SAFETY: a whole vector is there.
        true => unsafe { load(simd, values.as_ptr()) },
        false => simd.partial_load_f32s(values),
    }
}

/// Writes as much of a vector as there is place for.
#[inline(always)]
pub fn write<S: Simd>(simd: S, place: &mut [f32], vector: S::f32s) {
    match place.len() >= S::F32_LANES {
        // SAFETY: there is place for a whole vector.
        true => unsafe { store(simd, place.as_mut_ptr(), vector) },
        false => simd.partial_store_f32s(place, vector),
    }
}

/// Plain instructions on demand, for tests: what AVX computes is compared with them.
#[cfg(test)]
pub mod portable {
    use std::cell::Cell;

    thread_local!(static ASKED: Cell<bool> = const { Cell::new(false) });

    pub fn asked() -> bool {
        ASKED.get()
    }

    /// Whatever `work` computes is computed with plain instructions, on a thread of its own: those of a pool would not
    /// know.
    pub fn only<R: Send>(work: impl FnOnce() -> R + Send) -> R {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
        pool.install(|| {
            ASKED.set(true);
            work()
        })
    }
}
