//! A run that was interrupted within a training goes on from there, and nothing of it shows.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use tempfile::TempDir;
use tombola::dataset::Deaf;
use tombola::record::Record;
use tombola::registry::Registry;
use tombola::run::{self, Job, Limits, Shared, Store, Watch};
use tombola::{device, spec};

use crate::small::{SPEC, command, hashes, results, run};

/// Two trainings, the second of which goes on from within the first.
pub fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("small")).unwrap();
    let (all, _) = SPEC.split_once("[pipeline.late]").unwrap();
    let spec = all.replace("replicates = 2", "replicates = 1").replace("levels = 3", "levels = 1\nrewind = \"30it\"");
    let spec = few(&spec.replace("60it", "120it"));
    assert!(spec.contains("rewind") && spec.contains("120it"));
    std::fs::write(folder.path().join("small/experiment.toml"), spec).unwrap();
    folder
}

/// An experiment on few examples: evaluation takes less than training.
pub fn few(spec: &str) -> String {
    let data = "dataset = { use = \"mnist-10k\" }";
    assert!(spec.contains(data));
    spec.replace(data, "dataset = { use = \"mnist-10k\", subset = { train = 300, test = 100 }, validation = 100 }")
}

/// The files of checkpoints in a store.
pub fn checkpoints(folder: &Path) -> Vec<PathBuf> {
    let files = walkdir::WalkDir::new(folder.join("runs/partial")).into_iter().flatten();
    files.filter(|entry| entry.file_type().is_file()).map(|entry| entry.into_path()).collect()
}

/// Waits until it holds, while the run goes on.
pub fn wait(run: &mut Child, what: impl Fn() -> bool) {
    while !what() {
        assert!(run.try_wait().unwrap().is_none(), "the run ended before it could be interrupted");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A folder whose run was killed in its first training, some iterations after its first checkpoint.
fn killed() -> TempDir {
    static KILLED: OnceLock<TempDir> = OnceLock::new();
    let once = KILLED.get_or_init(|| {
        let folder = folder();
        let arguments = ["--jobs", "1", "--checkpoint", "0s"];
        let mut run = command(folder.path(), &arguments).stderr(Stdio::null()).spawn().unwrap();
        wait(&mut run, || !checkpoints(folder.path()).is_empty());
        let first = checkpoints(folder.path());
        wait(&mut run, || checkpoints(folder.path()).iter().all(|path| !first.contains(path)));
        run.kill().unwrap();
        run.wait().unwrap();
        folder
    });
    let copied = tempfile::tempdir().unwrap();
    copy(once.path(), copied.path());
    copied
}

/// Hashes and results of the same, run from beginning to end.
pub fn whole() -> &'static (Vec<String>, String) {
    static WHOLE: OnceLock<(Vec<String>, String)> = OnceLock::new();
    WHOLE.get_or_init(|| {
        let folder = folder();
        run(folder.path(), &["--checkpoint", "never"]);
        assert!(checkpoints(folder.path()).is_empty());
        left(folder.path())
    })
}

pub fn left(folder: &Path) -> (Vec<String>, String) {
    (hashes(folder), results(folder))
}

/// Hears where trainings went on, and at which iteration each step was heard of first.
#[derive(Default)]
struct Heard {
    resumed: Mutex<Vec<(usize, u64)>>,
    first: Mutex<Vec<(usize, u64)>>,
}

impl Watch for Heard {
    fn began(&self, _: Job) {}

    fn advanced(&self, job: Job, iterations: u64) {
        let mut first = self.first.lock().unwrap();
        if first.iter().all(|(step, _)| *step != job.step) {
            first.push((job.step, iterations));
        }
    }

    fn resumed(&self, job: Job, iterations: u64) {
        self.resumed.lock().unwrap().push((job.step, iterations));
    }

    fn ended(&self, job: Job, result: Result<&Record, &str>) {
        result.unwrap_or_else(|why| panic!("step {}: {why}", job.step));
    }
}

/// Runs what is left by the library, and gives what was heard.
fn heard(folder: &Path) -> Heard {
    let heard = Heard::default();
    with(folder, None, &heard, &AtomicBool::new(false));
    heard
}

/// Runs what is left by the library, while somebody watches, until it is told to stop.
fn with(folder: &Path, checkpoint: Option<Duration>, watch: &dyn Watch, stop: &AtomicBool) {
    let registry = Registry::builtin();
    let spec = spec::load(&folder.join("small"), &registry, &[]).unwrap_or_else(|e| panic!("{e}"));
    let compute = device::open("cpu").unwrap();
    let plan = tombola::plan::plan(&spec, &registry, &compute.kind).unwrap_or_else(|e| panic!("{e}"));
    let store = Store::open(&folder.join("runs"));
    let data = run::data::data(&spec, &registry, &[], &Deaf).unwrap();
    let shared = Shared {
        plan: &plan,
        registry: &registry,
        data: &data,
        compute: &compute,
        store: &store,
        provenance: &run::provenance(&spec.folder, &spec.name, &compute.kind),
        pipelines: &plan.pipelines(),
        memory: None,
        checkpoint,
    };
    let recorded = run::recorded(&plan, &store);
    run::run(&shared, &recorded, Limits { jobs: 1, threads: 1 }, watch, stop);
}

#[test]
fn a_killed_run_goes_on_within_its_training_to_the_same_results() {
    let (killed, other) = (killed(), killed());
    let plan = |arguments: &[&str]| {
        let mut plan = Command::new(env!("CARGO_BIN_EXE_tombola"));
        let plan = plan.current_dir(killed.path()).args(["plan", "small"]).args(arguments).output().unwrap();
        String::from_utf8(plan.stdout).unwrap()
    };
    let said = plan(&["--all"]);
    assert!(said.contains("train   new, at ") && said.contains(" of 120 iterations"), "{said}");
    let json: serde_json::Value = serde_json::from_str(&plan(&["--json"])).unwrap();
    let done: u64 =
        json["steps"].as_array().unwrap().iter().map(|step| step["iterations_done"].as_u64().unwrap()).sum();
    assert!(done > 0 && json["iterations"] == 210 - done, "{json}");
    let said = run(killed.path(), &[]);
    let resuming = format!(", replicate 0, level 0 from its checkpoint, at {done} of 120 iterations.");
    assert!(said.matches("Resuming").count() == 1 && said.contains(&resuming), "{said}");
    assert_eq!(left(killed.path()), *whole());
    assert!(!killed.path().join("runs/partial").exists(), "the checkpoint went with the step's end");
    assert_eq!(std::fs::read_dir(killed.path().join("runs/tmp")).unwrap().count(), 0);
    // That it went on, and did not begin anew, is heard of in another copy.
    let heard = heard(other.path());
    let (resumed, first) = (heard.resumed.into_inner().unwrap(), heard.first.into_inner().unwrap());
    assert!(resumed.len() == 1 && resumed[0].1 == done, "{resumed:?}");
    assert_eq!(first[0], (resumed[0].0, done + 1));
    assert_eq!(hashes(other.path()), whole().0);
}

fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from).into_iter().map(Result::unwrap) {
        let place = to.join(entry.path().strip_prefix(from).unwrap());
        match entry.file_type().is_dir() {
            true => std::fs::create_dir_all(place).unwrap(),
            false => drop(std::fs::copy(entry.path(), place).unwrap()),
        }
    }
}

