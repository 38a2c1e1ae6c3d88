//! Exchanges between the lanes of several vectors, for any number of lanes that is a power of two up to 16.

use pulp::Simd;

/// As many vectors as the widest has lanes; the first `S::F32_LANES` of them are used.
pub const MOST: usize = 16;

pub type Square<S> = [<S as Simd>::f32s; MOST];

/// All ones in the lanes whose number has no bit in common with `BIT`.
#[inline(always)]
fn low<S: Simd, const BIT: usize>(simd: S) -> S::m32s {
    const NUMBERS: [u32; MOST] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
    // SAFETY: a vector has at most MOST lanes, and is plain data.
    let numbers = unsafe { NUMBERS.as_ptr().cast::<S::u32s>().read_unaligned() };
    simd.equal_u32s(simd.and_u32s(numbers, simd.splat_u32s(BIT as u32)), simd.splat_u32s(0))
}

/// How many sums are begun together.
#[inline(always)]
pub const fn some<S: Simd>() -> usize {
    if S::F32_LANES < SOME { S::F32_LANES } else { SOME }
}

/// As many vectors as stay in registers whatever the instruction set.
pub const SOME: usize = 4;

/// Lane l of the result is the sum of all lanes of vector l, as a binary tree over lanes l, l + 1, … (cyclic).
///
/// `four(i)` gives vectors i .. i + [`some`]. Each step adds neighbours within two vectors and packs the two into one: as
/// many steps as one sum by itself takes, for all sums together.
#[inline(always)]
pub fn sum_each<S: Simd>(simd: S, four: impl Fn(usize) -> [S::f32s; SOME]) -> S::f32s {
    let mut sums = [simd.splat_f32s(0.0); SOME];
    for (i, sum) in sums.iter_mut().enumerate().take(S::F32_LANES / some::<S>()) {
        let mut vectors = four(i * some::<S>());
        if S::F32_LANES > 1 {
            vectors[0] = pack::<S, 1>(simd, vectors[0], vectors[1]);
        }
        if S::F32_LANES > 2 {
            vectors[2] = pack::<S, 1>(simd, vectors[2], vectors[3]);
            vectors[0] = pack::<S, 2>(simd, vectors[0], vectors[2]);
        }
        *sum = vectors[0];
    }
    if S::F32_LANES > 4 {
        sums[0] = pack::<S, 4>(simd, sums[0], sums[1]);
    }
    if S::F32_LANES > 8 {
        sums[2] = pack::<S, 4>(simd, sums[2], sums[3]);
        sums[0] = pack::<S, 8>(simd, sums[0], sums[2]);
    }
    sums[0]
}

/// Sums of lanes `BIT` apart: of `even` in the lanes without `BIT`, of `odd` in those with it.
#[inline(always)]
fn pack<S: Simd, const BIT: usize>(simd: S, even: S::f32s, odd: S::f32s) -> S::f32s {
    let low = low::<S, BIT>(simd);
    let other = simd.rotate_left_f32s(simd.select_f32s(low, odd, even), BIT);
    simd.add_f32s(simd.select_f32s(low, even, odd), other)
}

/// Lane j of vector i becomes lane i of vector j.
#[inline(always)]
pub fn transpose<S: Simd>(simd: S, vectors: &mut Square<S>) {
    if S::F32_LANES > 1 {
        swap::<S, 1>(simd, vectors);
    }
    if S::F32_LANES > 2 {
        swap::<S, 2>(simd, vectors);
    }
    if S::F32_LANES > 4 {
        swap::<S, 4>(simd, vectors);
    }
    if S::F32_LANES > 8 {
        swap::<S, 8>(simd, vectors);
    }
}

/// Exchanges `BIT` between the number of the vector and the number of the lane, for all pairs of vectors.
///
/// Written out, since a loop would make the vectors leave their registers.
#[inline(always)]
fn swap<S: Simd, const BIT: usize>(simd: S, vectors: &mut Square<S>) {
    swap_pair::<S, BIT, 0>(simd, vectors);
    swap_pair::<S, BIT, 1>(simd, vectors);
    swap_pair::<S, BIT, 2>(simd, vectors);
    swap_pair::<S, BIT, 3>(simd, vectors);
    swap_pair::<S, BIT, 4>(simd, vectors);
    swap_pair::<S, BIT, 5>(simd, vectors);
    swap_pair::<S, BIT, 6>(simd, vectors);
    swap_pair::<S, BIT, 7>(simd, vectors);
}

#[inline(always)]
fn swap_pair<S: Simd, const BIT: usize, const PAIR: usize>(simd: S, vectors: &mut Square<S>) {
    if PAIR < S::F32_LANES / 2 {
        let low = low::<S, BIT>(simd);
        let i = PAIR / BIT * 2 * BIT + PAIR % BIT;
        let (above, below) = (vectors[i], vectors[i + BIT]);
        vectors[i] = simd.select_f32s(low, above, simd.rotate_right_f32s(below, BIT));
        vectors[i + BIT] = simd.select_f32s(low, simd.rotate_left_f32s(above, BIT), below);
    }
}
