//! Which weights of a tensor are kept, one bit each.

/// {0,1} for each weight of one prunable tensor, in row-major order; 1 = kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    /// Bit i of word i ÷ 64; bits past `len` are 0.
    words: Vec<u64>,
    len: usize,
}

impl Mask {
    /// Keeps everything: a dense network's mask.
    pub fn ones(len: usize) -> Mask {
        Mask::from_fn(len, |_| true)
    }

    pub fn from_fn(len: usize, kept: impl Fn(usize) -> bool) -> Mask {
        let word =
            |w: usize| (0..64).filter(|b| w * 64 + b < len && kept(w * 64 + b)).fold(0, |word, b| word | 1u64 << b);
        Mask { words: (0..len.div_ceil(64)).map(word).collect(), len }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Number of weights kept.
    pub fn kept(&self) -> usize {
        self.words.iter().map(|w| w.count_ones() as usize).sum()
    }

    /// Number of weights that both keep.
    pub fn shared(&self, other: &Mask) -> usize {
        self.words.iter().zip(&other.words).map(|(a, b)| (a & b).count_ones() as usize).sum()
    }

    /// The share of weights kept, 1 where there are none.
    pub fn density(&self) -> f64 {
        if self.is_empty() { 1.0 } else { self.kept() as f64 / self.len as f64 }
    }

    pub fn keeps(&self, index: usize) -> bool {
        self.words[index / 64] >> (index % 64) & 1 == 1
    }

    pub fn remove(&mut self, index: usize) {
        self.words[index / 64] &= !(1 << (index % 64));
    }

    /// The indices of the kept weights, rising.
    pub fn indices(&self) -> impl Iterator<Item = usize> + '_ {
        let bits = move |w: usize| (0..64).filter(move |b| self.words[w] >> b & 1 == 1).map(move |b| w * 64 + b);
        (0..self.words.len()).filter(|w| self.words[*w] != 0).flat_map(bits)
    }

    /// Sets every weight that is not kept to exactly 0.
    pub fn apply(&self, weights: &mut [f32]) {
        for (i, weight) in weights.iter_mut().enumerate() {
            if !self.keeps(i) {
                *weight = 0.0;
            }
        }
    }

    /// All ones where kept, all zeros where not: `bits & select` clears a weight or a gradient whatever its value,
    /// where multiplying by 0 would keep a NaN.
    pub fn select(&self) -> Vec<u32> {
        (0..self.len).map(|i| if self.keeps(i) { u32::MAX } else { 0 }).collect()
    }

    /// Whether every weight kept here is kept in `other` too.
    pub fn is_within(&self, other: &Mask) -> bool {
        self.len == other.len && self.words.iter().zip(&other.words).all(|(a, b)| a & !b == 0)
    }

    /// Eight weights a byte, least significant bit first (numpy's `packbits(bitorder="little")`).
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.words.iter().flat_map(|w| w.to_le_bytes()).collect();
        bytes.truncate(self.len.div_ceil(8));
        bytes
    }

    /// Reads what `to_bytes` wrote; `None` where the length does not fit or a bit is set past the end.
    pub fn from_bytes(bytes: &[u8], len: usize) -> Option<Mask> {
        if bytes.len() != len.div_ceil(8) {
            return None;
        }
        let mask = Mask::from_fn(len, |i| bytes[i / 8] >> (i % 8) & 1 == 1);
        (mask.to_bytes() == bytes).then_some(mask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_masked_nan_becomes_zero() {
        let mut weights = [1.0, f32::NAN, 3.0, 4.0];
        Mask::from_fn(4, |i| i != 1).apply(&mut weights);
        assert_eq!(weights, [1.0, 0.0, 3.0, 4.0]);
    }

    #[test]
    fn a_bit_set_past_the_end_is_a_torn_file() {
        assert_eq!(Mask::from_bytes(&[0b1_0000], 4), None);
        assert_eq!(Mask::from_bytes(&[0, 0], 4), None);
    }

    proptest! {
        #[test]
        fn bytes_read_back(bits in prop::collection::vec(any::<bool>(), 0..300)) {
            let mask = Mask::from_fn(bits.len(), |i| bits[i]);
            prop_assert_eq!(mask.kept(), bits.iter().filter(|b| **b).count());
            prop_assert_eq!(mask.indices().count(), mask.kept());
            prop_assert_eq!(Mask::from_bytes(&mask.to_bytes(), bits.len()), Some(mask));
        }

        #[test]
        fn removing_a_weight_nests_the_mask(len in 1usize..200, at in any::<prop::sample::Index>()) {
            let whole = Mask::ones(len);
            let mut fewer = whole.clone();
            fewer.remove(at.index(len));
            prop_assert!(fewer.is_within(&whole) && !whole.is_within(&fewer));
            prop_assert_eq!(fewer.kept(), len - 1);
        }
    }
}
