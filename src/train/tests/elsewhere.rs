//! Trainings on devices whose memory is not the host's, and on the host used as one.

use super::*;

#[test]
fn a_step_elsewhere_brings_two_numbers_to_the_host() {
    let popup = json!({ "use": "edge-popup", "weights_remaining": 0.4, "scores": kaiming_scores() });
    for (compute, learn) in elsewhere().flat_map(|compute| [(compute.clone(), json!({})), (compute, popup.clone())]) {
        let small = Small::of(IMAGES).on(compute);
        let bench = small.bench();
        let training = small.training(json!({ "use": "sgd", "learning_rate": 0.1, "momentum": 0.9 }), learn);
        let mut run = Run::begin(&bench, small.ticket(|_| true), &training, &START).unwrap();
        run.to(1).unwrap();
        let before = device::FETCHED.get();
        run.to(6).unwrap();
        assert_eq!(device::FETCHED.get() - before, 5 * 2, "{}", small.compute.kind);
    }
}

#[test]
fn a_training_elsewhere_goes_the_hosts_way() {
    let popup = json!({ "use": "edge-popup", "weights_remaining": 0.4, "scores": kaiming_scores() });
    let sgd = json!({ "use": "sgd", "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.01 });
    let adam = json!({ "use": "adam", "learning_rate": 0.002, "weight_decay": 0.01 });
    for (layers, optimizer, learn) in [
        (FLAT, &sgd, json!({})),
        (FLAT, &adam, json!({})),
        (FLAT, &sgd, popup.clone()),
        (IMAGES, &adam, json!({})),
        (IMAGES, &sgd, popup),
        (FLAT, &sgd, gradual("layer")),
        (IMAGES, &adam, gradual("global")),
    ] {
        let keeps = |i| learn.get("use").is_some() || i % 3 > 0;
        let trained = |small: Small| {
            let bench = small.bench();
            let training = small.training(optimizer.clone(), learn.clone());
            let outcome = bench.train(small.ticket(keeps), &training, &START).unwrap();
            (outcome.ticket, outcome.training.unwrap(), outcome.scores.unwrap())
        };
        let (ticket, record, scores) = trained(Small::of(layers));
        for compute in elsewhere() {
            let what = format!("{optimizer} {learn} on {}", compute.kind);
            let (found, there, scored) = trained(Small::of(layers).on(compute));
            assert_eq!(found.violations(), 0, "{what}");
            for (name, array) in &ticket.arrays {
                let pairs = array.values.iter().zip(&found.arrays[name].values);
                let far = pairs.filter(|(a, b)| (*a - *b).abs() > 2e-3 * a.abs().max(0.1)).count();
                // Where scores are nearly equal, rounding decides between them.
                assert!(far * 100 <= array.values.len(), "{what}: {far} of {} in {name}", array.values.len());
            }
            for (name, mask) in &ticket.masks {
                assert_eq!(mask.kept(), found.masks[name].kept(), "{what}: {name}");
            }
            for (a, b) in record.curve.validation_loss.iter().zip(&there.curve.validation_loss) {
                assert!(
                    (a.unwrap() - b.unwrap()).abs() < 0.01 * a.unwrap(),
                    "{what}: a loss of {b:?}, and {a:?} there"
                );
            }
            assert!((scores.test_accuracy - scored.test_accuracy).abs() < 0.01, "{what}");
        }
    }
}
