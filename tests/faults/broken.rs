//! Files of the store that are not as they were written.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use tombola::plan::Plan;

use crate::tiny::{command, folder, planned, results, run, step, told};

/// What becomes of a file's bytes.
type Damage = fn(&mut Vec<u8>);

const DAMAGES: [(&str, Damage); 3] = [
    ("truncated", |bytes| bytes.truncate(bytes.len() / 2)),
    ("flipped", |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
    }),
    ("emptied", Vec::clear),
];

fn damage(path: &Path, damage: Damage) {
    let mut bytes = std::fs::read(path).unwrap();
    damage(&mut bytes);
    std::fs::write(path, bytes).unwrap();
}

/// The plan and its evaluated tickets' steps.
fn finished(folder: &Path) -> (Plan, Vec<PathBuf>) {
    run(folder, &[]);
    let plan = planned(folder, &[]);
    let steps = plan.tickets.iter().map(|ticket| step(folder, &plan.steps[ticket.step].id)).collect();
    (plan, steps)
}

fn aside(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join("runs/broken")).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    found.sort();
    found
}

/// What `plan` shows.
fn shown(folder: &Path) -> String {
    let output = command(folder, &["plan", "tiny"]).stdout(std::process::Stdio::piped()).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_damaged_ticket_or_record_is_said_and_set_aside_and_its_step_runs_anew() {
    let folder = folder();
    let (_, steps) = finished(folder.path());
    let before = results(folder.path()).unwrap();
    let mut set_aside = 0;
    for file in ["ticket.safetensors", "record.json"] {
        for (name, how) in DAMAGES {
            damage(&steps[set_aside % steps.len()].join(file), how);
            let damaged = std::fs::read(steps[set_aside % steps.len()].join(file)).unwrap();
            let why = if name == "emptied" { "is empty" } else { "is not as it was written" };
            let shown = shown(folder.path());
            assert!(shown.contains(&format!("new: {file} {why}")), "{name} {file}: {shown}");
            let said = run(folder.path(), &[]);
            assert!(said.contains(&format!("/{file} {why}: set aside in runs/broken/")), "{name} {file}: {said}");
            assert!(said.contains("the step runs anew") && said.contains("1 step ran"), "{name} {file}: {said}");
            set_aside += 1;
            let kept = aside(folder.path());
            assert_eq!(kept.len(), set_aside, "{name} {file}");
            assert!(kept.iter().any(|broken| std::fs::read(broken.join(file)).is_ok_and(|bytes| bytes == damaged)));
            assert_eq!(results(folder.path()).unwrap(), before, "{name} {file}");
            assert!(run(folder.path(), &[]).contains("Nothing to run"), "{name} {file}");
        }
    }
}

#[test]
fn a_damaged_snapshot_is_said_and_set_aside_and_its_training_replayed() {
    for (name, how) in DAMAGES {
        let folder = folder();
        let (plan, _) = finished(folder.path());
        let before = results(folder.path()).unwrap();
        let rewind = plan.steps.iter().find(|step| step.rewinds.is_some_and(|(_, k)| k == 10)).unwrap();
        let training = &plan.steps[rewind.rewinds.unwrap().0].id;
        let snapshot = step(folder.path(), training).join("at-10it.safetensors");
        damage(&snapshot, how);
        std::fs::remove_dir_all(step(folder.path(), &rewind.id)).unwrap();
        let said = run(folder.path(), &[]);
        assert!(
            said.contains("/at-10it.safetensors is ") && said.contains("its training is replayed"),
            "{name}: {said}"
        );
        assert_eq!(aside(folder.path()).len(), 1, "{name}");
        assert!(tombola::run::Store::open(&folder.path().join("runs")).snapshot(training, 10).is_some(), "{name}");
        assert_eq!(results(folder.path()).unwrap(), before, "{name}");
    }
}

#[test]
fn a_step_that_breaks_again_and_again_is_kept_a_few_times_and_no_more() {
    let folder = folder();
    let (_, steps) = finished(folder.path());
    for _ in 0..5 {
        damage(&steps[0].join("ticket.safetensors"), Vec::clear);
        run(folder.path(), &[]);
    }
    assert_eq!(aside(folder.path()).len(), 3);
}

/// As a disk damages bytes: nobody wrote to the file, so that no time tells.
#[test]
fn a_bit_that_flips_unseen_is_found_where_the_ticket_is_taken_up_and_the_next_run_mends_it() {
    let folder = folder();
    let (plan, _) = finished(folder.path());
    let before = results(folder.path()).unwrap();
    let child = plan.steps.iter().find(|step| step.stage.name == "prune").unwrap();
    let ticket = step(folder.path(), &plan.steps[child.parent.unwrap()].id).join("ticket.safetensors");
    let modified = std::fs::metadata(&ticket).unwrap().modified().unwrap();
    damage(&ticket, DAMAGES[1].1);
    std::fs::File::options().write(true).open(&ticket).unwrap().set_modified(modified).unwrap();
    std::fs::remove_dir_all(step(folder.path(), &child.id)).unwrap();
    let output = command(folder.path(), &["run", "tiny"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("has changed since it was written: run again to mend it"), "{said}");
    let said = run(folder.path(), &[]);
    assert!(said.contains("is not as it was written: set aside in runs/broken/"), "{said}");
    assert_eq!(results(folder.path()).unwrap(), before);
}

/// Beside a run of another process that works on it: what that one puts is not moved away.
#[test]
fn what_another_run_has_claimed_is_not_set_aside() {
    let folder = folder();
    let (plan, steps) = finished(folder.path());
    let id = steps[0].file_name().unwrap().to_str().unwrap();
    let ticket = steps[0].join("ticket.safetensors");
    let sound = std::fs::read(&ticket).unwrap();
    damage(&ticket, DAMAGES[1].1);
    let claims = folder.path().join("runs/claims");
    std::fs::create_dir(&claims).unwrap();
    let claim = std::fs::File::create(claims.join(format!("{id}.lock"))).unwrap();
    claim.try_lock().unwrap();
    let mut run = command(folder.path(), &["run", "tiny"]).spawn().unwrap();
    let mut said = String::new();
    let mut lines = BufReader::new(run.stderr.take().unwrap());
    while !said.contains("Waiting: 1 step is being run by another run.") {
        assert!(lines.read_line(&mut said).unwrap() > 0, "it ended without waiting: {said}");
    }
    assert!(aside(folder.path()).is_empty(), "{said}");
    std::fs::write(&ticket, sound).unwrap();
    drop(claim);
    lines.read_to_string(&mut said).unwrap();
    assert!(run.wait().unwrap().success() && !said.contains("set aside"), "{said}");
    assert!(aside(folder.path()).is_empty() && plan.steps.iter().any(|step| step.id == id));
}

#[test]
fn what_is_damaged_in_the_store_of_a_verification_is_said_set_aside_and_run_anew() {
    let folder = folder();
    let (plan, _) = finished(folder.path());
    let verify = |what: &str| {
        let output = command(folder.path(), &["verify", "tiny"]).output().unwrap();
        let (code, said) = told(&output);
        assert_eq!(code, Some(0), "{what}: {said}");
        said
    };
    assert!(!verify("at first").contains("set aside"));
    let own = folder.path().join("runs/verify/tiny");
    let step = |id: &str| own.join("steps").join(&id[..2]).join(id);
    let last = &plan.steps[plan.tickets.last().unwrap().step].id;
    damage(&step(last).join("ticket.safetensors"), DAMAGES[1].1);
    let said = verify("a ticket");
    let place = format!("set aside in runs/verify/tiny/broken/{last}-1, the step runs anew");
    assert!(said.contains("/ticket.safetensors is not as it was written: ") && said.contains(&place), "{said}");
    assert!(own.join("broken").join(format!("{last}-1")).is_dir());
    let rewind = plan.steps.iter().find(|step| step.rewinds.is_some_and(|(_, k)| k == 10)).unwrap();
    let training = &plan.steps[rewind.rewinds.unwrap().0].id;
    damage(&step(training).join("at-10it.safetensors"), DAMAGES[1].1);
    std::fs::remove_dir_all(step(&rewind.id)).unwrap();
    let said = verify("a snapshot");
    assert!(said.contains("/at-10it.safetensors is not") && said.contains("its training is replayed"), "{said}");
    assert!(own.join("broken").join(format!("{training}-1/at-10it.safetensors")).is_file());
    assert!(!verify("in the end").contains("set aside"));
}

/// A link to itself, which not even who may read everything can.
#[test]
fn what_cannot_be_read_is_told_and_fails_its_step_and_nothing_is_set_aside() {
    let folder = folder();
    let (plan, steps) = finished(folder.path());
    let rewind = plan.steps.iter().find(|step| step.rewinds.is_some_and(|(_, k)| k == 10)).unwrap();
    let training = step(folder.path(), &plan.steps[rewind.rewinds.unwrap().0].id);
    let files =
        [steps[1].join("record.json"), steps[1].join("ticket.safetensors"), training.join("at-10it.safetensors")];
    for path in files {
        let (kept, away) = (path.with_extension("kept"), folder.path().join("away"));
        std::fs::rename(&path, &kept).unwrap();
        std::os::unix::fs::symlink(&path, &path).unwrap();
        let snapshot = path.starts_with(&training);
        if snapshot {
            std::fs::rename(step(folder.path(), &rewind.id), &away).unwrap();
        }
        let name = path.file_name().unwrap().to_str().unwrap();
        let (code, said) = told(&command(folder.path(), &["run", "tiny"]).output().unwrap());
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(&format!("/{name} cannot be read: ")) && said.contains("1 step failed"), "{said}");
        assert!(snapshot || shown(folder.path()).contains(&format!("/{name} cannot be read: ")), "{name}");
        assert!(aside(folder.path()).is_empty() && path.is_symlink(), "{said}");
        std::fs::rename(&kept, &path).unwrap();
        if snapshot {
            std::fs::rename(&away, step(folder.path(), &rewind.id)).unwrap();
        }
        assert!(run(folder.path(), &[]).contains("Nothing to run"), "{name}");
    }
}
