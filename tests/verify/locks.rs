//! What a lock must be: of this spec, whole, and as a run leaves it.

use super::*;

#[test]
fn a_second_run_is_compared_with_the_lock_and_changes_nothing_of_it() {
    let folder = locked();
    let folder = folder.path();
    let before = lock(folder);
    fs::remove_dir_all(folder.join("runs")).unwrap();
    let said = run(folder, "--jobs 1");
    assert!(said.contains("24 tickets as in experiment.lock, to the last bit."), "{said}");
    assert_eq!(lock(folder), before);
    // What is asked for otherwise is not what was locked, and never becomes it.
    let said = run(folder, "--set seed=2");
    assert!(!said.contains("lock"), "{said}");
    run(folder, "--replicates 1");
    assert_eq!(lock(folder), before);
    let (code, _, said) = tombola(folder, "run small --update-lock --set seed=2");
    assert!(code == 2 && said.contains("--update-lock") && lock(folder) == before, "{said}");
}

#[test]
fn a_spec_that_is_not_the_locked_one_is_told_with_what_changed_until_the_lock_is_replaced() {
    let folder = locked();
    let folder = folder.path();
    edit(folder, "small/experiment.toml", "length = \"6it\"", "length = \"8it\"");
    for command in ["check small", "plan small"] {
        let (code, out, _) = tombola(folder, command);
        assert!(
            code == 0
                && out.contains("note: experiment.lock is of another form of this experiment: train.length: 6it → 8it"),
            "{out}"
        );
    }
    let before = lock(folder);
    let said = run(folder, "");
    assert!(said.contains("train.length: 6it → 8it") && lock(folder) == before, "{said}");
    let (code, out, _) = tombola(folder, "verify small");
    assert!(code == 1 && out.contains("the spec is not the one that was locked: train.length: 6it → 8it"), "{out}");
    assert!(!folder.join("runs/verify").exists(), "nothing is run again for another spec");
    let said = run(folder, "--update-lock");
    assert!(said.contains("Lock: ") && lock(folder) != before, "{said}");
    let (_, out, _) = tombola(folder, "check small");
    assert!(!out.contains("note:"), "{out}");
}

#[test]
fn another_seed_is_named() {
    let folder = locked();
    edit(folder.path(), "small/experiment.toml", "replicates = 2", "replicates = 2\nseed = 2");
    let (code, out, _) = tombola(folder.path(), "verify small");
    assert!(code == 1 && out.contains("the spec is not the one that was locked: seed: 1 → 2"), "{out}");
}

#[test]
fn a_lock_that_leaves_something_out_or_says_it_otherwise_than_its_ids_holds_no_rerun() {
    let folder = locked();
    let folder = folder.path();
    let whole = lock(folder);
    let lines = |keep: &dyn Fn(&str) -> Option<String>| {
        whole.lines().filter_map(keep).map(|line| line + "\n").collect::<String>()
    };
    let is = |line: &str, pipeline: &str, rest: &str| {
        line.starts_with(&format!("  {{ pipeline = \"{pipeline}\", {rest}")) && line.contains("status")
    };
    let imp = |line: &str| is(line, "imp", "replicate = 1, level = 2");
    let on_imp = |change: &dyn Fn(&str) -> Option<String>| {
        lines(&|line| if imp(line) { change(line) } else { Some(line.into()) })
    };
    let cut = |line: &str, key: &str, end: &str| {
        let (before, rest) = line.split_once(key).unwrap();
        format!("{before}{}", rest.split_once(end).unwrap().1)
    };
    let value = |text: &str, key: &str| text.split_once(key).unwrap().1.split('"').next().unwrap().to_string();
    let step = value(whole.lines().find(|line| imp(line)).unwrap(), "step = \"");
    let parent = value(whole.lines().find(|line| line.starts_with(&step)).unwrap(), "parent = \"");
    let forged = "imp\\n\\nPASS: small: all 24 tickets run again";
    let edited = [
        ("imp level 2, replicate 1: the spec plans it, and it is not there", on_imp(&|_| None)),
        ("or it is there twice", on_imp(&|line| Some(format!("{line}\n{line}")))),
        ("the spec plans no such ticket", on_imp(&|line| Some(line.replacen("planned = ", "planned = 7", 1)))),
        (
            "14065 of 6352 weights kept, and 4065 of 6352 are planned",
            on_imp(&|line| Some(line.replacen("kept = ", "kept = 1", 1))),
        ),
        ("it is done, and has no scores", on_imp(&|line| Some(cut(line, ", scores = {", "}")))),
        ("its step is another one", on_imp(&|line| Some(line.replacen(&step, "feed", 1)))),
        (
            "does not say what it left",
            lines(&|line| {
                Some(if line.starts_with(&step) { cut(line, ", weights = ", "\" }") + "}" } else { line.into() })
            }),
        ),
        (
            "does not say what it left",
            lines(&|line| {
                Some(if line.starts_with(&parent) { cut(line, ", weights = ", "\" }") + "}" } else { line.into() })
            }),
        ),
        (
            "has not the data order of each replicate",
            lines(&|line| Some(if line.starts_with("order = ") { "order = []".into() } else { line.into() })),
        ),
        ("its variants, or their seeds", whole.replacen("\nseed = 1\n", "\nseed = 77\n", 1)),
        ("its variants, or their seeds", whole.replacen("name = \"\"", "name = \"x\"", 1)),
        ("its id is of other inputs", whole.replace("learning_rate = 0.001", "learning_rate = 0.5")),
        (
            "its id is of other inputs",
            whole.replacen(&format!("parent = \"{parent}\""), &format!("parent = \"{step}\""), 1),
        ),
        ("no step is of it", whole.replacen("[stages]\n", "[stages]\nbetter = { use = \"train\" }\n", 1)),
        ("the spec plans no such ticket", whole.replacen("pipeline = \"imp\"", &format!("pipeline = \"{forged}\""), 1)),
    ];
    for (said, text) in edited {
        assert_ne!(text, whole, "{said}");
        fs::write(folder.join("small/experiment.lock"), text).unwrap();
        let (code, out, told) = tombola(folder, "verify small --all");
        assert!(code == 1 && out.contains(said), "{said}: {out}{told}");
        assert!(!out.lines().any(|line| line.starts_with("PASS")), "{out}");
    }
    // What holds no rerun is no measure for a run, either, and no reason to crash.
    let none = lines(&|line| if line.starts_with("order = ") { Some("order = []".into()) } else { Some(line.into()) });
    fs::write(folder.join("small/experiment.lock"), none).unwrap();
    let said = run(folder, "");
    assert!(said.contains("experiment.lock is not as a run leaves it: variant \"\""), "{said}");
    let (start, rest) = whole.split_once("[[variant]]").unwrap();
    let rest = rest.split_once("[stages]").unwrap().1;
    fs::write(folder.join("small/experiment.lock"), format!("variant = []\n{start}[stages]{rest}")).unwrap();
    let (code, out, told) = tombola(folder, "verify small");
    assert!(code == 1 && out.contains("its variants, or their seeds") && !told.contains("crash"), "{out}{told}");
    assert!(!folder.join("runs/verify").exists(), "nothing is run again for such a lock");
}

