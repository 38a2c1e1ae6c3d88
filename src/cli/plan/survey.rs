//! What a store tells of a plan besides which steps are recorded.

use rayon::prelude::*;

use super::history::{History, Passage};
use super::timings::{Samples, Trace};
use super::why::{Firsts, Likeness};
use crate::cli::open::Opened;
use crate::run::Store;

/// Why steps may be new, and how long they may take.
#[derive(Default)]
pub struct Survey {
    /// What resembles new steps.
    pub like: Vec<Likeness>,
    pub history: History,
    /// How fast trainings were.
    pub samples: Samples,
}

/// Goes through the store once.
pub fn survey(store: &Store, firsts: &Firsts<'_>, opened: &Opened) -> Survey {
    let ids: Vec<String> = store.all().collect();
    let look = |id: &String| {
        let past = store.past(id)?;
        let passage = Passage::of(&past.record, &opened.spec.name);
        Some((firsts.like(&past.record.step, &past.inputs), (passage, Trace::of(past, &opened.compute.kind))))
    };
    let (like, (passages, traces)): (Vec<_>, (Vec<_>, Vec<_>)) = ids.par_iter().filter_map(look).unzip();
    Survey {
        like: like.into_iter().flatten().collect(),
        history: passages.into_iter().flatten().collect(),
        samples: Samples::of(traces),
    }
}
