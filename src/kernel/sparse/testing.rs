//! What the tests of both layers share.

/// Numbers in −1 .. 1 that look random, the same for the same seed.
pub fn numbers(length: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..10).for_each(|_| _ = next());
    (0..length).map(|_| next()).collect()
}

/// About `percent` of the indices below `length`, rising.
pub fn some_of(length: usize, percent: u64, seed: u64) -> Vec<usize> {
    let below = percent as f32 / 50.0 - 1.0;
    numbers(length, seed).iter().enumerate().filter(|(_, number)| **number < below).map(|(i, _)| i).collect()
}
