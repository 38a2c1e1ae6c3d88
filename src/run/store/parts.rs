//! What the parts of a store, and the files of a step, are called.

/// Completed steps.
pub const STEPS: &str = "steps";
/// How far trainings are that have not ended.
pub const PARTIAL: &str = "partial";
/// Who works on which step.
pub const CLAIMS: &str = "claims";
/// Broken steps that were set aside.
pub const BROKEN: &str = "broken";
/// What is being written.
pub const TMP: &str = "tmp";
/// Which steps each experiment's latest run had.
pub const PLANS: &str = "plans";
/// Who uses the store.
pub const LOCK: &str = "lock";
/// What verifications ran again: a store an experiment.
pub const VERIFY: &str = "verify";

/// All of them.
pub const PARTS: [&str; 8] = [STEPS, PARTIAL, CLAIMS, BROKEN, TMP, PLANS, LOCK, VERIFY];

pub const TICKET: &str = "ticket.safetensors";
pub const RECORD: &str = "record.json";
/// Beside each snapshot lies its BLAKE3.
pub const HASH: &str = "blake3";
