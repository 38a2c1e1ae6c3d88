//! A training that was interrupted goes on to the bits of one that was not.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::kernel::gradient::Gradient;
use crate::optimizer::{Kept, Optimizer, Stepper};
use crate::stage::{Failure, Outcome};
use crate::train::{Checkpoint, Found, Keeper, Stand};

/// Layers that each move something of their own, or draw noise.
const NOISY: &str = r#"
  { max-pool = { window = 4 } },
  { flatten = {} },
  { linear = { units = 12 }, name = "fc1" },
  { batch-norm = {} },
  { relu = {} },
  { dropout = { rate = 0.3 } },
"#;

/// Keeps the last checkpoint in memory.
#[derive(Default)]
struct Memory {
    /// Whether one is written after every iteration, or only where a training is interrupted.
    always: bool,
    stand: RefCell<Option<Stand>>,
    arrays: RefCell<HashMap<String, Vec<f32>>>,
    masks: RefCell<HashMap<String, Mask>>,
    /// Where trainings went on.
    resumed: RefCell<Vec<u64>>,
    passed_over: RefCell<Vec<String>>,
    written: Cell<usize>,
}

impl Keeper for Memory {
    fn begins(&self, _: u64) {}

    fn found(&self) -> Option<Found> {
        let stand = self.stand.borrow().clone()?;
        Some(Found { stand, arrays: self.arrays.borrow().clone(), masks: self.masks.borrow().clone() })
    }

    fn resumed(&self, iterations: u64) {
        self.resumed.borrow_mut().push(iterations);
    }

    fn passed_over(&self, why: &str) {
        self.passed_over.borrow_mut().push(why.into());
    }

    fn is_due(&self) -> bool {
        self.always
    }

    fn keeps(&self) -> bool {
        true
    }

    fn keep(&self, checkpoint: Checkpoint<'_>) {
        let fetched = checkpoint.arrays.into_iter().map(|(name, lazy)| {
            let values = (lazy.fetch)().unwrap();
            assert_eq!(values.len(), lazy.len, "{name}");
            (name, values)
        });
        self.arrays.replace(fetched.collect());
        self.masks.replace(checkpoint.masks.into_iter().collect());
        self.stand.replace(Some(checkpoint.stand));
        self.written.set(self.written.get() + 1);
    }
}

/// Few examples, so that many trainings take little.
fn few(layers: &str) -> Small {
    let mut small = Small::of(layers);
    small.data.split.train.truncate(100);
    small.data.split.validation.truncate(40);
    small.data.test.truncate(40);
    small
}

/// What a training leaves, to the bit.
fn left(outcome: &Outcome) -> (Vec<Vec<u32>>, String) {
    let tickets = outcome.snapshots.iter().map(|(_, ticket)| ticket).chain([&outcome.ticket]);
    let values = tickets.flat_map(|ticket| ticket.arrays.values().map(|array| bits(&array.values))).collect();
    let masks: Vec<_> = outcome.snapshots.iter().map(|(k, ticket)| (k, &ticket.masks)).collect();
    (values, format!("{:?} {:?} {:?} {masks:?}", outcome.training, outcome.scores, outcome.ticket.masks))
}

/// Trains in parts: each goes on from where the one before was interrupted, after so many iterations of the training.
fn in_parts(small: &Small, begun: &Ticket, training: &Training, start: &Start<'_>, stops: &[u64]) -> (Outcome, Memory) {
    let memory = Memory::default();
    for stop in stops {
        let going = |done: u64| done < *stop;
        let bench = small.bench();
        let bench = bench.telling(&going);
        let bench = bench.keeping(Some(&memory));
        assert_eq!(bench.train(begun.clone(), training, start).unwrap_err(), Failure::Interrupted, "at {stop}");
    }
    let outcome = small.bench().keeping(Some(&memory)).train(begun.clone(), training, start).unwrap();
    (outcome, memory)
}

const SNAPSHOTS: [u64; 3] = [2, 14, 25];
const REWINDS: Start<'_> = Start { snapshots: &SNAPSHOTS, ..START };

