//! Locks for tests.

use crate::lock::{Address, Draws, Lock, LockedStep, LockedTicket, LockedVariant, Outcome, Versions};
use crate::record::Scores;
use crate::ticket::Fingerprint;

pub fn scores(accuracy: f64) -> Scores {
    Scores {
        early_stop_iteration: 100,
        validation_loss: 0.25,
        validation_accuracy: Some(accuracy),
        test_loss: 0.25,
        test_accuracy: accuracy,
        final_train_accuracy: accuracy,
        final_validation_accuracy: Some(accuracy),
        final_test_accuracy: accuracy,
    }
}

pub fn ticket(pipeline: &str, level: u32, replicate: u32) -> LockedTicket {
    let address = Address {
        variant: String::new(),
        pipeline: pipeline.into(),
        analysis: String::new(),
        replicate,
        other_replicate: None,
        level,
        planned: 100,
        draw: 0,
        branch: 0,
    };
    LockedTicket {
        step: format!("{pipeline} {level} {replicate}"),
        address,
        kept: 100,
        prunable: 1000,
        status: Outcome::Done,
        scores: Some(scores(0.9)),
        measured: Vec::new(),
    }
}

/// A lock of these tickets, each of one step that drew its weights.
pub fn lock(tickets: Vec<LockedTicket>) -> Lock {
    let step = |ticket: &LockedTicket| {
        let left = Fingerprint { weights: "weights".into(), masks: "masks".into() };
        let (variant, replicate) = (Some(0), Some(ticket.address.replicate));
        let step = LockedStep {
            stage: "train-1".into(),
            parent: None,
            variant,
            replicate,
            draw: 0,
            other: None,
            left: Some(left),
        };
        (ticket.step.clone(), step)
    };
    let draws = Draws { split: String::new(), order: Vec::new() };
    let (data, model) = (serde_json::Value::Null, Vec::new());
    Lock {
        lock: 1,
        experiment: "small".into(),
        device: "abacus".into(),
        tolerance: None,
        variant: vec![LockedVariant { name: String::new(), seed: 1, draws, data, model }],
        stages: Default::default(),
        steps: tickets.iter().map(step).collect(),
        tickets,
        analyses: Vec::new(),
        versions: Versions { tombola: String::new(), burn: String::new(), rust: String::new() },
        host: Default::default(),
    }
}
