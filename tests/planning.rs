//! What `plan` joins of plan, store and timings, held against what runs did.

use std::path::Path;

use serde_json::Value;
use walkdir::WalkDir;

use crate::small;

/// The plan of the small experiment, in JSON.
fn plan(folder: &Path, arguments: &[&str]) -> Value {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_tombola"));
    let output = command.current_dir(folder).args(["plan", "small", "--json"]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn screen(folder: &Path, arguments: &[&str]) -> String {
    of_experiment("small", folder, arguments)
}

/// What `plan` prints of an experiment of this name.
fn of_experiment(name: &str, folder: &Path, arguments: &[&str]) -> String {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_tombola"));
    let output = command.current_dir(folder).args(["plan", name]).args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// What the store takes of a disk that gives room in blocks of 4 KiB, folders included.
fn bytes_on_disk(runs: &Path) -> u64 {
    let files = WalkDir::new(runs.join("steps")).min_depth(2).into_iter().map(Result::unwrap);
    files
        .map(
            |entry| {
                if entry.file_type().is_dir() { 4096 } else { entry.metadata().unwrap().len().next_multiple_of(4096) }
            },
        )
        .sum()
}

fn changes(step: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_string();
    let told =
        |change: &Value| format!("{}: {} → {}", text(&change["input"]), text(&change["old"]), text(&change["new"]));
    step["changes"].as_array().unwrap().iter().map(told).collect()
}

/// Of the steps of this plan, each distinct set of changes.
fn causes(plan: &Value) -> Vec<Vec<String>> {
    let mut causes: Vec<Vec<String>> = Vec::new();
    for step in plan["steps"].as_array().unwrap() {
        let changes = changes(step);
        if !changes.is_empty() && !causes.contains(&changes) {
            causes.push(changes);
        }
    }
    causes
}

#[test]
fn a_run_takes_the_disk_that_its_plan_said_and_then_tells_why_and_how_long() {
    let folder = small::folder();
    let folder = folder.path();
    let before = plan(folder, &[]);
    assert_eq!((&before["recorded"], &before["time"]["seconds"]), (&Value::from(0), &Value::Null));
    small::run(folder, &[]);
    let (told, took) = (before["disk"]["bytes"].as_f64().unwrap(), bytes_on_disk(&folder.join("runs")) as f64);
    assert!((told / took - 1.0).abs() < 0.25, "{told} told, {took} taken");

    let after = plan(folder, &[]);
    assert_eq!((&after["new"], &after["disk"]["bytes"]), (&Value::from(0), &Value::from(0)));
    assert!(screen(folder, &[]).contains("nothing to run"));

    // Every way in which an input may change, the old value and the new one.
    let because = |set: &[&str]| {
        let arguments: Vec<&str> = set.iter().flat_map(|set| ["--set", set]).collect();
        causes(&plan(folder, &arguments))
    };
    assert_eq!(because(&["seed=2"]), [["seed: 1 → 2"]]);
    assert_eq!(because(&["training.length=61it"]), [["train.length: 60it → 61it"]]);
    assert_eq!(because(&["dataset.validation=900"]), [["data.validation: 1000 → 900"]]);
    assert_eq!(
        because(&["pipeline.imp.prune_rate={ linear = 0.25, output = 0.25 }"]),
        [["prune.rate.linear: 0.5 → 0.25"]]
    );
    let optimizer = "pipeline.late.optimizer={ use = \"adam\", learning_rate = 1e-2 }";
    assert_eq!(because(&[optimizer]), [["train.optimizer: sgd → adam"]]);
    // More replicates, another ticket: these are new, and change nothing that was.
    assert!(because(&["replicates=3"]).is_empty());
    assert!(because(&["pipeline.edge-popup.weights_remaining=[0.3, 0.7, 1.0]"]).is_empty());

    // What follows a change is told to follow it, and where that is.
    let seeded = plan(folder, &["--set", "seed=2"]);
    let steps = seeded["steps"].as_array().unwrap();
    let follower = steps.iter().find(|step| step["pipeline"] == "reinitialise").unwrap();
    assert_eq!(follower["why_new"], "follows dense, level 0");
    assert_eq!(follower["follows"], steps[0]["id"]);

    // Steps of other draws and the same densities take as long as those that are recorded.
    let time = &seeded["time"];
    assert_eq!(time["iterations_unknown"], 0);
    assert!(time["recorded_trainings"].as_u64().unwrap() > 0 && time["seconds"].as_f64().unwrap() > 0.0, "{time}");
    let wider = plan(folder, &["--set", "training.batch_size=61"]);
    assert_eq!((&wider["time"]["seconds"], &wider["time"]["iterations_known"]), (&Value::Null, &Value::from(0)));
}

#[test]
fn how_long_an_analysis_takes_is_told_by_the_last_of_its_kind_and_else_by_nothing() {
    let folder = small::folder();
    let folder = folder.path();
    let lottery = "[pipeline.lottery]\nuse = \"lottery\"\nweights_remaining = 0.5\nmasks = 20\nbest_of = [1]\n";
    let head = &small::SPEC[..small::SPEC.find("[pipeline.dense]").unwrap()];
    std::fs::write(folder.join("small/experiment.toml"), format!("{head}{lottery}")).unwrap();
    let before = plan(folder, &["--measure"]);
    assert_eq!((&before["iterations"], &before["time"]["seconds"]), (&Value::from(0), &Value::Null));
    assert_eq!(before["time"]["analyses_unknown"], 2);
    let told = screen(folder, &["--measure"]);
    assert!(told.contains("unknown: how long 2 analyses will take only a run tells"), "{told}");
    small::run(folder, &[]);
    let seeded = plan(folder, &["--set", "seed=2"]);
    assert_eq!((&seeded["time"]["analyses_unknown"], &seeded["time"]["recorded_trainings"]), (&0.into(), &2.into()));
    assert!(seeded["time"]["seconds"].as_f64().unwrap() > 0.0);
    let told = screen(folder, &["--set", "seed=2"]);
    assert!(told.contains("from 2 steps recorded on this device kind"), "{told}");
    let more = screen(folder, &["--set", "pipeline.lottery.masks=30"]);
    assert!(more.contains("unknown: how long 2 analyses"), "{more}");
}

/// An experiment with two pipelines that may share steps, a control of the second, and more.
fn sharing(folder: &Path, imp: &str, one_shot: &str, more: &str) {
    let head = &small::SPEC[..small::SPEC.find("[pipeline.dense]").unwrap()];
    let spec = format!(
        "{head}[pipeline.one]\nuse = \"one-shot\"\n{one_shot}\n[pipeline.imp]\nuse = \"imp\"\n{imp}\n\
         [pipeline.control]\nuse = \"reinitialise\"\neach = \"imp\"\n{more}"
    );
    std::fs::write(folder.join("small/experiment.toml"), spec).unwrap();
}

#[test]
fn a_pipeline_that_leaves_what_another_still_has_says_what_changed() {
    let set = ["--replicates", "1", "--set", "training.length=20it"];
    for levels in [2, 1] {
        let folder = small::folder();
        let folder = folder.path();
        let causes = |imp: &str, one: &str, more: &str| {
            sharing(folder, imp, one, more);
            causes(&plan(folder, &set))
        };
        // At one level, all that imp left behind is one-shot's, too.
        let (imp, one) = (format!("levels = {levels}\nprune_rate = 0.5"), "prune_rate = 0.5");
        sharing(folder, &imp, one, "");
        small::run(folder, &set);
        assert!(causes(&imp, one, "").is_empty());
        let steeper = imp.replace("0.5", "0.6");
        assert_eq!(causes(&steeper, one, ""), [["prune.rate: 0.5 → 0.6"]]);
        assert_eq!(causes(&imp, "prune_rate = 0.6", ""), [["prune.rate: 0.5 → 0.6"]]);
        assert_eq!(causes(&steeper, "prune_rate = 0.6", ""), [["prune.rate: 0.5 → 0.6"]]);
        let longer = format!("{imp}\nlength = \"21it\"");
        assert_eq!(causes(&longer, one, ""), [["train.length: 20it → 21it"]]);
        // One more pipeline is new, and changes nothing that was.
        let another = "[pipeline.two]\nuse = \"one-shot\"\nprune_rate = 0.7\n";
        assert!(causes(&imp, one, another).is_empty());
        assert_eq!(causes(&steeper, one, another), [["prune.rate: 0.5 → 0.6"]]);
    }
}

#[test]
fn of_a_shared_store_a_record_says_whose_it_is_and_a_plan_tells() {
    let folder = small::folder();
    let folder = folder.path();
    let set = ["--replicates", "1", "--set", "training.length=20it"];
    sharing(folder, "levels = 1", "prune_rate = 0.2", "");
    small::run(folder, &set);
    let whose = |plan: &Value| plan["steps"].as_array().unwrap().iter().map(|s| s["recorded_by"].clone()).collect();
    let own: Vec<Value> = whose(&plan(folder, &set));
    assert!(own.iter().all(Value::is_null));
    let store = tombola::run::Store::open(&folder.join("runs"));
    let steps = small::planned(folder, &["replicates=1", "training.length=20it"]).steps;
    let of = |step: usize| store.stored(&steps[step].id).unwrap().record.provenance;
    assert!((0..steps.len()).all(|step| of(step).experiment.as_deref() == Some("small")));
    // The beginning is all pipelines', in the order of their tickets.
    assert_eq!(of(0).pipelines, ["one", "imp", "control"]);
    std::fs::rename(folder.join("small"), folder.join("second")).unwrap();
    let others: Vec<Value> =
        whose(&serde_json::from_str(&of_experiment("second", folder, &[&set[..], &["--json"]].concat())).unwrap());
    assert!(!others.is_empty() && others.iter().all(|other| other == "small"), "{others:?}");
    assert!(of_experiment("second", folder, &set).contains("recorded by small"));
}

#[test]
fn what_no_record_tells_is_measured_where_that_is_asked_for() {
    let folder = small::folder();
    let time = &plan(folder.path(), &["--replicates", "1", "--measure"])["time"];
    assert!(time["measured_iterations"].as_u64().unwrap() > 0 && time["seconds"].as_f64().unwrap() > 0.0, "{time}");
    assert!(!folder.path().join("runs").exists());
}

#[test]
fn parameters_and_prunable_weights_are_those_of_the_papers() {
    let folder = tempfile::tempdir().unwrap();
    // 3 × 32 × 32 images, as CIFAR-10 has them.
    let dataset =
        r#"{ use = "mnist-10k", shape = [3, 32, 32], normalise = { mean = [0.5, 0.5, 0.5], std = [1, 1, 1] } }"#;
    for (model, data, parameters, prunable, multiply_adds) in [
        ("lenet-300-100", r#"{ use = "mnist-10k" }"#, 266_610, 266_200, 266_200),
        // 1,728 × 32² + 36,864 × 32² + 4,194,304 + 65,536 + 2,560.
        ("conv-2", dataset, 4_301_642, 4_300_992, 43_780_608),
        // The 40.55 million of its convolutions, with its shortcuts' 131,072 twice, and 640.
        ("resnet-20", dataset, 272_474, 270_896, 40_813_184),
    ] {
        let spec = format!(
            "title = \"t\"\ndataset = {data}\nmodel = {{ use = \"{model}\" }}\n[training]\nbatch_size = 60\n\
             optimizer = {{ use = \"adam\", learning_rate = 1e-3 }}\nlength = \"9it\"\nevaluate = \"9it\"\n\
             [pipeline.dense]\nuse = \"dense\"\n"
        );
        std::fs::create_dir_all(folder.path().join("small")).unwrap();
        std::fs::write(folder.path().join("small/experiment.toml"), spec).unwrap();
        let variant = &plan(folder.path(), &[])["variants"][0];
        let figures = ["parameters", "prunable_weights", "multiply_adds"].map(|key| variant[key].as_u64().unwrap());
        assert_eq!(figures, [parameters, prunable, multiply_adds], "{model}");
    }
}

#[test]
fn a_prune_of_global_scope_has_an_exact_total_and_no_counts_by_layer() {
    let folder = small::folder();
    let set = ["--replicates", "1", "--set", "pipeline.late.stage.prune.scope=\"global\""];
    let plan = plan(folder.path(), &[&set[..], &["--set", "pipeline.late.prune_rate=0.5"]].concat());
    let of = |pipeline: &str, level: u64| {
        let tickets = plan["tickets"].as_array().unwrap().iter();
        tickets.clone().find(|t| t["pipeline"] == pipeline && t["level"] == level).unwrap().clone()
    };
    // 12,544 + 160 prunable weights; half of all are 6,352.
    assert_eq!((&of("late", 1)["kept_weights"], &of("late", 1)["kept_by_layer"]), (&6352.into(), &Value::Null));
    let imp = of("imp", 1);
    assert_eq!((&imp["kept_by_layer"], &imp["multiply_adds"]), (&serde_json::json!([6272, 120]), &6392.into()));
}
