//! What can become of a pipeline other than its end: a divergence, a stop, a refusal.

use std::io::BufReader;
use std::path::Path;

use tombola::record::{Row, Status, Study};

use crate::small::{SPEC, command, folder, results, run};

#[test]
fn a_diverging_training_is_an_outcome_and_no_crash() {
    let folder = folder();
    let sgd = "pipeline.late.optimizer={ use = \"sgd\", learning_rate = 1e30 }";
    run(folder.path(), &["--replicates", "1", "--set", sgd]);
    let report = std::fs::read_to_string(folder.path().join("reports/small/report.md")).unwrap();
    assert!(report.contains("diverged at iteration"), "{report}");
    assert!(report.contains("follows a ticket that diverged"), "{report}");
}

#[test]
fn an_accuracy_drop_stops_a_pipeline_and_what_forks_from_it() {
    let folder = folder();
    run(
        folder.path(),
        &[
            "--replicates",
            "1",
            "--set",
            "pipeline.imp.stop={ accuracy_drop = 0.0 }",
            "--set",
            "pipeline.imp.prune_rate=0.99",
        ],
    );
    let csv = results(folder.path());
    let levels = |pipeline: &str| csv.lines().filter(|l| l.starts_with(&format!("small,,{pipeline},"))).count();
    assert_eq!(levels("imp"), 2, "level 1 broke the bound, is kept, and is the last\n{csv}");
    assert_eq!(levels("reinitialise"), 1);
}

fn rows(folder: &Path, pipeline: &str) -> Vec<Row> {
    let file = std::fs::File::open(folder.join("reports/small/records.jsonl")).unwrap();
    let study = Study::read(BufReader::new(file)).unwrap();
    study.rows.into_iter().filter(|row| row.pipeline == pipeline).collect()
}

/// The small experiment with these pipelines instead of its own.
fn with(pipelines: &str) -> tempfile::TempDir {
    let folder = folder();
    let (base, _) = SPEC.split_once("[pipeline.dense]").unwrap();
    std::fs::write(folder.path().join("small/experiment.toml"), format!("{base}{pipelines}")).unwrap();
    folder
}

