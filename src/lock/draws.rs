//! What is drawn from an experiment's seed ahead of any training, the same on every device.

use serde::{Deserialize, Serialize};

use crate::dataset::Prepared;
use crate::dataset::order::Order;
use crate::seed::Seeds;

/// Each 32 hexadecimal digits of a BLAKE3 hash.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Draws {
    /// Of which examples train, validate and test, and of their labels.
    pub split: String,
    /// Of each replicate, of the order of its first two epochs.
    pub order: Vec<String>,
}

/// What the seed draws of a variant's data.
pub fn draws(data: &Prepared, seed: u64, replicates: u32) -> Result<Draws, String> {
    let (train, validation, test) = (&data.split.train, &data.split.validation, &data.test);
    let labels = |labels: &[u16], indices: &[u32]| indices.iter().map(|i| u32::from(labels[*i as usize])).collect();
    let split: [&[u32]; 6] = [
        train,
        validation,
        test,
        &labels(&data.train_labels, train) as &Vec<u32>,
        &labels(&data.train_labels, validation) as &Vec<u32>,
        &labels(&data.test_labels, test) as &Vec<u32>,
    ];
    let order = |replicate| {
        // A batch an epoch: the batch size only says where an epoch is cut.
        let mut order = Order::new(Seeds { seed, replicate: Some(replicate) }, "", train.clone(), train.len())?;
        let first = order.batch(0).to_vec();
        Ok(hash(&[&first, order.batch(1)]))
    };
    Ok(Draws { split: hash(&split), order: (0..replicates).map(order).collect::<Result<_, String>>()? })
}

fn hash(lists: &[&[u32]]) -> String {
    let mut hasher = blake3::Hasher::new();
    for list in lists {
        hasher.update(&(list.len() as u64).to_le_bytes());
        hasher.update(&list.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>());
    }
    hasher.finalize().to_hex()[..32].to_string()
}
