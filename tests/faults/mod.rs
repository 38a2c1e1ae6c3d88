//! What may happen to a run, and really happens here: kills, full disks, read-only stores, damaged files, clocks that go
//! back, data that change, memory that runs out. docs/faults.md says what each is held to.
#![cfg(target_os = "linux")]

mod broken;
mod disk;
mod kills;
mod rest;
mod shim;

/// `just faults` has a thousand.
#[test]
fn killed_in_any_phase_and_resumed_a_run_gives_the_results_of_an_undisturbed_one() {
    kills::kill("killed_in_any_phase_and_resumed_a_run_gives_the_results_of_an_undisturbed_one", 20);
}

/// Writes benches/faults.md, which is committed.
#[test]
#[ignore = "takes minutes: `just faults`"]
fn a_thousand_kills_lose_nothing() {
    let kills = std::env::var("TOMBOLA_KILLS").map_or(1000, |kills| kills.parse().unwrap());
    let Some(table) = kills::kill("a_thousand_kills_lose_nothing", kills) else { return };
    let text = format!(
        "# Kills\n\nWritten by `just faults`: the tiny experiment of tests/tiny.rs, killed at random moments of each phase and \
         resumed each\ntime; docs/faults.md says how. Equal: in the end, `results.csv` was that of an undisturbed run in all \
         columns but `seconds`.\n\n{table}"
    );
    println!("{text}");
    std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/faults.md"), text).unwrap();
}
