# What must pass before a change lands.
ci:
    .ci/run

# The small experiment, and its report.
quickstart:
    cargo run --release -- run experiments/quickstart