/// What a command that is refused says.
fn refused(folder: &Path) -> String {
    let output = command(folder, &[]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(!folder.join("runs").exists());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn the_level_that_breaks_the_bound_is_marked_even_where_it_is_the_last() {
    let folder = folder();
    let (stop, rate) = ("pipeline.imp.stop={ accuracy_drop = 0.0 }", "pipeline.imp.prune_rate=0.99");
    run(
        folder.path(),
        &[
            "--replicates",
            "1",
            "--set",
            stop,
            "--set",
            rate,
            "--set",
            "pipeline.imp.levels=1",
            "--set",
            "pipeline.shuffle.at=[1]",
        ],
    );
    let broke: Vec<bool> = rows(folder.path(), "imp").iter().map(|row| row.broke_bound).collect();
    assert_eq!(broke, [false, true]);
}

#[test]
fn a_training_whose_last_step_breaks_it_has_diverged() {
    let folder = with(
        r#"[pipeline.late]
           stage = [
             { init = {} },
             { train = { optimizer = { use = "sgd", learning_rate = 1e38 }, length = "1it", evaluate = "1it" } },
             { evaluate = {} },
           ]"#,
    );
    run(folder.path(), &["--replicates", "1"]);
    let found: Vec<Status> = rows(folder.path(), "late").into_iter().map(|row| row.status).collect();
    assert_eq!(found, [Status::Diverged, Status::FollowsDiverged]);
    assert!(run(folder.path(), &["--replicates", "1"]).contains("Nothing to run"));
}

#[test]
fn a_learned_mask_hides_weights_and_a_shuffle_or_a_rewind_brings_them_back() {
    let stages = |last: &str| {
        format!(
            r#"stage = [
                 {{ init = {{}} }},
                 {{ train = {{ learn = {{ use = "edge-popup", weights_remaining = 0.5 }} }} }},
                 {last},
                 {{ evaluate = {{}} }},
               ]"#
        )
    };
    let folder = with(&format!(
        "[pipeline.shuffled]\n{}\n[pipeline.rewound]\n{}",
        stages("{ shuffle = {} }"),
        stages("{ rewind = \"10it\" }")
    ));
    run(folder.path(), &["--replicates", "1"]);
    let plan = crate::small::planned(folder.path(), &["replicates=1"]);
    let store = tombola::run::Store::open(&folder.path().join("runs"));
    let initial = store.ticket(&plan.steps[0].id).unwrap();
    for stage in ["shuffle", "rewind"] {
        let step = plan.steps.iter().find(|step| step.stage.name == stage).unwrap();
        let ticket = store.ticket(&step.id).unwrap();
        for (name, mask) in &ticket.masks {
            let mut expected = initial.arrays[name].values.clone();
            mask.apply(&mut expected);
            assert_eq!(mask.kept(), mask.len() / 2);
            assert_eq!(ticket.arrays[name].values, expected, "{stage} of {name}");
        }
    }
}

#[test]
fn edge_popup_from_a_pruned_ticket_is_refused_before_anything_runs() {
    let folder = with(
        r#"[pipeline.pruned]
           stage = [
             { init = {} },
             { prune = { criterion = "random", rate = 0.5 } },
             { train = { learn = { use = "edge-popup", weights_remaining = 0.5 } } },
           ]"#,
    );
    let said = refused(folder.path());
    assert!(said.contains("this ticket is pruned already") && said.contains("experiment.toml:"), "{said}");
}

#[test]
fn a_step_that_memory_does_not_hold_is_refused_before_anything_runs() {
    let folder = folder();
    let output = command(folder.path(), &["--memory", "10MB"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("--memory") && said.contains("10.0 MB") && said.contains("batch_size"), "{said}");
    assert!(!folder.path().join("runs").exists());
}

#[test]
fn fewer_jobs_run_at_a_time_where_memory_is_short_and_it_is_said() {
    let folder = folder();
    let said = run(folder.path(), &["--replicates", "1", "--jobs", "64", "--memory", "60MB"]);
    assert!(said.contains(" at a time, not 64: each needs about "), "{said}");
}

#[test]
fn a_plan_without_end_is_refused_and_not_waited_for() {
    let folder = with(
        r#"[pipeline.doubling]
           stage = [
             { init = {} },
             { repeat = { times = 60, stages = [
               { foreach = { value = "rate", in = [1, 2], stages = [{ prune = { criterion = "random", rate = 0.5 } }] } },
             ] } },
             { evaluate = {} },
           ]"#,
    );
    let said = refused(folder.path());
    assert!(said.contains("plans more than 1000000 steps"), "{said}");
}

#[test]
fn a_store_without_results_takes_no_report_away() {
    let folder = folder();
    run(folder.path(), &["--replicates", "1"]);
    let before = results(folder.path());
    for arguments in [["report", "small", "--runs", "typo"], ["run", "small", "--runs", "/dev/null"]] {
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_tombola"));
        let said = command.current_dir(folder.path()).args(arguments).assert().code(2);
        assert!(String::from_utf8_lossy(&said.get_output().stderr).contains("--runs DIR"), "{said}");
        assert_eq!(results(folder.path()), before);
    }
}

/// A full disk in the place of a terminal.
#[cfg(target_os = "linux")]
#[test]
fn a_run_ends_well_without_anyone_to_tell() {
    let folder = folder();
    let nowhere = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = command(folder.path(), &["--replicates", "1"]).stderr(nowhere).status().unwrap();
    assert!(status.success());
    assert!(folder.path().join("reports/small/index.html").exists());
}

#[test]
fn a_ladder_ends_at_its_levels_or_at_its_weights_remaining_whichever_comes_first() {
    let folder = folder();
    let last_level = |sets: &[&str]| {
        let rate = "pipeline.imp.prune_rate=0.5";
        let sets: Vec<&str> = [rate, "pipeline.shuffle.at=[1]"].iter().chain(sets).copied().collect();
        let plan = crate::small::planned(folder.path(), &sets);
        plan.tickets.iter().filter(|ticket| ticket.pipeline == "imp").map(|ticket| ticket.level).max()
    };
    assert_eq!(last_level(&["pipeline.imp.levels=4"]), Some(4));
    // 50, 25, 12.5%: the first at or below 25% is level 2.
    let stop = "pipeline.imp.stop={ weights_remaining = 0.25 }";
    assert_eq!(last_level(&["pipeline.imp.levels=4", stop]), Some(2));
    assert_eq!(last_level(&["pipeline.imp.levels=1", stop]), Some(1));
}
