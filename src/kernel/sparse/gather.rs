//! Result rows as sums of source rows: each kept weight is one multiply-add on whole vectors of its row.

use pulp::Simd;

use super::pattern::Term;
use crate::kernel::simd::load;

/// Even and odd terms are summed apart where registers allow, so that more multiply-adds are under way at once. Depends on
/// the instruction set alone, so that the order of a sum does not depend on how many vectors there are.
#[inline(always)]
fn apart<S: Simd>() -> bool {
    S::F32_LANES == 16
}

/// Where the terms' weights and rows are: row r begins at `rows + r × step`.
#[derive(Clone, Copy)]
pub struct Source {
    pub values: *const f32,
    pub rows: *const f32,
    pub step: usize,
}

/// `first + Σ weight × row`, for the first `VECTORS` vectors of the rows.
///
/// # Safety
/// For each term, its value and `VECTORS` vectors of its source row must be readable.
#[inline(always)]
pub unsafe fn sum<S: Simd, const VECTORS: usize>(
    simd: S,
    first: [S::f32s; VECTORS],
    terms: &[Term],
    source: Source,
) -> [S::f32s; VECTORS] {
    let mut even = first;
    if !apart::<S>() {
        for term in terms {
            // SAFETY: by the contract.
            unsafe { add::<S, VECTORS>(simd, *term, source, &mut even) };
        }
        return even;
    }
    let mut odd = [simd.splat_f32s(0.0); VECTORS];
    let (pairs, rest) = terms.as_chunks::<2>();
    for pair in pairs {
        // SAFETY: by the contract.
        unsafe {
            add::<S, VECTORS>(simd, pair[0], source, &mut even);
            add::<S, VECTORS>(simd, pair[1], source, &mut odd);
        }
    }
    for term in rest {
        // SAFETY: by the contract.
        unsafe { add::<S, VECTORS>(simd, *term, source, &mut even) };
    }
    for v in 0..VECTORS {
        even[v] = simd.add_f32s(even[v], odd[v]);
    }
    even
}

/// # Safety
/// As [`sum`].
#[inline(always)]
unsafe fn add<S: Simd, const VECTORS: usize>(simd: S, term: Term, source: Source, sums: &mut [S::f32s; VECTORS]) {
    // SAFETY: by the contract.
    let value = simd.splat_f32s(unsafe { *source.values.add(term.value as usize) });
    let row = source.rows.wrapping_add(term.source as usize * source.step);
    for (v, sum) in sums.iter_mut().enumerate() {
        // SAFETY: by the contract.
        *sum = simd.mul_add_e_f32s(value, unsafe { load(simd, row.add(v * S::F32_LANES)) }, *sum);
    }
}
