//! Where and with what a run happens.

use std::path::Path;
use std::process::{Command, Output};

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
    let about =
        |arguments: &[&str]| git(folder, &[arguments, &["--ignore-submodules=all", "--"], &WHAT_DECIDES].concat());
    let commit = git(folder, &["rev-parse", "HEAD"]);
    let is_plain = commit.is_some() && !has_filters(folder);
    let changes = is_plain.then(|| about(&["status", "--porcelain"])).flatten();
    let difference = || about(&["diff", "--no-ext-diff", "--no-textconv", "--no-color", "HEAD"]);
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

/// Whether a repository has filters of its own, which are programs that `status` and `diff` would run. Those of the
/// person's own settings are the person's; where git cannot tell whose they are, they are the repository's.
fn has_filters(folder: &Path) -> bool {
    const FILTERS: &str = r"^filter\..*\.(clean|smudge|process)$";
    let asked = asked(folder, &["config", "--show-scope", "--includes", "--name-only", "--get-regexp", FILTERS]);
    match asked.map(|output| (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())) {
        Some((Some(0), names)) => {
            names.lines().any(|line| !["system\t", "global\t"].iter().any(|of| line.starts_with(of)))
        }
        // There are none.
        Some((Some(1), _)) => false,
        _ => true,
    }
}

/// What git answers; `None` without git or outside a repository.
fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = asked(folder, arguments).filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_string())
}

/// Asks git, so that it runs nothing that settings of the folder name, which may be anybody's: neither a hook or a monitor,
/// nor what would fetch an object that is not there, nor any of a repository that hides among plain files.
fn asked(folder: &Path, arguments: &[&str]) -> Option<Output> {
    let mut command = Command::new("git");
    command.args(["--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]);
    command.args(["-c", "safe.bareRepository=explicit"]);
    // A git that does not know the first holds to the second.
    command.env("GIT_NO_LAZY_FETCH", "1").env("GIT_ALLOW_PROTOCOL", "none");
    command.arg("-C").arg(folder).args(arguments).output().ok()
}
