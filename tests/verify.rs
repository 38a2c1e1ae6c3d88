//! An experiment is locked by its run, and a rerun held to it: what changed, and what was tampered with, is found and named.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use tombola::lock::Lock;
use tombola::plan::plan;
use tombola::registry::Registry;
use tombola::spec;
use tombola::verify::misfits;

/// Small and quick: what it learns does not matter.
const SPEC: &str = r#"
title = "A tiny experiment"
replicates = 2

[dataset]
use = "mnist-10k"
validation = 50
subset = { train = 250, test = 100 }
[model]
layer = [
  { flatten = {} },
  { linear = { units = 8 }, name = "fc1" },
  { relu = {} },
  { linear = { units = "{classes}" }, name = "out" },
]
[training]
optimizer = { use = "adam", learning_rate = 1e-3 }
batch_size = 50
length = "6it"
evaluate = "3it"

[pipeline.dense]
use = "dense"
[pipeline.imp]
use = "imp"
levels = 3
[pipeline.late]
use = "imp"
levels = 1
rewind = "2it"
[pipeline.reinitialise]
use = "reinitialise"
each = "imp"
[pipeline.edge-popup]
use = "edge-popup"
weights_remaining = [0.3, 0.6]
"#;

/// Exit code, stdout and stderr.
fn tombola(folder: &Path, arguments: &str) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tombola"));
    command.current_dir(folder).args(arguments.split(' ')).stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A small experiment that has run, with its lock.
fn locked() -> tempfile::TempDir {
    let folder = unlocked();
    let (_, _, said) = tombola(folder.path(), "run small");
    assert!(said.contains("Lock: small/experiment.lock"), "{said}");
    folder
}

fn unlocked() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("small")).unwrap();
    fs::write(folder.path().join("small/experiment.toml"), SPEC).unwrap();
    folder
}

/// What a run that must end well says.
fn run(folder: &Path, arguments: &str) -> String {
    let (code, _, said) = tombola(folder, format!("run small {arguments}").trim_end());
    assert_eq!(code, 0, "{said}");
    said
}

fn edit(folder: &Path, file: &str, from: &str, to: &str) {
    let path = folder.join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} has no {from:?}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

fn lock(folder: &Path) -> String {
    fs::read_to_string(folder.join("small/experiment.lock")).unwrap()
}

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
fn a_rerun_passes_and_its_verdict_is_in_the_report() {
    let folder = locked();
    let folder = folder.path();
    let (code, out, said) = tombola(folder, "verify small");
    assert!(
        code == 0 && out.contains("\nPASS: small: what was run again is as locked; all 24 tickets run again (24 PASS)"),
        "{out}{said}"
    );
    let (_, page, _) = tombola(folder, "report --from-records reports/small");
    assert!(page.contains("reports/small/index.html"), "{page}");
    let page = fs::read_to_string(folder.join("reports/small/index.html")).unwrap();
    assert!(page.contains("<strong>PASS</strong>") && page.contains("24 of 24 tickets run again"));
    let markdown = fs::read_to_string(folder.join("reports/small/report.md")).unwrap();
    assert!(markdown.contains("## Verification\n\n**PASS**: "), "{markdown}");
    // Of other results it says nothing.
    run(folder, "--replicates 1");
    assert!(!fs::read_to_string(folder.join("reports/small/report.md")).unwrap().contains("## Verification"));
}

#[test]
fn a_verdict_that_cannot_be_put_beside_the_report_is_said_all_the_same() {
    let folder = locked();
    let folder = folder.path();
    fs::create_dir(folder.join("reports/small/verification.json")).unwrap();
    let (code, out, said) = tombola(folder, "verify small --pipelines dense --json");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &json["verdict"]), (0, &"pass".into()));
    assert!(said.contains("warning: the verdict is not put beside the report: "), "{said}");
}

