use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::record::{Measured, Scores};

fn lock(accuracy: f64, loss: f64, name: &str) -> Lock {
    let scores = Scores {
        early_stop_iteration: 500,
        validation_loss: loss,
        validation_accuracy: None,
        test_loss: loss,
        test_accuracy: accuracy,
        final_train_accuracy: accuracy,
        final_validation_accuracy: Some(accuracy),
        final_test_accuracy: accuracy,
    };
    let address = Address {
        variant: name.into(),
        pipeline: "imp".into(),
        analysis: String::new(),
        replicate: 1,
        other_replicate: None,
        level: 3,
        planned: 12,
        draw: 0,
        branch: 0,
    };
    let id = |n: u8| format!("{n:032x}");
    let ticket = |analysis: &str, measured: Vec<Measured>| LockedTicket {
        address: Address { analysis: analysis.into(), ..address.clone() },
        kept: 12,
        prunable: 100,
        step: id(2),
        status: Outcome::Done,
        scores: measured.is_empty().then(|| scores.clone()),
        measured,
    };
    let left = |n: u8| Some(Fingerprint { weights: id(n), masks: id(n + 1) });
    let first = LockedStep {
        stage: "init-1".into(),
        parent: None,
        variant: Some(0),
        replicate: Some(1),
        draw: 0,
        other: None,
        left: left(3),
    };
    let second = LockedStep {
        stage: "train-1".into(),
        parent: Some(id(1)),
        variant: None,
        replicate: None,
        draw: 2,
        other: Some(id(1)),
        left: None,
    };
    let curve = Measured::curve("error", "fraction", "position", [(0.0, loss), (0.5, accuracy)]);
    Lock {
        lock: FORM,
        experiment: name.into(),
        device: "flex x86_64+avx2".into(),
        tolerance: (accuracy > 0.75).then_some(accuracy - 0.75),
        tickets: vec![ticket("", Vec::new())],
        analyses: vec![ticket("connectivity", vec![curve])],
        versions: Versions { tombola: "0.1.0".into(), burn: "0.22.1".into(), rust: "rustc 1.95.0".into() },
        variant: vec![LockedVariant {
            name: name.into(),
            seed: 7,
            draws: Draws { split: id(5), order: vec![id(6), id(7)] },
            data: json!({ "files": [["a", "b"]], "shape": [1, 2, 3], "normalise": { "mean": [0.5] } }),
            model: vec![json!({ "name": "fc1", "layer": { "use": "linear", "config": { "units": 3 }, "version": 1 } })],
        }],
        stages: [
            ("init-1", json!({ "use": "init" })),
            ("train-1", json!({ "use": "train", "rate": 0.1, "empty": {} })),
        ]
        .map(|(name, stage)| (name.to_string(), stage))
        .into_iter()
        .collect(),
        steps: [(id(1), first), (id(2), second)].into_iter().collect(),
        host: LockedHost { cpu: "a \"cpu\"".into(), cores: 2, ..Default::default() },
    }
}

fn same(one: &Lock, other: &Lock) -> bool {
    // As JSON no number is like no number, and tables are equal whatever their order.
    let [one, other] = [one, other].map(|lock| serde_json::to_value(lock).unwrap());
    one == other
}

#[test]
fn a_lock_is_read_as_it_was_written_and_not_a_number_with_it() {
    for (accuracy, loss) in [(0.9375, 0.1), (1.0, f64::NAN)] {
        let lock = lock(accuracy, loss, "width=0.5");
        let read = Lock::read(&lock.text()).unwrap();
        assert!(same(&read, &lock), "{}\n{}", lock.text(), read.text());
        assert_eq!(read.steps, lock.steps);
        assert_eq!(digest(read.results()), digest(lock.results()));
    }
}

#[test]
fn a_lock_of_analyses_alone_or_of_none_is_read_as_it_was_written() {
    let both = lock(0.5, 1.0, "");
    for lock in [Lock { tickets: Vec::new(), ..both.clone() }, Lock { analyses: Vec::new(), ..both.clone() }] {
        assert!(same(&Lock::read(&lock.text()).unwrap(), &lock), "{}", lock.text());
    }
}

#[test]
fn a_ticket_is_a_line_and_the_host_comes_last() {
    let lock = lock(0.5, 0.25, "");
    let text = lock.text();
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("test_accuracy")).collect();
    assert_eq!(lines.len(), 1, "{text}");
    assert!(
        lines[0].starts_with("  { pipeline = \"imp\", replicate = 1, level = 3, planned = 12, kept = 12,"),
        "{}",
        lines[0]
    );
    assert!(text.find("[host]") > text.find("[steps]") && text.trim_end().ends_with("seconds = 0.0"), "{text}");
}

#[test]
fn a_step_s_inputs_are_those_that_its_id_is_made_of() {
    let lock = lock(0.5, 0.25, "");
    let [first, second] = [0, 1].map(|n| lock.inputs(&lock.steps[n]).unwrap());
    assert_eq!((&first["parent"]["seed"], &first["parent"]["replicate"]), (&json!(7), &json!(1)));
    assert_eq!(first["parent"]["model"][0]["name"], "fc1");
    assert_eq!((&second["draw"], &second["stage"]["use"]), (&json!(2), &json!("train")));
    assert_eq!(second["parent"], json!(lock.steps.keys().next().unwrap()));
    assert!(second.get("other").is_some() && first.get("other").is_none());
}

#[test]
fn what_is_no_lock_is_told_with_its_line_and_what_helps() {
    let folder = tempfile::tempdir().unwrap();
    let told = |text: &str| {
        std::fs::write(folder.path().join(FILE), text).unwrap();
        Lock::of_folder(folder.path()).unwrap_err()
    };
    let text = lock(0.5, 0.25, "").text();
    let broken = told(&text.replacen("kept = 12", "kept = \"many\"", 1));
    assert!(broken.contains("experiment.lock: line 8: ") && broken.contains("--update-lock"), "{broken}");
    assert!(told(&text.replacen("lock = 1", "lock = 2", 1)).contains("form 2"));
    assert!(told(&text[..text.len() / 2]).contains("line "));
    std::fs::remove_file(folder.path().join(FILE)).unwrap();
    assert_eq!(Lock::of_folder(folder.path()), Ok(None));
    std::fs::create_dir(folder.path().join(FILE)).unwrap();
    assert!(Lock::of_folder(folder.path()).unwrap_err().contains("not a plain file"));
}

proptest! {
    #[test]
    fn any_lock_is_read_as_it_was_written(accuracy in 0.0f64..1.0, loss in any::<f64>(), name in any::<String>()) {
        let lock = lock(accuracy, loss, &name);
        let read = Lock::read(&lock.text()).unwrap();
        prop_assert!(same(&read, &lock));
    }
}
