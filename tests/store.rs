//! `store list` and `store gc`, on real stores.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;
use tombola::run::Store;

use crate::tiny::{SPEC, command, folder, planned, results, run, told};

/// The exit code, stdout and stderr of `tombola store`.
fn store(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tombola"));
    let output = command.current_dir(folder).arg("store").args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn ids(folder: &Path) -> BTreeSet<String> {
    Store::open(&folder.join("runs")).all().collect()
}

/// A store with the steps of two replicates of `tiny/`, whose spec has one.
fn of_two_replicates() -> TempDir {
    let folder = folder();
    run(folder.path(), &["--replicates", "2"]);
    std::fs::remove_dir_all(folder.path().join("runs/plans")).unwrap();
    folder
}

#[test]
fn a_clean_up_keeps_what_is_planned_and_deletes_the_rest_once_it_is_told_to() {
    let folder = of_two_replicates();
    let (all, planned) = (ids(folder.path()), planned(folder.path(), &[]));
    let kept: BTreeSet<String> = planned.steps.iter().map(|step| step.id.clone()).collect();
    run(folder.path(), &[]);
    let before = results(folder.path());
    let (code, said, more) = store(folder.path(), &["gc", "tiny"]);
    assert_eq!((code, ids(folder.path())), (0, all.clone()), "{said}");
    assert!(said.contains(&format!("{} of {} steps are referred to by tiny", kept.len(), all.len())), "{said}");
    assert!(said.contains("to be deleted") && said.contains("train") && more.contains("--yes"), "{said}{more}");
    let (code, _, said) = store(folder.path(), &["gc", "tiny", "--yes"]);
    assert_eq!((code, ids(folder.path())), (0, kept), "{said}");
    assert!(said.contains("Deleted: "), "{said}");
    assert_eq!(std::fs::read_dir(folder.path().join("runs/tmp")).unwrap().count(), 0);
    assert!(run(folder.path(), &[]).contains("Nothing to run"), "nothing that is needed is gone");
    assert_eq!(results(folder.path()), before);
    assert!(store(folder.path(), &["gc", "tiny", "--yes"]).1.contains("nothing to delete"));
}

#[test]
fn what_the_latest_run_was_told_to_override_is_kept_and_so_is_what_a_lock_names() {
    let folder = folder();
    run(folder.path(), &[]);
    run(folder.path(), &["--set", "training.length=40it"]);
    let of = |overrides: &[&str]| planned(folder.path(), overrides).steps.into_iter().map(|step| step.id);
    let (spec, latest): (BTreeSet<String>, BTreeSet<String>) =
        (of(&[]).collect(), of(&["training.length=40it"]).collect());
    let all = ids(folder.path());
    assert!(all.iter().all(|id| spec.contains(id) || latest.contains(id)));
    let (_, said, _) = store(folder.path(), &["gc"]);
    assert!(said.contains("nothing to delete"), "both the spec as it is and the latest run refer to theirs: {said}");
    std::fs::write(
        folder.path().join("tiny/experiment.toml"),
        SPEC.replace("[training]", "[training]\norder = \"other\""),
    )
    .unwrap();
    let (_, said, _) = store(folder.path(), &["gc"]);
    assert!(said.contains("nothing to delete"), "the lock refers to what its run found: {said}");
    std::fs::remove_file(folder.path().join("tiny/experiment.lock")).unwrap();
    assert_eq!(store(folder.path(), &["gc", "--yes"]).0, 0);
    assert_eq!(ids(folder.path()), latest, "the latest run's, and nothing else");
}

#[test]
fn nothing_is_deleted_while_a_run_uses_the_store_or_where_nobody_knows_what_is_referred_to() {
    let folder = of_two_replicates();
    let all = ids(folder.path());
    let mut running = command(folder.path(), &["run", "tiny", "--replicates", "40", "--jobs", "1"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while !folder.path().join("runs/lock").exists()
        || std::fs::read_dir(folder.path().join("runs/tmp")).unwrap().count() == 0
    {
        assert!(running.try_wait().unwrap().is_none(), "the run ended before it was seen");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let (code, said, why) = store(folder.path(), &["gc", "tiny", "--yes"]);
    assert!(running.try_wait().unwrap().is_none(), "the run was over");
    running.kill().unwrap();
    running.wait().unwrap();
    assert_eq!(code, 1, "{said}{why}");
    assert!(why.contains("a run uses runs: try again when it has ended"), "{why}");
    std::fs::remove_dir_all(folder.path().join("runs/plans")).unwrap();
    let (code, _, why) = store(folder.path(), &["gc", "--yes"]);
    assert!(code == 2 && why.contains("no experiment is known"), "{why}");
    std::fs::write(folder.path().join("tiny/experiment.toml"), "replicates = 0").unwrap();
    let (code, _, why) = store(folder.path(), &["gc", "tiny", "--yes"]);
    assert!(code == 2 && why.contains("cannot be told, so that nothing is deleted") && why.contains("tiny/"), "{why}");
    assert!(all.is_subset(&ids(folder.path())));
}

#[test]
fn a_run_does_not_begin_while_a_store_is_cleaned_up() {
    let folder = of_two_replicates();
    let held = Store::open(&folder.path().join("runs")).alone().unwrap();
    let output = command(folder.path(), &["run", "tiny"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("is being cleaned up by `tombola store gc`"), "{said}");
    drop(held);
    run(folder.path(), &[]);
}

#[test]
fn a_folder_that_is_no_store_is_refused_and_what_is_not_the_store_s_stays() {
    let folder = of_two_replicates();
    std::fs::create_dir_all(folder.path().join("other/ab")).unwrap();
    for (arguments, why) in [
        (["gc", "tiny", "--runs", "other"], "other is no store: there is no folder steps/ in it"),
        (["gc", "tiny", "--runs", "none"], "none is not there"),
        (["list", "tiny", "--runs", "tiny/experiment.toml"], "is no folder"),
    ] {
        let (code, _, said) = store(folder.path(), &arguments);
        assert!(code == 2 && said.contains(why) && said.contains("--runs DIR"), "{said}");
    }
    let foreign =
        ["notes.txt", "steps/readme", "steps/ab/thesis", "steps/xyz/0123456789abcdef0123456789abcdef", "broken/mine"];
    for path in foreign {
        let path = folder.path().join("runs").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "mine").unwrap();
    }
    // A link leads out of the store, whatever it is called.
    std::fs::create_dir(folder.path().join("precious")).unwrap();
    std::fs::write(folder.path().join("precious/file"), "mine").unwrap();
    std::fs::create_dir_all(folder.path().join("runs/steps/ff")).unwrap();
    let link = folder.path().join("runs/steps/ff/ff345678901234567890123456789012");
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.path().join("precious"), &link).unwrap();
    let (code, said, _) = store(folder.path(), &["gc", "tiny", "--yes"]);
    assert!(code == 0 && said.contains("not the store's own, and stays: runs/notes.txt"), "{said}");
    assert!(foreign.iter().all(|path| folder.path().join("runs").join(path).exists()));
    assert!(folder.path().join("precious/file").exists() && (cfg!(not(unix)) || link.exists()));
}

#[test]
fn a_list_says_by_experiment_what_there_is_and_what_nobody_refers_to() {
    let folder = of_two_replicates();
    let planned = planned(folder.path(), &[]);
    let (all, unreferred) = (ids(folder.path()).len(), ids(folder.path()).len() - planned.steps.len());
    std::fs::create_dir_all(folder.path().join("runs/broken/00000000000000000000000000000000-1")).unwrap();
    std::fs::write(folder.path().join("runs/tmp/run-dead.lock"), "").unwrap();
    let (code, json, said) = store(folder.path(), &["list", "tiny", "--json"]);
    assert_eq!(code, 0, "{said}");
    let told: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&told["steps"], &told["unreferred"]["steps"]), (&all.into(), &unreferred.into()), "{json}");
    assert_eq!(told["experiments"][0]["experiment"], "tiny");
    assert_eq!(told["experiments"][0]["unreferred"]["steps"], unreferred);
    assert_eq!((&told["broken"]["number"], &told["unfinished"]["number"]), (&1.into(), &1.into()), "{json}");
    assert!(told["bytes"].as_u64().unwrap() > 50_000 && told["tickets"].as_u64().unwrap() == 8, "{json}");
    assert_eq!((&told["verified"]["number"], &told["foreign"]), (&0.into(), &serde_json::json!([])), "{json}");
    run(folder.path(), &[]);
    assert_eq!(command(folder.path(), &["verify", "tiny"]).status().unwrap().code(), Some(0));
    std::fs::write(folder.path().join("runs/verify/mine"), "mine").unwrap();
    let (_, text, _) = store(folder.path(), &["list", "tiny"]);
    assert!(
        text.contains("earlier verifications, of 1 experiment: ") && text.contains("remove runs/verify/\n"),
        "{text}"
    );
    assert!(text.contains("not the store's own: runs/verify/mine\n"), "{text}");
    assert_eq!(text.matches("not the store's own").count(), 1, "{text}");
    assert!(!store(folder.path(), &["gc", "tiny"]).1.contains("runs/verify\n"));
    assert!(text.contains(&format!("runs: {all} steps, ")), "{text}");
    assert!(text.contains(&format!("{unreferred} steps that no known experiment refers to")), "{text}");
}

/// What a clean-up of the store of `tiny/` says once it refuses, having deleted nothing.
fn refused(folder: &Path, arguments: &[&str], what: &str) -> String {
    let before = ids(folder);
    let (code, said, why) = store(folder, &[&["gc", "--yes"], arguments].concat());
    assert_eq!((code, ids(folder)), (2, before), "{what}: {said}{why}");
    assert!(why.contains("cannot be told, so that nothing is deleted"), "{what}: {why}");
    assert!(store(folder, &[&["list"], arguments].concat()).2.contains("`tombola store gc` says why"), "{what}");
    why
}

#[test]
fn where_the_note_of_a_run_does_not_read_nothing_is_deleted() {
    let folder = folder();
    run(folder.path(), &[]);
    run(folder.path(), &["--set", "training.length=40it"]);
    let notes = std::fs::read_dir(folder.path().join("runs/plans")).unwrap();
    let note = notes.map(|entry| entry.unwrap().path()).next().unwrap();
    let whole = std::fs::read(&note).unwrap();
    let end = whole.len() - 1;
    for (what, bytes) in [
        ("a bad byte at its end", [&whole[..end], b"\xff"].concat()),
        ("a bad byte in it", [&whole[..end / 2], b"\xff", &whole[end / 2..]].concat()),
        ("cut after a line", whole[..end - 64].to_vec()),
        ("empty", Vec::new()),
    ] {
        std::fs::write(&note, bytes).unwrap();
        for experiments in [&[][..], &["tiny"]] {
            let why = refused(folder.path(), experiments, what);
            assert!(why.contains("runs/plans/") && why.contains("next run writes it anew, or remove it"), "{why}");
        }
    }
    std::fs::write(&note, whole).unwrap();
    assert!(store(folder.path(), &["gc", "--yes"]).1.contains("nothing to delete"));
}

#[test]
fn where_a_lock_does_not_read_nothing_is_deleted() {
    let folder = folder();
    run(folder.path(), &[]);
    std::fs::remove_dir_all(folder.path().join("runs/plans")).unwrap();
    let spec = SPEC.replace("[training]", "[training]\norder = \"other\"");
    std::fs::write(folder.path().join("tiny/experiment.toml"), spec).unwrap();
    let lock = folder.path().join("tiny/experiment.lock");
    let whole = std::fs::read(&lock).unwrap();
    for (what, bytes) in [
        ("a bad byte", [&whole[..], b"\xff"].concat()),
        ("cut short", whole[..whole.len() / 2].to_vec()),
        ("empty", Vec::new()),
    ] {
        std::fs::write(&lock, bytes).unwrap();
        let why = refused(folder.path(), &["tiny"], what);
        assert!(why.contains("tiny/experiment.lock") && why.contains("version control"), "{what}: {why}");
    }
    std::fs::remove_file(&lock).unwrap();
    std::fs::create_dir(&lock).unwrap();
    refused(folder.path(), &["tiny"], "a folder");
    std::fs::remove_dir(&lock).unwrap();
    std::fs::write(&lock, whole).unwrap();
    assert!(store(folder.path(), &["gc", "tiny", "--yes"]).1.contains("nothing to delete"), "all of it is in the lock");
}

#[cfg(unix)]
#[test]
fn an_experiment_is_known_whatever_its_folder_is_called_and_one_that_is_gone_is_named() {
    use std::os::unix::ffi::OsStrExt;
    let folder = folder();
    let kept = planned(folder.path(), &[]).steps.len();
    let odd = folder.path().join(std::ffi::OsStr::from_bytes(b"a \xff\nb"));
    std::fs::create_dir(&odd).unwrap();
    let [whole, odd, better] = [folder.path().join("tiny"), odd.join("tiny"), folder.path().join("experiments/better")];
    std::fs::rename(whole, &odd).unwrap();
    let (code, said) = told(&command(folder.path(), &["run", "--replicates", "2"]).arg(&odd).output().unwrap());
    assert_eq!(code, Some(0), "{said}");
    let (_, said, why) = store(folder.path(), &["gc"]);
    assert!(said.contains("nothing to delete"), "both replicates of the latest run: {said}{why}");
    std::fs::create_dir(folder.path().join("experiments")).unwrap();
    std::fs::rename(odd, better).unwrap();
    let (code, said, _) = store(folder.path(), &["gc"]);
    let gone = ids(folder.path()).len() - kept;
    let line = format!("/tiny, which ran here, is no longer there: {gone} steps of its latest run go\n");
    assert!(code == 0 && said.contains(&line), "{said}");
}
