//! What the optimizers' loops share: one body, compiled for AVX2 too, whose every operation works on a lane alone.

/// Runs `body` as AVX2 code where the processor has it. The closure must be `#[inline(always)]`, and so must what it
/// calls: code that is not inlined stays compiled for SSE2.
///
/// The result has the same bits either way: IEEE operations one lane at a time in a fixed order, and no fused
/// multiply-add, which Rust never introduces by itself.
pub fn wide<R>(body: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2")]
        fn avx2<R>(body: impl FnOnce() -> R) -> R {
            body()
        }
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has just been seen to have AVX2.
            return unsafe { avx2(body) };
        }
    }
    body()
}

/// `x` where the selection is all ones, +0 where it is all zeros, whatever `x` is.
#[inline(always)]
pub fn keep(x: f32, select: u32) -> f32 {
    f32::from_bits(x.to_bits() & select)
}
