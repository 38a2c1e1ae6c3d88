//! The innermost loop of every dense product: a block of sums that stays in registers.

use pulp::Simd;

use super::simd::load;

/// `sums[row][v] += Σ_k a[k · a_step + row] × b[k · b_step + v · lanes ..]`, k rising: one fused multiply-add for each
/// product, so that the sum over k has one order whatever is around it.
///
/// `a` gives `ROWS` neighbours for each k, each multiplied with all of `b`'s `VECTORS` vectors.
///
/// # Safety
/// For each k < `depth`, `ROWS` values at `a + k · a_step` and `VECTORS` vectors at `b + k · b_step` must be readable.
#[inline(always)]
pub unsafe fn accumulate<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    depth: usize,
    (a, a_step): (*const f32, usize),
    b: (*const f32, usize),
    sums: &mut [[S::f32s; VECTORS]; ROWS],
) {
    // SAFETY: the same contract, with neighbours one apart.
    unsafe { accumulate_rows(simd, depth, (a, 1, a_step), b, sums) }
}

/// As `accumulate`, with `a`'s rows `a_row` apart.
///
/// # Safety
/// For each k < `depth` and row < `ROWS`, the value at `a + k · a_step + row · a_row` and `VECTORS` vectors at
/// `b + k · b_step` must be readable.
#[inline(always)]
pub unsafe fn accumulate_rows<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    depth: usize,
    a: (*const f32, usize, usize),
    b: (*const f32, usize),
    sums: &mut [[S::f32s; VECTORS]; ROWS],
) {
    // SAFETY: the same contract.
    unsafe {
        accumulate_by(
            simd,
            depth,
            a,
            b,
            #[inline(always)]
            |_, at| load(simd, at),
            sums,
        )
    }
}

/// As `accumulate_rows`, with `load` to read `b`'s vector of a number at a place.
///
/// # Safety
/// For each k < `depth` and row < `ROWS`, the value at `a + k · a_step + row · a_row` must be readable, and to `load`
/// vector `v` at `b + k · b_step + v · lanes`.
#[inline(always)]
pub unsafe fn accumulate_by<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    depth: usize,
    (a, a_row, a_step): (*const f32, usize, usize),
    b: (*const f32, usize),
    load: impl Fn(usize, *const f32) -> S::f32s,
    sums: &mut [[S::f32s; VECTORS]; ROWS],
) {
    // SAFETY: the same contract.
    unsafe {
        match a_row {
            // Neighbours' addresses are part of the loads; computing them takes the places of multiplications.
            1 => sweep(simd, depth, (a, 1, a_step), b, &load, sums),
            _ => sweep(simd, depth, (a, a_row, a_step), b, &load, sums),
        }
    }
}

/// # Safety
/// As of `accumulate_by`.
#[inline(always)]
unsafe fn sweep<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    depth: usize,
    (mut a, a_row, a_step): (*const f32, usize, usize),
    (mut b, b_step): (*const f32, usize),
    load: &impl Fn(usize, *const f32) -> S::f32s,
    sums: &mut [[S::f32s; VECTORS]; ROWS],
) {
    // A copy that the compiler can keep in registers.
    let mut held = *sums;
    for _ in 0..depth {
        let mut right = [simd.splat_f32s(0.0); VECTORS];
        for (v, right) in right.iter_mut().enumerate() {
            *right = load(v, b.wrapping_add(v * S::F32_LANES));
        }
        for (row, held) in held.iter_mut().enumerate() {
            // SAFETY: by the contract, for this k.
            let left = simd.splat_f32s(unsafe { *a.add(row * a_row) });
            for v in 0..VECTORS {
                held[v] = simd.mul_add_e_f32s(left, right[v], held[v]);
            }
        }
        a = a.wrapping_add(a_step);
        b = b.wrapping_add(b_step);
    }
    *sums = held;
}
