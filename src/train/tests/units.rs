//! Neurons and channels go as wholes.

use super::*;

/// Convolutions whose channels can go, in a block and before it, with all that may be between.
const UNITS: &str = r#"
  { conv = { channels = 5, stride = 4 } },
  { batch-norm = {} },
  { relu = {} },
  { conv = { channels = 4, bias = false } },
  { residual = { layers = [{ conv = { channels = 6 } }, { batch-norm = {} }, { relu = {} }, { conv = { channels = 4 } }] } },
  { max-pool = { window = 2 } },
  { conv = { channels = 7 } },
  { relu = {} },
  { flatten = {} },
  { dropout = { rate = 0.5 } },
  { linear = { units = 9 }, name = "fc1" },
  { batch-norm = {} },
"#;

#[test]
fn the_smaller_network_computes_what_the_whole_one_does() {
    for compute in [device::open("cpu").unwrap()].into_iter().chain(elsewhere()) {
        for layers in [FLAT, UNITS] {
            let small = Small::of(layers).on(compute.clone());
            let bench = small.bench();
            // Trained, so that biases, norms and running statistics are somewhere.
            let training = small.training(json!({ "use": "adam", "learning_rate": 0.01 }), json!({}));
            let mut ticket = bench.train(small.ticket(|i| i % 5 > 0), &training, &START).unwrap().ticket;
            for units in small.model.unit_groups() {
                units.mask(&small.model, &mut ticket, &Mask::from_fn(units.count, |unit| unit % 3 == 1));
            }
            ticket.apply_masks();
            let (model, smaller) = small.model.shrunk(&ticket).unwrap();
            let counts: Vec<usize> = model.unit_groups().iter().map(|units| units.count).collect();
            assert_eq!(counts, if layers == FLAT { vec![4] } else { vec![3, 4, 5, 6] });
            assert!(model.parameters() < small.model.parameters());
            let [whole, few] = [(&small.model, &ticket), (&model, &smaller)].map(|(m, t)| bench.logits(m, t).unwrap());
            let largest = whole.iter().fold(0f32, |most, logit| most.max(logit.abs()));
            assert_eq!(whole.len(), small.data.split.validation.len() * 10);
            assert!(whole.iter().zip(&few).all(|(a, b)| (a - b).abs() < 1e-5 * largest), "on {}", compute.kind);
        }
    }
}
