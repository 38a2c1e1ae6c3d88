//! The data order: which examples each iteration sees.

use crate::seed::{Purpose, Seeds, Stream};

/// A new permutation of the training examples each epoch, cut into batches. Any iteration can be asked for at any
/// time, so a training that resumes sees what it would have seen.
#[derive(Clone, Debug)]
pub struct Order {
    stream: Stream,
    examples: Vec<u32>,
    batch_size: usize,
    /// The epoch asked for last, and its permutation.
    epoch: Option<u64>,
    permutation: Vec<u32>,
}

impl Order {
    /// `examples` are the indices to permute; `stream` is "" unless a stage asks for another order.
    ///
    /// Errors where there are no examples, or batches would be empty.
    pub fn new(seeds: Seeds, stream: &str, examples: Vec<u32>, batch_size: usize) -> Result<Order, String> {
        if examples.is_empty() || batch_size == 0 {
            return Err(format!(
                "{} training examples in batches of {batch_size}: both must be above 0",
                examples.len()
            ));
        }
        let stream = seeds.stream(Purpose::DataOrder, stream);
        Ok(Order { stream, examples, batch_size, epoch: None, permutation: Vec::new() })
    }

    /// Iterations in an epoch: the last takes what is left.
    pub fn iterations_per_epoch(&self) -> u64 {
        self.examples.len().div_ceil(self.batch_size) as u64
    }

    /// The examples of an iteration, counted from 0 through all epochs.
    pub fn batch(&mut self, iteration: u64) -> &[u32] {
        let (epoch, batch) = (iteration / self.iterations_per_epoch(), iteration % self.iterations_per_epoch());
        if self.epoch != Some(epoch) {
            self.permutation.clone_from(&self.examples);
            self.stream.part(epoch).shuffle(&mut self.permutation);
            self.epoch = Some(epoch);
        }
        let start = batch as usize * self.batch_size;
        &self.permutation[start..self.permutation.len().min(start + self.batch_size)]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SEEDS: Seeds = Seeds { seed: 1, replicate: Some(0) };

    fn order(seeds: Seeds, stream: &str) -> Order {
        Order::new(seeds, stream, (0..100).collect(), 60).unwrap()
    }

    #[test]
    fn the_last_batch_of_an_epoch_takes_what_is_left() {
        let mut order = order(SEEDS, "");
        assert_eq!(order.iterations_per_epoch(), 2);
        assert_eq!([0, 1, 2, 3].map(|iteration| order.batch(iteration).len()), [60, 40, 60, 40]);
    }

    #[test]
    fn every_epoch_replicate_and_stream_has_an_order_of_its_own() {
        let mut base = order(SEEDS, "");
        let first = base.batch(0).to_vec();
        assert_ne!(base.batch(2), first);
        assert_ne!(order(Seeds { replicate: Some(1), ..SEEDS }, "").batch(0), first);
        assert_ne!(order(SEEDS, "other").batch(0), first);
        assert_eq!(order(SEEDS, "").batch(0), first);
    }

    #[test]
    fn no_examples_or_empty_batches_are_an_error() {
        assert!(Order::new(SEEDS, "", vec![], 60).is_err());
        assert!(Order::new(SEEDS, "", vec![1], 0).unwrap_err().contains("batches of 0"));
    }

    proptest! {
        #[test]
        fn each_epoch_is_a_permutation_of_the_examples(
            n in 1u32..200, batch_size in 1usize..50, epoch in 0u64..1000, seed in any::<u64>()
        ) {
            let examples: Vec<u32> = (0..n).map(|i| 3 * i).collect();
            let mut order = Order::new(Seeds { seed, ..SEEDS }, "", examples.clone(), batch_size).unwrap();
            let first = epoch * order.iterations_per_epoch();
            let mut seen: Vec<u32> = (first..first + order.iterations_per_epoch())
                .flat_map(|iteration| order.batch(iteration).to_vec())
                .collect();
            seen.sort_unstable();
            prop_assert_eq!(seen, examples);
        }

        #[test]
        fn a_batch_does_not_depend_on_what_was_asked_before(
            iterations in prop::collection::vec(0u64..50, 1..20), batch_size in 1usize..50
        ) {
            let fresh = || Order::new(SEEDS, "", (0..100).collect(), batch_size).unwrap();
            let mut used = fresh();
            for iteration in iterations {
                let expected = fresh().batch(iteration).to_vec();
                prop_assert_eq!(used.batch(iteration), expected);
            }
        }
    }
}
