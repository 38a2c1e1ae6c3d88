//! What a store has of a plan's steps, each with what identifies its ticket.

use rayon::prelude::*;

use super::store::Store;
use crate::plan::{Plan, Step};
use crate::record::Record;

/// Of each step of the plan its record, without the curve, where it is complete. A record of before fingerprints has its
/// ticket's made now.
pub fn findings(plan: &Plan, store: &Store) -> Result<Vec<Option<Record>>, String> {
    let of = |step: &Step| match store.complete(&step.id) {
        Some(record) if record.fingerprint.is_none() => {
            let fingerprint = Some(store.ticket(&step.id)?.fingerprint());
            Ok(Some(Record { fingerprint, ..record }))
        }
        record => Ok(record),
    };
    plan.steps.par_iter().map(of).collect()
}
