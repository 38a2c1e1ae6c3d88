//! What of a step is in the store and broken is set aside before it is made anew, by who holds its claim: nobody else can
//! have put a sound one in its place meanwhile.

use super::claim::Claim;
use super::store::Store;

/// Sets a step aside whose claim is held, where it is broken. Gives what to say of it.
pub fn step(store: &Store, id: &str) -> Result<Option<String>, String> {
    Ok(store.set_aside(id)?.map(|said| said + ", the step runs anew"))
}

/// The same of a snapshot of a step that is complete.
pub fn snapshot(store: &Store, id: &str, k: u64) -> Result<Option<String>, String> {
    // Whoever has the claim is making a sound one.
    let Some(_claim) = Claim::of(store, id) else { return Ok(None) };
    Ok(store.set_snapshot_aside(id, k)?.map(|said| said + ", its training is replayed"))
}
