//! What a person sees of the program, and the exit codes that a script sees.

use assert_cmd::Command;

fn tombola(arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tombola"));
    let output = command.current_dir(env!("CARGO_MANIFEST_DIR")).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_shipped_experiments_are_right_and_can_be_planned() {
    let folders = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/experiments")).unwrap();
    for folder in folders {
        let folder = format!("experiments/{}", folder.unwrap().file_name().into_string().unwrap());
        let (code, out, err) = tombola(&["check", &folder]);
        assert_eq!(code, 0, "{err}");
        assert!(out.contains("nothing is wrong"), "{out}");
        let (code, _, err) = tombola(&["plan", &folder, "--runs", "target/no-runs"]);
        assert_eq!(code, 0, "{err}");
    }
}

#[test]
fn a_typo_is_found_at_its_place_with_the_nearest_name_and_nothing_runs() {
    let folder = tempfile::tempdir().unwrap();
    let spec = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/experiments/quickstart/experiment.toml"));
    let spec = spec.unwrap().replace("batch_size", "batch_sise").replace("levels", "level");
    let experiment = folder.path().join("typo");
    std::fs::create_dir(&experiment).unwrap();
    std::fs::write(experiment.join("experiment.toml"), spec).unwrap();
    let (runs, reports) = (folder.path().join("runs"), folder.path().join("reports"));
    let (runs, reports) = (runs.to_str().unwrap(), reports.to_str().unwrap());
    let (code, _, err) = tombola(&["run", experiment.to_str().unwrap(), "--runs", runs, "--reports", reports]);
    assert_eq!(code, 2);
    for part in ["experiment.toml:15", "batch_size", "levels"] {
        assert!(err.contains(part), "{part}: {err}");
    }
    assert!(!std::path::Path::new(runs).exists() && !std::path::Path::new(reports).exists());
}

#[test]
fn a_wrong_command_ends_with_2_and_the_choices() {
    let (code, _, err) = tombola(&["check", "experiments/quickstart", "--device", "tpu"]);
    assert!(code == 2 && err.contains("cpu"), "{err}");
    let (code, _, err) = tombola(&["show", "criterion", "magnitudes"]);
    assert!(code == 2 && err.contains("magnitude"), "{err}");
    assert_eq!(tombola(&["check", "experiments/nowhere"]).0, 2);
    assert_eq!(tombola(&["dance"]).0, 2);
}

#[test]
fn devices_says_what_is_built_in_and_found_and_what_brings_the_rest() {
    let (code, out, err) = tombola(&["devices"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let (_, json, _) = tombola(&["devices", "--json"]);
    let devices: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    let names: Vec<&str> = devices.iter().map(|device| device["name"].as_str().unwrap()).collect();
    let beside: Vec<&str> = names.iter().copied().filter(|name| !name.starts_with("cpu:")).collect();
    assert!(beside.starts_with(&["cpu", "libtorch", "libtorch:cuda:0"]) && beside.ends_with(&["wgpu"]), "{names:?}");
    for device in &devices {
        let text = |key: &str| device[key].as_str().unwrap();
        assert!(["name", "state", "about"].iter().all(|key| out.contains(text(key))), "{out}");
        let (code, _, err) = tombola(&["plan", "experiments/quickstart", "--device", text("name")]);
        match text("state") {
            "found" => assert_eq!(code, 0, "{err}"),
            _ => {
                assert!(code == 2 && err.contains(text("about")) && text("about").contains("docs/libtorch.md"), "{err}")
            }
        }
    }
    let built = |name: &str| devices.iter().any(|device| device["name"] == name && device["state"] != "not built in");
    assert_eq!((built("libtorch"), built("wgpu")), (cfg!(feature = "libtorch"), cfg!(feature = "wgpu")));
}

#[test]
fn the_catalogue_lists_and_shows_what_a_spec_may_name() {
    let (code, out, _) = tombola(&["list"]);
    assert_eq!(code, 0);
    for name in ["imp", "lenet-300-100", "mnist-10k", "edge-popup", "signed-kaiming-constant", "warm-up", "idx"] {
        assert!(out.contains(name), "{name}");
    }
    let (_, out, _) = tombola(&["show", "pipeline", "imp"]);
    assert!(out.contains("prune_rate") && out.contains("default 0.2"), "{out}");
    let (_, out, _) = tombola(&["show", "optimizer", "adam"]);
    assert!(out.contains("learning_rate") && out.contains("required"), "{out}");
}

#[test]
fn a_plan_is_json_for_programs_and_its_ladder_is_the_papers() {
    let (code, out, _) = tombola(&["plan", "experiments/lenet-mnist", "--json", "--runs", "target/no-runs"]);
    assert_eq!(code, 0);
    let plan: serde_json::Value = serde_json::from_str(&out).unwrap();
    let imp = plan["tickets"].as_array().unwrap().iter().filter(|t| t["pipeline"] == "imp" && t["replicate"] == 0);
    let kept: Vec<u64> = imp.map(|t| t["kept_weights"].as_u64().unwrap()).collect();
    assert_eq!(
        kept,
        [
            266200, 213060, 170538, 136511, 109282, 87490, 70051, 56094, 44923, 35981, 28823, 23093, 18506, 14834,
            11893, 9537
        ]
    );
    assert!(plan["steps"].as_array().unwrap().iter().all(|step| step["recorded"] == false));
}

#[test]
fn programs_of_ones_own_register_a_criterion_or_a_layer_and_run_it() {
    for (name, said) in [("own_criterion", "criterion smallest"), ("own_layer", "leaky-relu")] {
        // `cargo test` builds the examples beside the program.
        let program = std::path::Path::new(env!("CARGO_BIN_EXE_tombola")).with_file_name(format!("examples/{name}"));
        let experiment = name.replace('_', "-");
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(program);
        command.current_dir(folder.path()).arg("run");
        command.arg(format!("{}/examples/{experiment}", env!("CARGO_MANIFEST_DIR")));
        command.args(["--replicates", "1", "--set", "training.length=20it", "--set", "training.evaluate=20it"]);
        command.assert().success();
        let report = std::fs::read_to_string(folder.path().join(format!("reports/{experiment}/report.md"))).unwrap();
        assert!(report.contains(said), "{report}");
    }
}
