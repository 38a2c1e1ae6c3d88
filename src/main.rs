//! The `tombola` program: the library's command line with the plugins that ship.

use std::process::ExitCode;

// The system's allocator halves the speed of two trainings side by side.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tombola::cli::main(tombola::registry::Registry::builtin())
}
