//! A rerun on another kind of device than the lock's.

use super::*;

/// The same lock as if another kind of device had made it: ids are hashes of it, too.
fn of_another_device(folder: &Path, other: &str) {
    let registry = Registry::builtin();
    let spec = spec::load(&folder.join("small"), &registry, &[]).unwrap_or_else(|e| panic!("{e}"));
    let here = tombola::device::open("cpu").unwrap().kind;
    let ids = |kind: &str| {
        let plan = plan(&spec, &registry, kind).unwrap_or_else(|e| panic!("{e}"));
        plan.steps.into_iter().map(|step| step.id).collect::<Vec<_>>()
    };
    let mut text = lock(folder).replacen(&format!("device = \"{here}\""), &format!("device = \"{other}\""), 1);
    for (old, new) in ids(&here).iter().zip(ids(other)) {
        text = text.replace(old, &new);
    }
    fs::write(folder.join("small/experiment.lock"), text).unwrap();
    fs::remove_dir_all(folder.join("reports")).unwrap();
}

#[test]
fn on_another_device_kind_figures_need_only_be_near_and_initial_weights_the_same() {
    let folder = locked();
    let folder = folder.path();
    of_another_device(folder, "abacus");
    let said = run(folder, "");
    assert!(said.contains("experiment.lock is of another device kind (abacus): `tombola verify` compares"), "{said}");
    let (code, out, _) = tombola(folder, "verify small");
    assert!(
        code == 0 && out.contains("\nPASS: small: ") && out.contains("more replicate would with probability"),
        "{out}"
    );
    let text = lock(folder);
    let dense = &text.lines().find(|line| line.contains("pipeline = \"dense\", replicate = 0")).unwrap().to_string();
    let with = |name: &str, value: &str| {
        let (before, rest) = dense.split_once(&format!(", {name} = ")).unwrap();
        let end = rest.find([',', ' ']).unwrap();
        text.replace(dense, &format!("{before}, {name} = {value}{}", &rest[end..]))
    };
    let verdict = |text: String| {
        fs::write(folder.join("small/experiment.lock"), text).unwrap();
        let (code, out, _) = tombola(folder, "verify small");
        let line = out.lines().find(|line| line.contains(" dense level 0 (100%), replicate 0")).unwrap().to_string();
        (code, line)
    };
    let (code, line) = verdict(with("final_test_accuracy", "0.15"));
    assert!(code == 0 && line.starts_with("WITHIN TOLERANCE  ") && line.contains(" instead of 0.15, "), "{line}");
    let (code, line) = verdict(with("test_loss", "7.0"));
    assert!(code == 0 && line.starts_with("WITHIN TOLERANCE  ") && line.contains("test loss"), "{line}");
    // The spec's own tolerance is narrower, and a part of what was locked.
    edit(folder, "small/experiment.toml", "replicates = 2", "replicates = 2\ntolerance = 0.01");
    let (code, out, _) = tombola(folder, "verify small");
    assert!(code == 1 && out.contains("is not the one that was locked: tolerance: none → 0.01"), "{out}");
    let text = text.replacen("device = \"abacus\"", "device = \"abacus\"\ntolerance = 0.01", 1);
    let with = |name: &str, value: &str| {
        let (before, rest) = dense.split_once(&format!(", {name} = ")).unwrap();
        let end = rest.find([',', ' ']).unwrap();
        text.replace(dense, &format!("{before}, {name} = {value}{}", &rest[end..]))
    };
    let (code, line) = verdict(with("final_test_accuracy", "0.15"));
    assert!(code == 1 && line.starts_with("FAIL  ") && line.contains("expected"), "{line}");
    // What no device rounds: where the weights began.
    let init = text.lines().find(|line| line.contains("stage = \"init-1\"")).unwrap();
    let weights = init.split_once("weights = \"").unwrap().1.split('"').next().unwrap();
    let (code, line) = verdict(text.replace(weights, &"0".repeat(32)));
    assert!(code == 1 && line.contains("initial weights differ"), "{line}");
}

/// A processor can do without what it has more than the lock's.
#[test]
fn a_lock_of_fewer_instructions_is_held_to_its_bits_and_not_to_an_interval() {
    let plain = crate::small::plain_kind();
    if plain == tombola::device::auto_kind() {
        return eprintln!("skipped: this processor has plain instructions only");
    }
    let folder = locked();
    let folder = folder.path();
    let (results, here) = (folder.join("reports/small/results.csv"), lock(folder));
    let with_all = fs::read_to_string(&results).unwrap();
    let said = run(folder, "--device cpu:plain");
    assert!(said.contains("is of another device kind"), "{said}");
    let with_plain = fs::read_to_string(&results).unwrap();
    of_another_device(folder, &plain);
    let (code, out, said) = tombola(folder, "verify small --json");
    assert!(said.contains(&format!("Computing as {plain}, as the lock's run did")), "{said}");
    let verdict: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&verdict["exact"], verdict["device"].as_str().unwrap()), (&true.into(), &*plain), "{out}");
    // The forged lock has the losses of all instructions, which the rerun does not find: they round otherwise.
    let loss = |table: &str, pipeline: &str| -> f64 {
        let (head, rows) = table.split_once('\n').unwrap();
        let place = head.split(',').position(|name| name == "validation_loss").unwrap();
        let row = rows.lines().find(|row| row.starts_with(&format!("small,,{pipeline},0,0,"))).unwrap();
        row.split(',').nth(place).unwrap().parse().unwrap()
    };
    let ticket = |pipeline: &str| {
        let tickets = verdict["tickets"].as_array().unwrap();
        let own = tickets.iter().find(|ticket| ticket["pipeline"] == pipeline).unwrap();
        let figure =
            own["figures"].as_array().unwrap().iter().find(|figure| figure["name"] == "validation loss").unwrap();
        (figure["locked"].as_f64().unwrap(), figure["found"].as_f64().unwrap())
    };
    let (locked, found) = ticket("dense");
    assert!((locked - loss(&with_all, "dense")).abs() < 1e-6 && (found - loss(&with_plain, "dense")).abs() < 1e-6);
    assert!(code == 1 && locked != found, "{locked} {found}: {out}");
    // As another kind of device it is within the rule, where that is asked for.
    let (code, out, said) = tombola(folder, "verify small --device cpu");
    assert!(code == 0 && !said.contains("Computing as") && out.contains("\nPASS: small: "), "{out}{said}");
    // Nor does a run with fewer instructions leave a lock.
    fs::remove_file(folder.join("small/experiment.lock")).unwrap();
    let said = run(folder, "--device cpu:plain");
    assert!(said.contains("No experiment.lock is written by a run on another device than `auto`"), "{said}");
    run(folder, "");
    assert_eq!(lock(folder), here);
}
