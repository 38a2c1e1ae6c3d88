//! What records say of the repository that an experiment was run from.

use std::fs;
use std::path::Path;
use std::process::Command;

use tombola::record::Provenance;
use tombola::run::Store;

use crate::tiny::{command, folder, planned, run};

fn git(folder: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"];
    let output = Command::new("git").current_dir(folder).args(identity).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Runs it into a new store, and gives what the first step's record says.
fn ran(folder: &Path, store: &str) -> Provenance {
    run(folder, &["--runs", store]);
    let plan = planned(folder, &[]);
    Store::open(&folder.join(store)).stored(&plan.steps[0].id).unwrap().record.provenance
}

#[test]
fn what_decides_results_makes_a_run_dirty_and_is_told_without_secrets_and_nothing_else_does() {
    let folder = folder();
    let folder = folder.path();
    fs::write(folder.join(".gitignore"), "/data\n").unwrap();
    git(folder, &["init", "-q"]);
    git(folder, &["add", "."]);
    git(folder, &["commit", "-qm", "all"]);
    let clean = ran(folder, "one");
    assert_eq!((clean.dirty, clean.changes), (Some(false), None));
    assert!(clean.commit.is_some_and(|commit| commit.len() == 40));
    assert!(clean.command.starts_with("tombola run tiny --runs one"), "{}", clean.command);
    assert!(clean.started <= clean.ended, "{} to {}", clean.started, clean.ended);
    // The run left a store, a report and the lock, and somebody a log.
    fs::write(folder.join("run.log"), "said").unwrap();
    assert!(folder.join("tiny/experiment.lock").is_file());
    assert_eq!(ran(folder, "two").dirty, Some(false));
    let spec = fs::read_to_string(folder.join("tiny/experiment.toml")).unwrap();
    let edited = spec.replacen("A tiny experiment", "An edited one", 1);
    fs::write(folder.join("tiny/experiment.toml"), edited + "# access_token = hunter2\n").unwrap();
    fs::write(folder.join("tiny/notes.toml~"), "new").unwrap();
    let dirty = ran(folder, "three");
    let changes = dirty.changes.unwrap();
    assert_eq!(dirty.dirty, Some(true));
    assert!(changes.contains("+title = \"An edited one\"") && changes.contains("?? tiny/notes.toml~"), "{changes}");
    assert!(changes.contains("access_token = …") && !changes.contains("hunter2"), "{changes}");
    assert!(!changes.contains("run.log") && !changes.contains("experiment.lock"), "{changes}");
}

#[test]
fn home_is_not_told_where_a_command_names_it() {
    let folder = folder();
    let home = folder.path().to_path_buf();
    let store = home.join("store");
    let mut command = command(&home, &["run", "tiny", "--runs"]);
    assert!(command.arg(&store).env("HOME", &home).output().unwrap().status.success());
    let record = Store::open(&store).stored(&planned(&home, &[]).steps[0].id).unwrap().record;
    assert_eq!(record.provenance.command, "tombola run tiny --runs ~/store");
}

/// A repository with one commit, of a folder that anybody may have sent.
fn repository(folder: &Path) {
    fs::write(folder.join(".gitignore"), "/data\n").unwrap();
    git(folder, &["init", "-q"]);
    git(folder, &["add", "."]);
    git(folder, &["commit", "-qm", "all"]);
    // Written to since: git compares what it holds.
    let spec = folder.join("tiny/experiment.toml");
    fs::write(&spec, fs::read_to_string(&spec).unwrap() + "# edited\n").unwrap();
}

#[test]
fn a_filter_that_a_repository_s_own_settings_name_is_not_run_wherever_they_name_it() {
    for place in ["--local", "--worktree"] {
        let folder = folder();
        let folder = folder.path();
        repository(folder);
        fs::write(folder.join(".gitattributes"), "* filter=own\n").unwrap();
        git(folder, &["config", "extensions.worktreeConfig", "true"]);
        let filter = format!("touch {}; cat", folder.join("ran").display());
        git(folder, &["config", place, "filter.own.clean", &filter]);
        let said = ran(folder, "store");
        assert!(!folder.join("ran").exists(), "{place}");
        assert!(said.commit.is_some() && said.dirty.is_none() && said.changes.is_none(), "{place}: {said:?}");
    }
}

#[test]
fn an_object_that_a_repository_lacks_is_not_fetched() {
    let folder = folder();
    let folder = folder.path();
    repository(folder);
    let fetch = format!("touch {}; false", folder.join("ran").display());
    for (key, value) in [
        ("core.repositoryFormatVersion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.url", "ssh://host.invalid/tickets"),
        ("core.sshCommand", &fetch),
    ] {
        git(folder, &["config", key, value]);
    }
    let tree = Command::new("git").current_dir(folder).args(["rev-parse", "HEAD^{tree}"]).output().unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    let (first, rest) = tree.trim().split_at(2);
    fs::remove_file(folder.join(".git/objects").join(first).join(rest)).unwrap();
    ran(folder, "store");
    assert!(!folder.join("ran").exists());
}

#[test]
fn a_repository_among_the_files_of_an_experiment_is_not_asked() {
    let folder = folder();
    let folder = folder.path();
    git(folder, &["init", "-q", "--bare", "tiny"]);
    git(folder, &["--git-dir=tiny", "--work-tree=.", "commit", "-q", "--allow-empty", "-m", "none"]);
    assert_eq!(ran(folder, "store").commit, None);
}
