//! Where and with what a run happens.

use std::path::Path;
use std::process::Command;

use super::private;
use crate::device::BURN;
use crate::record::{Host, Provenance};

/// What of a repository decides results: the experiment's folder, in which git is asked, less what a run itself writes
/// there, and plugins and the program's source. A log, a report or another experiment beside it does not.
const WHAT_DECIDES: [&str; 7] = [
    ".",
    ":(exclude)experiment.lock",
    ":(top)plugins",
    ":(top)src",
    ":(top)build.rs",
    ":(top)Cargo.toml",
    ":(top)Cargo.lock",
];

/// Bytes of changes that a record holds: every step of a run has them.
const CHANGES: usize = 16 << 10;

/// What every step of a run has in common; `started`, `ended`, `threads` and `pipelines` are set step by step.
pub fn provenance(folder: &Path, experiment: &str, device: &str) -> Provenance {
    let commit = git(folder, &["rev-parse", "HEAD"]);
    let changes =
        || git(folder, &[&["status", "--porcelain", "--ignore-submodules=all", "--"][..], &WHAT_DECIDES].concat());
    // A repository's own filters are programs, which `status` would run.
    let filters =
        git(folder, &["config", "--local", "--includes", "--get-regexp", r"^filter\..*\.(clean|smudge|process)$"]);
    let changes = if filters.is_some() { None } else { commit.as_ref().and_then(|_| changes()) };
    let difference = || {
        git(
            folder,
            &[&["diff", "--no-ext-diff", "--no-textconv", "--no-color", "HEAD", "--"][..], &WHAT_DECIDES].concat(),
        )
    };
    Provenance {
        tombola: env!("CARGO_PKG_VERSION").into(),
        burn: BURN.into(),
        rust: env!("TOMBOLA_RUSTC").into(),
        device: device.into(),
        threads: 0,
        host: host(),
        dirty: changes.as_ref().map(|changes| !changes.is_empty()),
        changes: changes
            .filter(|changes| !changes.is_empty())
            .map(|names| private::told(&format!("{names}\n{}", difference().unwrap_or_default()), CHANGES)),
        commit,
        started: String::new(),
        ended: String::new(),
        command: private::command(std::env::args_os()),
        experiment: Some(experiment.into()),
        pipelines: Vec::new(),
    }
}

/// Now, in UTC, to the second.
pub fn now() -> String {
    let second = jiff::Timestamp::now().round(jiff::Unit::Second);
    second.map_or_else(|_| String::new(), |now| now.to_string())
}

fn host() -> Host {
    let wanted = sysinfo::RefreshKind::nothing()
        .with_cpu(sysinfo::CpuRefreshKind::nothing())
        .with_memory(sysinfo::MemoryRefreshKind::nothing().with_ram());
    let system = sysinfo::System::new_with_specifics(wanted).ok();
    let cpu = system.as_ref().and_then(|s| s.cpus().first()).map_or("unknown", |cpu| cpu.brand());
    Host {
        cpu: cpu.trim().into(),
        cores: std::thread::available_parallelism().map_or(1, |n| n.get()),
        memory_gib: system.as_ref().map_or(0, |s| (s.total_memory() + (1 << 29)) >> 30),
        system: sysinfo::System::long_os_version().unwrap_or_else(|_| std::env::consts::OS.into()),
    }
}

/// What git answers; `None` without git or outside a repository.
fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    // Nothing that the folder's own settings name may be run.
    command.args(["--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]);
    let output = command.arg("-C").arg(folder).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_string())
}
