//! Gradients of kept weights: dot products of two rows each, as many at a time as a vector has lanes, so that the sums
//! across lanes are shared.

use pulp::Simd;

use crate::kernel::lanes::{self, MOST, SOME};
use crate::kernel::simd::{load, store};

/// The rows (left, right) of each dot product, rising; all below the two counts.
pub struct Pairs {
    pairs: Vec<(u32, u32)>,
    counts: (usize, usize),
}

impl Pairs {
    pub fn new(counts: (usize, usize), pairs: Vec<(u32, u32)>) -> Self {
        assert!(pairs.is_sorted_by(|a, b| a < b), "kept indices must rise");
        assert!(pairs.iter().all(|(left, right)| (*left as usize) < counts.0 && (*right as usize) < counts.1));
        Self { pairs, counts }
    }

    /// How many rows there must be, left and right.
    pub fn counts(&self) -> (usize, usize) {
        self.counts
    }

    pub fn get(&self) -> &[(u32, u32)] {
        &self.pairs
    }
}

/// Two sets of rows, row r beginning at r × `step`.
#[derive(Clone, Copy)]
pub struct Rows {
    pub left: *const f32,
    pub right: *const f32,
    pub step: usize,
}

/// `dots[j] = left[pairs[j].0] · right[pairs[j].1]` over the first `VECTORS` vectors of the rows; added to what is there
/// if `add`.
///
/// # Safety
/// `VECTORS` vectors of each of these rows must be readable.
#[inline(always)]
pub unsafe fn dots<S: Simd, const VECTORS: usize>(
    simd: S,
    pairs: &[(u32, u32)],
    rows: Rows,
    add: bool,
    dots: &mut [f32],
) {
    for (pairs, dots) in pairs.chunks(S::F32_LANES).zip(dots.chunks_mut(S::F32_LANES)) {
        let mut whole = [pairs[pairs.len() - 1]; MOST];
        let pairs = if pairs.len() == S::F32_LANES {
            pairs
        } else {
            whole[..pairs.len()].copy_from_slice(pairs);
            &whole[..S::F32_LANES]
        };
        // SAFETY: by the contract; the last group is filled up with its own last pair.
        let sums = unsafe { group::<S, VECTORS>(simd, pairs, rows) };
        put(simd, sums, add, dots);
    }
}

/// As many dot products as there are lanes.
///
/// # Safety
/// As [`dots`].
#[inline(always)]
unsafe fn group<S: Simd, const VECTORS: usize>(simd: S, pairs: &[(u32, u32)], rows: Rows) -> S::f32s {
    let pairs = &pairs[..S::F32_LANES];
    lanes::sum_each(
        simd,
        #[inline(always)]
        |first| {
            let pairs = &pairs[first..first + lanes::some::<S>()];
            // Pairs never fall, so that one left row serves them all if it serves the first and the last.
            if pairs[0].0 == pairs[pairs.len() - 1].0 {
                // SAFETY: by the contract.
                unsafe { same_left::<S, VECTORS>(simd, pairs, rows) }
            } else {
                // SAFETY: by the contract.
                unsafe { any::<S, VECTORS>(simd, pairs, rows) }
            }
        },
    )
}

/// # Safety
/// As [`dots`]; all pairs have the same left row.
#[inline(always)]
unsafe fn same_left<S: Simd, const VECTORS: usize>(simd: S, pairs: &[(u32, u32)], rows: Rows) -> [S::f32s; SOME] {
    let mut sums = [simd.splat_f32s(0.0); SOME];
    let left = rows.left.wrapping_add(pairs[0].0 as usize * rows.step);
    for v in 0..VECTORS {
        // SAFETY: by the contract.
        let left = unsafe { load(simd, left.add(v * S::F32_LANES)) };
        for i in 0..lanes::some::<S>() {
            let right = rows.right.wrapping_add(pairs[i].1 as usize * rows.step);
            // SAFETY: by the contract.
            let right = unsafe { load(simd, right.add(v * S::F32_LANES)) };
            sums[i] = simd.mul_add_e_f32s(left, right, sums[i]);
        }
    }
    sums
}

/// # Safety
/// As [`dots`].
#[inline(always)]
unsafe fn any<S: Simd, const VECTORS: usize>(simd: S, pairs: &[(u32, u32)], rows: Rows) -> [S::f32s; SOME] {
    let mut sums = [simd.splat_f32s(0.0); SOME];
    for i in 0..lanes::some::<S>() {
        let left = rows.left.wrapping_add(pairs[i].0 as usize * rows.step);
        let right = rows.right.wrapping_add(pairs[i].1 as usize * rows.step);
        for v in 0..VECTORS {
            // SAFETY: by the contract.
            let (left, right) =
                unsafe { (load(simd, left.add(v * S::F32_LANES)), load(simd, right.add(v * S::F32_LANES))) };
            sums[i] = simd.mul_add_e_f32s(left, right, sums[i]);
        }
    }
    sums
}

/// Writes or adds as many sums as there are `dots`.
#[inline(always)]
pub fn put<S: Simd>(simd: S, sums: S::f32s, add: bool, dots: &mut [f32]) {
    if dots.len() == S::F32_LANES {
        // SAFETY: there is a whole vector of them.
        let old = if add { unsafe { load(simd, dots.as_ptr()) } } else { simd.splat_f32s(0.0) };
        // SAFETY: as above.
        unsafe { store(simd, dots.as_mut_ptr(), simd.add_f32s(old, sums)) };
    } else {
        let old = if add { simd.partial_load_f32s(dots) } else { simd.splat_f32s(0.0) };
        simd.partial_store_f32s(dots, simd.add_f32s(old, sums));
    }
}
