# What must pass before a change lands.
ci:
    .ci/run

# The small experiment, and its report.
quickstart:
    cargo run --release -- run experiments/quickstart

# That an RO-Crate and its citation are what archives expect; needs Python, and once a network.
validate-crate *crates:
    scripts/validate-ro-crate {{ crates }}
# A thousand kills of a run, in every phase of it, each resumed: writes benches/faults.md (docs/faults.md).
faults:
    cargo test --release --test tests -- --ignored --nocapture a_thousand_kills_lose_nothing