#[test]
fn the_locks_of_shipped_experiments_are_as_runs_leave_them() {
    let registry = Registry::builtin();
    let experiments = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments");
    let folders = fs::read_dir(experiments).unwrap().map(|entry| entry.unwrap().path());
    let locks = folders.filter_map(|folder| Some((Lock::of_folder(&folder).unwrap()?, folder)));
    let mut seen = 0;
    for (lock, folder) in locks {
        let spec = spec::load(&folder, &registry, &[]).unwrap_or_else(|e| panic!("{e}"));
        let plan = plan(&spec, &registry, &lock.device).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(misfits(&lock, &plan), [""; 0], "{}", folder.display());
        // Of what follows, reading does not keep the order.
        let (text, read) = (fs::read_to_string(folder.join("experiment.lock")).unwrap(), lock.text());
        let results = |text: &str| text.split_once("[versions]").unwrap().0.to_string();
        assert!(results(&text) == results(&read), "{}", folder.display());
        seen += 1;
    }
    assert!(seen > 0);
}

#[test]
fn branches_that_keep_equally_many_weights_are_told_apart() {
    let folder = unlocked();
    let folder = folder.path();
    fs::create_dir(folder.join("small/pipelines")).unwrap();
    // The example of docs/reference/stage.md, and an analysis of each branch.
    let branches = r#"
[[stage]]
init = {}
[[stage]]
train = {}
[[stage]]
branch = [
  { stages = [{ prune = { criterion = "magnitude", rate = 0.9 } }] },
  { stages = [{ prune = { criterion = "random", rate = 0.9 } }] },
]
[[stage]]
rewind = "0it"
[[stage]]
train = {}
"#;
    fs::write(folder.join("small/pipelines/branches.toml"), branches).unwrap();
    let (before, _) = SPEC.split_once("[pipeline.dense]").unwrap();
    let pipelines =
        "[pipeline.branches]\nuse = \"branches\"\n[pipeline.look]\nuse = \"anatomy\"\neach = \"branches\"\n";
    fs::write(folder.join("small/experiment.toml"), format!("{before}{pipelines}")).unwrap();
    run(folder, "");
    let text = lock(folder);
    assert_eq!(
        text.lines().filter(|line| line.contains("level = 1") && line.contains("branch = 1")).count(),
        4,
        "{text}"
    );
    let said = run(folder, "");
    assert!(said.contains("12 tickets as in experiment.lock, to the last bit."), "{said}");
    let (code, out, told) = tombola(folder, "verify small --all");
    assert!(code == 0 && out.contains("all 12 tickets run again (12 PASS)"), "{out}{told}");
    assert!(out.contains("branches level 1 (10%), replicate 1, branch 2"), "{out}");
    // A part of it counts as the whole does.
    fs::remove_dir_all(folder.join("runs/verify")).unwrap();
    let (code, out, told) = tombola(folder, "verify small --sample 3");
    assert!(code == 0 && out.contains("NOT RUN") && !out.contains("FAIL"), "{out}{told}");
}

#[test]
fn without_a_lock_there_is_nothing_to_hold_a_rerun_to() {
    let folder = unlocked();
    let (code, _, said) = tombola(folder.path(), "verify small");
    assert!(code == 2 && said.contains("has no experiment.lock") && said.contains("tombola run"), "{said}");
}
