//! What of a plan is in the store and broken is set aside before a run, so that it runs anew.

use super::recorded::Recorded;
use super::store::Store;
use crate::plan::Plan;

/// Sets aside what is broken of these steps that are not recorded, and of snapshots that they rewind to. Gives what to say
/// of each.
pub fn mend(plan: &Plan, recorded: &[Option<Recorded>], store: &Store) -> Result<Vec<String>, String> {
    let mut said = Vec::new();
    for (step, _) in plan.steps.iter().zip(recorded).filter(|(_, recorded)| recorded.is_none()) {
        if let Some(broken) = store.broken(&step.id) {
            let aside = store.set_aside(&step.id)?;
            said.push(format!("{broken}: set aside in {}, the step runs anew", aside.display()));
        }
        let Some((training, k)) = step.rewinds.map(|(training, k)| (&plan.steps[training].id, k)) else { continue };
        if let Some(broken) = store.broken_snapshot(training, k) {
            let aside = store.set_snapshot_aside(training, k)?;
            said.push(format!("{broken}: set aside in {}, its training is replayed", aside.display()));
        }
    }
    Ok(said)
}