fn optimizers() -> [Value; 3] {
    [
        json!({ "use": "sgd", "learning_rate": 0.1 }),
        json!({ "use": "sgd", "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.01 }),
        json!({ "use": "adam", "learning_rate": 0.01, "weight_decay": 0.01 }),
    ]
}

/// What is learned, and which weights a ticket begins with: one in so many.
fn learners() -> [(Value, usize); 6] {
    let popup = json!({ "use": "edge-popup", "weights_remaining": 0.4, "scores": kaiming_scores() });
    [(json!({}), 1), (json!({}), 2), (json!({}), 40), (gradual("layer"), 1), (gradual("global"), 2), (popup, 1)]
}

/// Noise of every kind, and evaluations between which a training may stop.
fn noisy(small: &Small, optimizer: Value, learn: Value, early_stop: EarlyStop) -> Training {
    let used = |name: &str, config: Value| Use { name: name.into(), config, version: 1 };
    let augment = [used("crop", json!({ "padding": 4 })), used("flip", json!({ "probability": 0.5 }))];
    let mut training = small.training(optimizer, learn);
    training.augmentation = Augmentation::build(&augment, &small.registry).unwrap();
    (training.label_smoothing, training.evaluate, training.early_stop) = (0.1, 7, early_stop);
    training
}

fn everywhere() -> impl Iterator<Item = Compute> {
    [device::open("cpu").unwrap()].into_iter().chain(elsewhere())
}

#[test]
fn every_learner_and_optimizer_goes_on_to_the_same_bits_wherever_it_is_interrupted() {
    let rules = [EarlyStop::ValidationLoss, EarlyStop::ValidationAccuracy, EarlyStop::Final, EarlyStop::TestAccuracy];
    let mut rules = rules.into_iter().cycle();
    for compute in everywhere() {
        let small = few(NOISY).on(compute);
        for (optimizer, (learn, one_in)) in optimizers().into_iter().flat_map(|o| learners().map(|l| (o.clone(), l))) {
            let rule = rules.next().unwrap();
            let what = format!("{optimizer} {learn} 1/{one_in} {rule:?} on {}", small.compute.kind);
            let training = noisy(&small, optimizer, learn, rule);
            let begun = small.ticket(|i| i % one_in == 0);
            let whole = left(&small.bench().train(begun.clone(), &training, &REWINDS).unwrap());
            // At an evaluation with a snapshot; at a prune, after the next, and at the very end.
            for stops in [vec![14], vec![11, 24, 30]] {
                let (outcome, memory) = in_parts(&small, &begun, &training, &REWINDS, &stops);
                assert_eq!(memory.resumed.into_inner(), stops, "{what}");
                assert_eq!(left(&outcome), whole, "{what}, interrupted at {stops:?}");
            }
        }
    }
}

#[test]
fn convolutions_and_their_running_statistics_go_on_to_the_same_bits() {
    for compute in everywhere() {
        let small = few(IMAGES).on(compute);
        let training = noisy(&small, optimizers()[2].clone(), json!({}), EarlyStop::default());
        let begun = small.ticket(|i| i % 20 == 0);
        let start = Start { position: 3, ..REWINDS };
        let whole = left(&small.bench().train(begun.clone(), &training, &start).unwrap());
        let (outcome, memory) = in_parts(&small, &begun, &training, &start, &[4, 15]);
        assert_eq!(memory.resumed.into_inner(), [4, 15]);
        assert_eq!(left(&outcome), whole, "on {}", small.compute.kind);
    }
}

#[test]
fn checkpoints_after_every_iteration_change_no_bit() {
    let small = few(NOISY);
    let training = noisy(&small, optimizers()[2].clone(), json!({}), EarlyStop::default());
    let begun = small.ticket(|_| true);
    let whole = left(&small.bench().train(begun.clone(), &training, &REWINDS).unwrap());
    let memory = Memory { always: true, ..Memory::default() };
    let outcome = small.bench().keeping(Some(&memory)).train(begun, &training, &REWINDS).unwrap();
    assert_eq!((left(&outcome), memory.written.get()), (whole, 30));
}

#[test]
fn a_training_that_diverges_does_so_at_the_same_iteration_after_an_interruption() {
    let small = few(FLAT);
    let mut training = small.training(json!({ "use": "sgd", "learning_rate": 1e5, "weight_decay": 1e5 }), json!({}));
    training.evaluate = 1;
    let begun = small.ticket(|_| true);
    let whole = small.bench().train(begun.clone(), &training, &REWINDS).unwrap();
    let diverged = whole.training.as_ref().unwrap().diverged.unwrap();
    assert!(diverged > 1 && whole.scores.is_none(), "it diverged at {diverged}: the test shows nothing");
    for stop in 1..diverged {
        let (outcome, _) = in_parts(&small, &begun, &training, &REWINDS, &[stop]);
        assert_eq!(left(&outcome), left(&whole), "interrupted at {stop}");
    }
}

#[test]
fn without_validation_examples_the_end_is_the_same() {
    let mut small = few(NOISY);
    small.data.split.validation.clear();
    let training = noisy(&small, optimizers()[1].clone(), json!({}), EarlyStop::default());
    let begun = small.ticket(|_| true);
    let whole = left(&small.bench().train(begun.clone(), &training, &REWINDS).unwrap());
    assert_eq!(left(&in_parts(&small, &begun, &training, &REWINDS, &[20]).0), whole);
}

#[test]
fn a_checkpoint_of_another_ticket_or_torn_in_any_part_is_passed_over_and_the_results_are_the_same() {
    let small = few(NOISY);
    let training = noisy(&small, optimizers()[2].clone(), gradual("layer"), EarlyStop::default());
    let begun = small.ticket(|_| true);
    type Damage = fn(&Memory);
    let damages: [(&str, Damage); 9] = [
        ("another ticket", |memory| memory.stand.borrow_mut().as_mut().unwrap().begun.push('0')),
        ("another length", |memory| memory.stand.borrow_mut().as_mut().unwrap().to += 1),
        ("beyond the end", |memory| memory.stand.borrow_mut().as_mut().unwrap().iteration = 31),
        ("fewer values", |memory| memory.arrays.borrow_mut().get_mut("now/fc1.weight").unwrap().truncate(5)),
        ("no moments", |memory| drop(memory.arrays.borrow_mut().remove("optimizer/0").unwrap())),
        ("no snapshot", |memory| drop(memory.arrays.borrow_mut().remove("at-14it/out.bias").unwrap())),
        ("no mask", |memory| drop(memory.masks.borrow_mut().remove("now/out.weight").unwrap())),
        ("no counts", |memory| memory.stand.borrow_mut().as_mut().unwrap().optimizer.clear()),
        ("no prunes", |memory| memory.stand.borrow_mut().as_mut().unwrap().learner.clear()),
    ];
    let holds = |training: &Training, what: &str, damage: Damage| {
        let memory = Memory::default();
        let going = |done: u64| done < 20;
        let bench = small.bench();
        let bench = bench.telling(&going);
        bench.keeping(Some(&memory)).train(begun.clone(), training, &REWINDS).unwrap_err();
        damage(&memory);
        let outcome = small.bench().keeping(Some(&memory)).train(begun.clone(), training, &REWINDS).unwrap();
        assert_eq!((memory.resumed.into_inner().len(), memory.passed_over.into_inner().len()), (0, 1), "{what}");
        let whole = small.bench().train(begun.clone(), training, &REWINDS).unwrap();
        assert_eq!(left(&outcome), left(&whole), "{what}");
    };
    damages.into_iter().for_each(|(what, damage)| holds(&training, what, damage));
    // While a mask still shrinks, no evaluation is the best yet.
    let training = noisy(&small, optimizers()[2].clone(), json!({}), EarlyStop::default());
    holds(&training, "no best state", |memory| drop(memory.arrays.borrow_mut().remove("best/out.bias").unwrap()));
}

/// An optimizer of somebody's own, that says nothing of its state.
struct Own;

impl Optimizer for Own {
    fn learning_rate(&self) -> f64 {
        0.1
    }

    fn start(&self, lengths: &[usize]) -> Box<dyn Stepper> {
        Box::new(OwnState(vec![0.0; lengths.len()]))
    }
}

/// Of each tensor, how far it went.
struct OwnState(Vec<f32>);

impl Stepper for OwnState {
    fn step(&mut self, tensor: usize, rate: f64, values: &mut [f32], gradient: &dyn Gradient, kept: Kept<'_>) {
        self.0[tensor] += 0.01;
        let slopes = collect(gradient, values);
        let kept = |i: usize| if let Kept::Some(select) = kept { select[i] != 0 } else { true };
        for (i, value) in values.iter_mut().enumerate().filter(|(i, _)| kept(*i)) {
            *value -= (rate as f32 + self.0[tensor]) * slopes[i];
        }
    }
}

#[test]
fn what_says_nothing_of_its_state_begins_anew_and_ends_the_same() {
    let small = few(NOISY);
    let mut training = noisy(&small, optimizers()[0].clone(), json!({}), EarlyStop::default());
    training.optimizer = Arc::new(Own);
    let begun = small.ticket(|i| i % 2 == 0);
    let whole = left(&small.bench().train(begun.clone(), &training, &REWINDS).unwrap());
    let (outcome, memory) = in_parts(&small, &begun, &training, &REWINDS, &[12]);
    assert_eq!((memory.written.get(), memory.resumed.into_inner().len()), (0, 0));
    assert_eq!(left(&outcome), whole);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]
    #[test]
    fn no_moment_of_interruption_shows(
        mut stops in prop::collection::btree_set(1u64..=30, 1..5),
        (optimizer, learner) in (0usize..3, 0usize..6),
        hosted in any::<bool>(),
    ) {
        let mut small = few(NOISY);
        small.compute.hosted = hosted;
        let (learn, one_in) = learners()[learner].clone();
        let training = noisy(&small, optimizers()[optimizer].clone(), learn, EarlyStop::default());
        let begun = small.ticket(|i| i % one_in == 0);
        let whole = left(&small.bench().train(begun.clone(), &training, &REWINDS).unwrap());
        let parts: Vec<u64> = std::iter::from_fn(|| stops.pop_first()).collect();
        prop_assert_eq!(left(&in_parts(&small, &begun, &training, &REWINDS, &parts).0), whole);
    }
}
