//! A mask is learned, and no weight moves.

use super::*;

#[test]
fn edge_popup_moves_no_weight_by_a_bit_at_any_step() {
    let small = Small::new();
    let bench = small.bench();
    let optimizer = json!({ "use": "sgd", "learning_rate": 0.5, "momentum": 0.9, "weight_decay": 0.1 });
    let learn = json!({ "use": "edge-popup", "weights_remaining": 0.4, "scores": kaiming_scores() });
    let begun = small.ticket(|_| true);
    let training = small.training(optimizer, learn);
    let mut run = Run::begin(&bench, begun.clone(), &training, &START).unwrap();
    let mut masks = Vec::new();
    for iteration in 1..=30 {
        assert_eq!(run.to(iteration).unwrap(), None);
        let ticket = run.ticket(&run.state().unwrap());
        for (name, mask) in &ticket.masks {
            let n = mask.len();
            assert_eq!(mask.kept(), n - (0.6 * n as f64) as usize, "{name} after step {iteration}");
            let mut expected = begun.arrays[name].values.clone();
            mask.apply(&mut expected);
            assert_eq!(bits(&ticket.arrays[name].values), bits(&expected), "{name} after step {iteration}");
        }
        for bias in ["fc1.bias", "out.bias"] {
            assert_eq!(bits(&ticket.arrays[bias].values), bits(&begun.arrays[bias].values), "after step {iteration}");
        }
        masks.push(ticket.masks["out.weight"].clone());
    }
    assert!(masks.windows(2).any(|pair| pair[0] != pair[1]), "the mask never changed: nothing was learned");
}

#[test]
fn edge_popup_freezes_scales_and_shifts_and_running_statistics_move() {
    let small = Small::of(IMAGES);
    let bench = small.bench();
    let learn = json!({ "use": "edge-popup", "weights_remaining": 0.5, "scores": kaiming_scores() });
    let begun = small.ticket(|_| true);
    let training = small.training(json!({ "use": "sgd", "learning_rate": 0.5, "weight_decay": 0.1 }), learn);
    let mut run = Run::begin(&bench, begun.clone(), &training, &START).unwrap();
    // The last iteration is evaluated, and rule 2 checked.
    run.to(30).unwrap();
    let ticket = run.ticket(&run.state().unwrap());
    for param in small.model.params.iter().filter(|param| param.kind.is_none()) {
        let (before, after) = (&begun.arrays[&param.name].values, &ticket.arrays[&param.name].values);
        assert_eq!(bits(before) == bits(after), param.role.is_trained(), "{}", param.name);
    }
}
