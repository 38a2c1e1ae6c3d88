//! Tickets on disk: safetensors, with masks packed eight weights a byte.
//!
//! A mask of tensor `fc1.weight` is the U8 tensor `mask:fc1.weight`. The order of the arrays, which safetensors does not
//! keep, and the masks' lengths stand in the metadata.

use std::collections::HashMap;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};

use crate::mask::Mask;
use crate::ticket::{Array, Ticket};

const KEY: &str = "tombola";

#[derive(Deserialize, Serialize)]
struct Contents {
    arrays: Vec<String>,
    /// Name and number of weights.
    masks: Vec<(String, usize)>,
}

/// A ticket as bytes. Equal tickets give equal bytes.
pub fn to_bytes(ticket: &Ticket) -> Result<Vec<u8>, String> {
    let arrays: Vec<(String, Vec<usize>, Vec<u8>)> = ticket
        .arrays
        .iter()
        .map(|(name, array)| {
            (name.clone(), array.shape.clone(), array.values.iter().flat_map(|v| v.to_le_bytes()).collect())
        })
        .collect();
    let masks: Vec<(String, Vec<u8>)> =
        ticket.masks.iter().map(|(name, m)| (format!("mask:{name}"), m.to_bytes())).collect();
    let mut views = Vec::new();
    for (name, shape, bytes) in &arrays {
        views.push((name, TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(|e| e.to_string())?));
    }
    for (name, bytes) in &masks {
        views.push((name, TensorView::new(Dtype::U8, vec![bytes.len()], bytes).map_err(|e| e.to_string())?));
    }
    let contents = Contents {
        arrays: ticket.arrays.keys().cloned().collect(),
        masks: ticket.masks.iter().map(|(name, mask)| (name.clone(), mask.len())).collect(),
    };
    let metadata = HashMap::from([(KEY.to_string(), serde_json::to_string(&contents).map_err(|e| e.to_string())?)]);
    safetensors::serialize(views, Some(metadata)).map_err(|e| e.to_string())
}

/// Reads what `to_bytes` wrote; the error says what is wrong with the bytes.
pub fn from_bytes(bytes: &[u8]) -> Result<Ticket, String> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| e.to_string())?;
    let text = metadata.metadata().as_ref().and_then(|m| m.get(KEY)).ok_or("no metadata of Tombola's")?;
    let contents: Contents = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
    let mut ticket = Ticket::default();
    for name in contents.arrays {
        let view = tensors.tensor(&name).map_err(|e| format!("{name}: {e}"))?;
        if view.dtype() != Dtype::F32 {
            return Err(format!("{name} holds {:?}, not 32-bit floats", view.dtype()));
        }
        let values = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        ticket.arrays.insert(name, Array { shape: view.shape().to_vec(), values });
    }
    for (name, len) in contents.masks {
        let view = tensors.tensor(&format!("mask:{name}")).map_err(|e| format!("mask of {name}: {e}"))?;
        let mask = Mask::from_bytes(view.data(), len).ok_or_else(|| format!("the mask of {name} is torn"))?;
        ticket.masks.insert(name, mask);
    }
    Ok(ticket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn tickets_read_back_bit_for_bit_and_in_order(
            values in prop::collection::vec(any::<u32>().prop_map(f32::from_bits), 1..50),
            kept in any::<u64>(),
        ) {
            let mut ticket = Ticket::default();
            for name in ["z.weight", "a.bias"] {
                ticket.arrays.insert(name.into(), Array { shape: vec![values.len()], values: values.clone() });
            }
            ticket.masks.insert("z.weight".into(), Mask::from_fn(values.len(), |i| kept >> (i % 64) & 1 == 1));
            let back = from_bytes(&to_bytes(&ticket).unwrap()).unwrap();
            let bits = |t: &Ticket| t.arrays.values().flat_map(|a| a.values.iter().map(|v| v.to_bits())).collect::<Vec<_>>();
            prop_assert_eq!(bits(&back), bits(&ticket));
            prop_assert_eq!(back.masks, ticket.masks);
            prop_assert_eq!(back.arrays.keys().collect::<Vec<_>>(), ["z.weight", "a.bias"]);
        }

        #[test]
        fn torn_bytes_are_an_error_and_no_panic(cut in 0usize..200) {
            let mut ticket = Ticket::default();
            ticket.arrays.insert("w".into(), Array { shape: vec![4], values: vec![1.0; 4] });
            let bytes = to_bytes(&ticket).unwrap();
            prop_assume!(cut < bytes.len());
            prop_assert!(from_bytes(&bytes[..cut]).is_err());
        }
    }
}