#[test]
fn a_verdict_of_fewer_tickets_takes_no_other_s_place_unless_it_is_a_fail() {
    let folder = locked();
    let folder = folder.path();
    let written = || -> usize {
        let text = fs::read_to_string(folder.join("reports/small/verification.json")).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let tickets = json["tickets"].as_array().unwrap();
        tickets.iter().filter(|ticket| ticket["verdict"] != "not-run").count()
    };
    tombola(folder, "verify small");
    let (code, _, said) = tombola(folder, "verify small --pipelines dense");
    assert!(code == 0 && written() == 24, "{said}");
    assert!(
        said.contains("stays as it is: that verification of the same results ran 24 tickets again, and this one 6."),
        "{said}"
    );
    edit(folder, "reports/small/results.csv", "dense", "denser");
    let (code, _, said) = tombola(folder, "verify small --pipelines dense");
    assert!(code == 1 && written() == 6, "{said}");
}

#[test]
fn a_sample_runs_part_of_it_and_says_what_it_did_not_run() {
    let folder = locked();
    let folder = folder.path();
    let (code, out, _) = tombola(folder, "verify small --pipelines dense --replicates 1 --json");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &json["verdict"]), (0, &"pass".into()));
    let ran = |json: &serde_json::Value| -> Vec<String> {
        let tickets = json["tickets"].as_array().unwrap().iter();
        tickets.filter(|t| t["verdict"] != "not-run").map(|t| t["ticket"].as_str().unwrap().to_string()).collect()
    };
    // Level 0 of the others is the same step.
    assert_eq!(
        ran(&json),
        ["dense level 0 (100%), replicate 1", "imp level 0 (100%), replicate 1", "late level 0 (100%), replicate 1"]
    );
    fs::remove_dir_all(folder.join("runs/verify")).unwrap();
    let (code, out, said) = tombola(folder, "verify small --sample 5 --json");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    let (seed, of) = (json["sample_seed"].as_u64().unwrap(), ran);
    let ran = of(&json);
    assert!(said.contains(&format!("`--sample-seed {seed}` takes the same again")), "{said}");
    let (_, out, _) = tombola(folder, &format!("verify small --sample 5 --sample-seed {seed} --json"));
    assert_eq!(of(&serde_json::from_str(&out).unwrap()), ran);
    assert!(code == 0 && (5..24).contains(&ran.len()), "{ran:?} {said}");
    for pipeline in ["dense", "imp", "late", "reinitialise", "edge-popup"] {
        assert!(ran.iter().any(|ticket| ticket.starts_with(pipeline)), "{pipeline}: {ran:?}");
    }
    let (code, _, said) = tombola(folder, "verify small --pipelines imps");
    assert!(code == 2 && said.contains("no pipeline \"imps\"") && said.contains("dense, edge-popup, imp"), "{said}");
    let (code, _, said) = tombola(folder, "verify small --replicates 2");
    assert!(code == 2 && said.contains("no replicate 2") && said.contains("2 replicates, counted from 0"), "{said}");
}

#[test]
fn what_an_earlier_verification_found_is_told_from_what_was_run_again() {
    let folder = locked();
    let folder = folder.path();
    let (code, out, _) = tombola(folder, "verify small --pipelines imp,edge-popup");
    assert!(code == 0 && out.contains(" tickets run again ("), "{out}");
    let (code, out, said) = tombola(folder, "verify small");
    let reused = "all 24 tickets, 8 run again, 16 as an earlier verification found them in runs/verify/small (24 PASS)";
    assert!(code == 0 && out.contains(reused) && said.contains("`--anew` runs them again"), "{out}{said}");
    let (_, out, _) = tombola(folder, "verify small --json");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&out).unwrap()["reused"], 24);
    // Whoever filled it: what is wrong there is found by running it again.
    let (code, out, said) = tombola(folder, "verify small --anew");
    assert!(
        code == 0 && out.contains("all 24 tickets run again (24 PASS)") && !said.contains("earlier"),
        "{out}{said}"
    );
}

#[test]
fn a_step_that_this_machine_could_not_do_is_no_failure_of_the_lock() {
    let folder = locked();
    let folder = folder.path();
    let text = lock(folder);
    let dense = text.lines().find(|line| line.contains("pipeline = \"dense\", replicate = 0")).unwrap();
    let step = dense.split_once("step = \"").unwrap().1;
    // Where its step is to lie there is a file.
    let steps = folder.join("runs/verify/small/steps");
    fs::create_dir_all(&steps).unwrap();
    fs::write(steps.join(&step[..2]), "").unwrap();
    let (code, out, said) = tombola(folder, "verify small --pipelines dense");
    assert!(code == 1 && !out.contains("FAIL"), "{out}{said}");
    assert!(out.contains("NOT RUN           dense level 0 (100%), replicate 0: "), "{out}");
    assert!(out.contains("\nNOT RUN: small: a step crashed, or this machine did not suffice"), "{out}");
    assert!(!folder.join("reports/small/verification.json").exists());
}