#[test]
fn a_broken_checkpoint_is_told_and_passed_over_and_the_results_are_the_same() {
    type Damage = fn(&mut Vec<u8>);
    let damages: [(&str, Damage); 4] = [
        ("a flipped bit", |bytes| *bytes.last_mut().unwrap() ^= 1),
        ("cut short", |bytes| bytes.truncate(bytes.len() / 2)),
        ("empty", Vec::clear),
        ("another version", |bytes| {
            let version = br#"\"version\":1"#;
            let at = bytes.windows(version.len()).position(|part| part == version).unwrap();
            bytes[at + version.len() - 1] = b'9';
        }),
    ];
    for (what, damage) in damages {
        let folder = killed();
        for path in checkpoints(folder.path()) {
            let mut bytes = std::fs::read(&path).unwrap();
            damage(&mut bytes);
            std::fs::write(&path, bytes).unwrap();
        }
        let said = run(folder.path(), &[]);
        let told = said.lines().filter(|line| line.contains("passed over")).count();
        assert_eq!(told, 1, "{what}: {said}");
        assert_eq!(left(folder.path()), *whole(), "{what}");
    }
}

/// Stops a run at an iteration.
struct StopAt<'a> {
    iteration: u64,
    stop: &'a AtomicBool,
}

impl Watch for StopAt<'_> {
    fn began(&self, _: Job) {}

    fn advanced(&self, _: Job, iterations: u64) {
        if iterations == self.iteration {
            self.stop.store(true, Ordering::Relaxed);
        }
    }

    fn ended(&self, _: Job, _: Result<&Record, &str>) {}
}

#[test]
fn an_interruption_writes_a_checkpoint() {
    let (folder, stop) = (folder(), AtomicBool::new(false));
    with(folder.path(), Some(Duration::from_secs(3600)), &StopAt { iteration: 7, stop: &stop }, &stop);
    assert_eq!(checkpoints(folder.path()).len(), 1);
    let heard = heard(folder.path());
    assert_eq!(heard.resumed.into_inner().unwrap().iter().map(|(_, at)| *at).collect::<Vec<_>>(), [7]);
    assert_eq!(hashes(folder.path()), whole().0);
}

#[test]
fn a_checkpoint_of_a_complete_step_is_removed() {
    let folder = folder();
    run(folder.path(), &["--set", "training.length=40it", "--set", "training.evaluate=40it"]);
    let store = Store::open(&folder.path().join("runs"));
    for id in store.all() {
        let stray = folder.path().join("runs/partial").join(&id[..2]).join(id);
        std::fs::create_dir_all(&stray).unwrap();
        std::fs::write(stray.join("0-torn.safetensors"), "torn").unwrap();
    }
    assert!(checkpoints(folder.path()).len() > 2);
    run(folder.path(), &[]);
    assert!(!folder.path().join("runs/partial").exists());
}
