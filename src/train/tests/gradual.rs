//! The mask shrinks while a training goes on.

use super::*;

/// Kept weights of `fc1`, of 4704, and of `out`, of 60, after each iteration.
fn shrinking(optimizer: Value, scope: &str) -> Vec<[usize; 2]> {
    let small = Small::new();
    let bench = small.bench();
    let training = small.training(optimizer, gradual(scope));
    let mut run = Run::begin(&bench, small.ticket(|_| true), &training, &START).unwrap();
    let mut tickets = vec![small.ticket(|_| true)];
    for iteration in 1..=30 {
        assert_eq!(run.to(iteration).unwrap(), None);
        tickets.push(run.ticket(&run.state().unwrap()));
    }
    for (iteration, pair) in tickets.windows(2).enumerate() {
        assert_eq!(pair[1].violations(), 0, "after step {}", iteration + 1);
        assert!(pair[1].masks.iter().all(|(name, mask)| mask.is_within(&pair[0].masks[name])));
        let moved = |name: &str| pair[0].arrays[name] != pair[1].arrays[name];
        assert!(moved("fc1.weight") && moved("out.weight") && moved("out.bias"), "kept weights train");
    }
    tickets.iter().map(|ticket| ["fc1.weight", "out.weight"].map(|name| ticket.masks[name].kept())).collect()
}

#[test]
fn gradual_pruning_keeps_at_every_step_what_the_schedule_says_and_what_is_masked_stays_zero() {
    let adam = json!({ "use": "adam", "learning_rate": 0.01, "weight_decay": 0.1 });
    let kept = shrinking(adam, "layer");
    // Masks shrink after 11, 17, 23 and 25 steps, with 14, 8, 2 and 0 of 20 left: 470 + 4234 · 0.7³, 0.4³, 0.1³ and 0;
    // 6 + 54 · the same.
    let [first, second, third, last] = [[1922, 25], [741, 9], [474, 6], [470, 6]];
    let expected = [vec![[4704, 60]; 11], vec![first; 6], vec![second; 6], vec![third; 2], vec![last; 6]].concat();
    assert_eq!(kept, expected);
    let sgd = json!({ "use": "sgd", "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.1 });
    let totals: Vec<usize> = shrinking(sgd, "global").iter().map(|[a, b]| a + b).collect();
    // Of 4764 in all, 476 in the end: 476 + 4288 · 0.343, 0.064, 0.001 and 0.
    let expected = [vec![4764; 11], vec![1947; 6], vec![750; 6], vec![480; 2], vec![476; 6]].concat();
    assert_eq!(totals, expected);
}

#[test]
fn early_stop_looks_at_what_has_the_weights_remaining_that_the_ticket_says() {
    let small = Small::new();
    let bench = small.bench();
    // So fast that the loss is least long before the last prune.
    let mut training = small.training(json!({ "use": "adam", "learning_rate": 0.05 }), gradual("layer"));
    training.evaluate = 1;
    let outcome = bench.train(small.ticket(|_| true), &training, &START).unwrap();
    let (scores, curve) = (outcome.scores.unwrap(), outcome.training.unwrap().curve);
    let least = |from: usize| {
        (from..=30).min_by(|a, b| curve.validation_loss[*a].partial_cmp(&curve.validation_loss[*b]).unwrap()).unwrap()
    };
    assert!(least(1) < 25, "the test shows nothing");
    assert_eq!(scores.early_stop_iteration, least(25) as u64);
}

#[test]
fn a_gradual_training_is_replayed_to_the_same_bits() {
    let small = Small::new();
    let bench = small.bench();
    let training = small.training(json!({ "use": "adam", "learning_rate": 0.01 }), gradual("global"));
    let snapshots = [11, 18, 30];
    let outcome = bench.train(small.ticket(|_| true), &training, &Start { snapshots: &snapshots, ..START }).unwrap();
    for (k, ticket) in &outcome.snapshots {
        assert_eq!(bench.replay(small.ticket(|_| true), &training, &START, *k).unwrap(), *ticket, "at {k}");
    }
    assert_eq!(outcome.snapshots.len(), 3);
    assert_eq!(outcome.snapshots[2].1, outcome.ticket);
    let kept: Vec<usize> = outcome.snapshots.iter().map(|(_, ticket)| ticket.kept()).collect();
    assert_eq!(kept, [1947, 750, 476]);
}