#[test]
fn a_time_budget_ends_it_and_what_has_not_run_is_not_judged() {
    let folder = locked();
    let (code, out, said) = tombola(folder.path(), "verify small --time-budget 1ms");
    assert!(code == 1 && out.contains("NOT RUN: small: nothing was run again"), "{out}{said}");
    let (code, out, said) = tombola(folder.path(), "verify small --time-budget 1h");
    assert!(code == 0 && out.contains("(24 PASS)"), "{out}{said}");
}

#[test]
fn a_tampered_figure_and_a_swapped_mask_are_each_named() {
    let folder = locked();
    let folder = folder.path();
    let text = lock(folder);
    let of = |start: &str| text.lines().find(|line| line.trim_start().starts_with(start)).unwrap().to_string();
    let imp = of("{ pipeline = \"imp\", replicate = 1, level = 2");
    let figure = |line: &str, name: &str| {
        line.split_once(&format!("{name} = ")).unwrap().1.split([',', ' ']).next().unwrap().to_string()
    };
    let accuracy = figure(&imp, "test_accuracy");
    let tampered = imp.replacen(&format!("test_accuracy = {accuracy}"), "test_accuracy = 0.999", 1);
    // Masks of two steps change places: of imp's levels 1 and 3 in replicate 0.
    let masks = |level: u32| {
        let line = of(&format!("{{ pipeline = \"imp\", replicate = 0, level = {level}"));
        let step = figure(&line, "step").trim_matches('"').to_string();
        figure(&of(&step), "masks").trim_matches('"').to_string()
    };
    let (one, three) = (masks(1), masks(3));
    let swapped = text.replace(&one, "ONE").replace(&three, &one).replace("ONE", &three);
    fs::write(folder.join("small/experiment.lock"), swapped.replace(&imp, &tampered)).unwrap();
    let (code, out, _) = tombola(folder, "verify small");
    assert_eq!(code, 1, "{out}");
    let line = |ticket: &str| {
        let begins = format!("{:<18}{ticket}:", "FAIL");
        out.lines().find(|line| line.starts_with(&begins)).unwrap_or_default()
    };
    assert!(
        line("imp level 2 (64%), replicate 1").contains(&format!("test accuracy {accuracy} instead of 0.999")),
        "{out}"
    );
    assert!(line("imp level 1 (80%), replicate 0").ends_with(": masks differ"), "{out}");
    // The report, too, says something else than such a lock.
    assert!(out.contains(&format!("test accuracy {accuracy} instead of 0.999 in experiment.lock")), "{out}");
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
fn a_step_on_the_way_to_a_ticket_that_left_something_else_is_named() {
    let folder = locked();
    let folder = folder.path();
    let text = lock(folder);
    let prune = text.lines().find(|line| line.contains("stage = \"prune-1\"")).unwrap();
    let masks = prune.split_once("masks = \"").unwrap().1.split('"').next().unwrap();
    fs::write(folder.join("small/experiment.lock"), text.replace(prune, &prune.replace(masks, &"0".repeat(32))))
        .unwrap();
    let (code, out, _) = tombola(folder, "verify small");
    assert!(code == 1 && out.contains("(prune-1) left before it differs"), "{out}");
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
fn a_report_s_row_that_the_lock_has_not_is_named() {
    let folder = locked();
    let folder = folder.path();
    let path = folder.join("reports/small/records.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let rows = text.lines().count() - 1;
    let row = text.lines().find(|line| line.contains("\"pipeline\":\"dense\"")).unwrap();
    let more = text.replacen(&format!("\"rows\":{rows}"), &format!("\"rows\":{}", rows + 1), 1);
    fs::write(&path, more + &row.replacen("\"level\":0", "\"level\":9", 1) + "\n").unwrap();
    let (code, out, _) = tombola(folder, "verify small --pipelines dense");
    assert!(
        code == 1 && out.contains("dense level 9 (100%), replicate 0 is there and not in experiment.lock"),
        "{out}"
    );
}

#[test]
fn a_report_that_was_tampered_with_is_named() {
    let folder = locked();
    let folder = folder.path();
    let table = fs::read_to_string(folder.join("reports/small/results.csv")).unwrap();
    let row = table.lines().nth(3).unwrap();
    let column = row.split(',').nth(11).unwrap();
    edit(folder, "reports/small/results.csv", row, &row.replacen(column, "0.999000", 1));
    let (code, out, _) = tombola(folder, "verify small --pipelines dense");
    assert!(code == 1 && out.contains("results.csv: line 4: not what records.jsonl say"), "{out}");
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
fn what_a_report_says_besides_its_figures_is_looked_at_too() {
    let folder = locked();
    let folder = folder.path();
    let records = "reports/small/records.jsonl";
    let whole = fs::read_to_string(folder.join(records)).unwrap();
    let verify = || tombola(folder, "verify small --pipelines dense");
    let dense = whole.lines().find(|line| line.contains("\"pipeline\":\"dense\"")).unwrap();
    let with = |from: &str, to: &str| {
        assert!(dense.contains(from), "{from}: {dense}");
        fs::write(folder.join(records), whole.replacen(dense, &dense.replacen(from, to, 1), 1)).unwrap();
    };
    // A record of another device among those of the lock's makes the rest no less comparable.
    let device = dense.split_once("\"device\":\"").unwrap().1.split('"').next().unwrap();
    with(device, "abacus");
    let (code, out, said) = verify();
    assert!(code == 1 && out.contains("a record says that it is of another device kind (\"abacus\")"), "{out}{said}");
    fs::write(folder.join(records), whole.replace(device, "abacus")).unwrap();
    let (code, out, said) = verify();
    assert!(code == 1 && out.contains("another device kind (\"abacus\")"), "steps are the lock's: {out}{said}");
    // Curves are in no lock.
    let loss = dense.split_once("\"train_loss\":[null,").unwrap().1.split([',', ']']).next().unwrap();
    with(&format!("\"train_loss\":[null,{loss}"), "\"train_loss\":[null,0.99");
    let (code, out, said) = verify();
    assert!(
        code == 1 && out.contains("dense level 0 (100%), replicate 0: its training is not what was found again"),
        "{out}{said}"
    );
    fs::write(folder.join(records), whole.replacen("A tiny experiment", "A great experiment", 1)).unwrap();
    let (code, out, said) = verify();
    assert!(code == 1 && out.contains("records.jsonl: its title is not the spec's"), "{out}{said}");
    fs::write(folder.join(records), &whole).unwrap();
    // Tables are what records give.
    let table = fs::read_dir(folder.join("reports/small/figures")).unwrap().map(|entry| entry.unwrap().path());
    let table = table.filter(|path| path.extension().is_some_and(|ending| ending == "csv")).min().unwrap();
    let text = fs::read_to_string(&table).unwrap();
    fs::write(&table, text.replacen("dense", "sparse", 1)).unwrap();
    let (code, out, said) = verify();
    assert!(code == 1 && out.contains(".csv: line 2: not what records.jsonl say"), "{out}{said}");
    fs::write(&table, text).unwrap();
    // A page may be another version's.
    edit(folder, "reports/small/report.md", "tiny", "great");
    let (code, out, said) = verify();
    assert!(code == 0 && said.contains("report.md: not what its records give with this version"), "{out}{said}");
    fs::remove_file(folder.join(records)).unwrap();
    let (code, out, said) = verify();
    assert!(code == 1 && out.contains("results.csv: without records.jsonl nothing says"), "{out}{said}");
}

#[test]
fn without_a_lock_there_is_nothing_to_hold_a_rerun_to() {
    let folder = unlocked();
    let (code, _, said) = tombola(folder.path(), "verify small");
    assert!(code == 2 && said.contains("has no experiment.lock") && said.contains("tombola run"), "{said}");
}

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
