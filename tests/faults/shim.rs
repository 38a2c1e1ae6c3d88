//! Faults at exact moments of the program, by a library that is loaded before it (shim.c).

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

/// What happens.
pub enum Act {
    /// The process is gone, as in a power cut; of a write, half is done.
    Kill,
    /// The same, so many microseconds after.
    KillAfter(u64),
    /// There is no space, then and ever after.
    Full,
    /// One error of the disk.
    Error,
    /// The wall clock is set so many seconds back.
    Back(u64),
}

/// Where it happens: at a call of these on a path like this.
pub struct Fault<'a> {
    pub act: Act,
    pub path: &'a str,
    /// As shim.c names them; all where it is empty.
    pub calls: &'a str,
    /// The how-manyeth, from 1.
    pub at: usize,
}

/// The library; `None`, which is said, where there is none of its kind.
pub fn library(test: &str) -> Option<&'static Path> {
    static BUILT: OnceLock<Option<(TempDir, PathBuf)>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("shim.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults/shim.c");
        let mut cc = Command::new("cc");
        cc.args(["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"]).arg(&library).arg(source);
        let made = cc.args(["-ldl", "-pthread"]).status().ok()?;
        assert!(made.success(), "tests/faults/shim.c does not compile");
        Some((folder, library))
    });
    if built.is_none() {
        skipped(test, "a C compiler, `cc`");
    }
    built.as_ref().map(|(_, library)| library.as_path())
}

/// Said past the test harness's capture.
pub fn skipped(test: &str, needs: &str) {
    let mut terminal = std::io::stderr();
    writeln!(terminal, "skipped: {test}: it needs {needs}").unwrap();
}

impl Fault<'_> {
    /// Lets it happen to the program.
    pub fn to(&self, library: &Path, command: &mut Command) {
        command.env("LD_PRELOAD", library).env("FAULT_PATH", self.path).env("FAULT_AT", self.at.to_string());
        if !self.calls.is_empty() {
            command.env("FAULT_CALLS", self.calls);
        }
        let act = match self.act {
            Act::Kill | Act::KillAfter(_) => "kill",
            Act::Full => "full",
            Act::Error => "error",
            Act::Back(_) => "back",
        };
        command.env("FAULT_DO", act);
        match self.act {
            Act::KillAfter(after) => drop(command.env("FAULT_AFTER", after.to_string())),
            Act::Back(seconds) => drop(command.env("FAULT_BACK", seconds.to_string())),
            _ => {}
        }
    }
}
