//! A rerun on another kind of device than the lock's.

use super::*;

/// The same lock as if another kind of device had made it: ids are hashes of it, too.
fn of_another_device(folder: &Path) {
    let registry = Registry::builtin();
    let spec = spec::load(&folder.join("small"), &registry, &[]).unwrap_or_else(|e| panic!("{e}"));
    let here = tombola::device::open("cpu").unwrap().kind;
    let ids = |kind: &str| {
        let plan = plan(&spec, &registry, kind).unwrap_or_else(|e| panic!("{e}"));
        plan.steps.into_iter().map(|step| step.id).collect::<Vec<_>>()
    };
    let mut text = lock(folder).replacen(&format!("device = \"{here}\""), "device = \"abacus\"", 1);
    for (old, new) in ids(&here).iter().zip(ids("abacus")) {
        text = text.replace(old, &new);
    }
    fs::write(folder.join("small/experiment.lock"), text).unwrap();
    fs::remove_dir_all(folder.join("reports")).unwrap();
}

#[test]
fn on_another_device_kind_figures_need_only_be_near_and_initial_weights_the_same() {
    let folder = locked();
    let folder = folder.path();
    of_another_device(folder);
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
