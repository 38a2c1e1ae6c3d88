//! Locks for tests.

use crate::lock::{Address, LockedTicket, Outcome};
use crate::record::Scores;

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
