//! Analyses measure tickets, have files and lines of their own, and change nothing.

use std::io::BufReader;
use std::path::Path;

use tombola::record::{Measured, Row, Status, Study};
use tombola::run::Store;

use crate::small::{SPEC, command, folder, planned, results, run};

/// The small experiment with these pipelines besides its own.
fn besides(pipelines: &str) -> tempfile::TempDir {
    let folder = folder();
    std::fs::write(folder.path().join("small/experiment.toml"), format!("{SPEC}{pipelines}")).unwrap();
    folder
}

fn study(folder: &Path) -> Study {
    let file = std::fs::File::open(folder.join("reports/small/records.jsonl")).unwrap();
    Study::read(BufReader::new(file)).unwrap()
}

fn report(folder: &Path, file: &str) -> String {
    std::fs::read_to_string(folder.join("reports/small").join(file)).unwrap()
}

fn figure<'a>(row: &'a Row, name: &str) -> &'a Measured {
    let measured = &row.record.as_ref().unwrap().measured;
    measured.iter().find(|figure| figure.name == name).unwrap_or_else(|| panic!("{name}: {measured:?}"))
}

fn number(row: &Row, name: &str) -> f64 {
    figure(row, name).value().unwrap()
}

const ANATOMY: &str = r#"
[pipeline.anatomy]
use = "anatomy"
each = "imp"
[pipeline.popped]
use = "anatomy"
each = "edge-popup"
[pipeline.within]
stage = [{ init = {} }, { random-mask = { weights_remaining = 0.5 } }, { anatomy = {} }, { train = {} }]
"#;

#[test]
fn the_anatomy_of_each_trained_ticket_level_0_included_has_lines_of_its_own() {
    let folder = besides(ANATOMY);
    run(folder.path(), &[]);
    let study = study(folder.path());
    let of = |pipeline: &str| study.analyses.iter().filter(|row| row.pipeline == pipeline).collect::<Vec<_>>();
    let levels: Vec<_> = of("anatomy").iter().map(|row| (row.replicate, row.level)).collect();
    assert_eq!(levels, (0..2).flat_map(|replicate| (0..4).map(move |level| (replicate, level))).collect::<Vec<_>>());
    assert_eq!((of("popped").len(), of("within").len()), (4, 2));
    for row in &study.analyses {
        assert_eq!(row.status, Status::Done);
        let remaining = number(row, "weights remaining");
        assert!((remaining - row.weights_remaining()).abs() < 1e-12);
        assert!(number(row, "effective weights remaining") <= remaining);
        assert_eq!(figure(row, "weights remaining by layer").points.len(), 2);
        assert_eq!(number(row, "multiply-adds, dense"), 784.0 * 16.0 + 160.0);
    }
    // No row of the results is an analysis's, and the pipeline that trains after one has its rows.
    assert!(study.rows.iter().all(|row| !["anatomy", "popped"].contains(&row.pipeline.as_str())));
    assert_eq!(study.rows.iter().filter(|row| row.pipeline == "within").count(), 2);
    let csv = report(folder.path(), "analyses.csv");
    assert!(csv.contains("small,,anatomy,1,3,0,0.12"), "{csv}");
    assert!(report(folder.path(), "index.html").contains("<h2 id=\"analyses\">"));
    assert!(report(folder.path(), "report.md").contains("## Analyses"));
}

#[test]
fn an_analysis_leaves_ticket_and_results_as_they_are() {
    let (with, without) = (besides(ANATOMY), folder());
    run(with.path(), &["--replicates", "1"]);
    run(without.path(), &["--replicates", "1"]);
    let plain = results(without.path());
    let same: Vec<String> =
        results(with.path()).lines().filter(|line| !line.contains(",within,")).map(String::from).collect();
    assert_eq!(same, plain.lines().collect::<Vec<_>>());
    assert!(!without.path().join("reports/small/analyses.csv").exists());
    let (store, plan) = (Store::open(&with.path().join("runs")), planned(with.path(), &["replicates=1"]));
    for row in &plan.analyses {
        let step = &plan.steps[row.step];
        let (own, before) = (store.ticket(&step.id), store.ticket(&plan.steps[step.parent.unwrap()].id));
        assert!(own.unwrap() == before.unwrap(), "{}", row.pipeline);
    }
    // Where analyses are gone, their table goes.
    std::fs::write(with.path().join("small/experiment.toml"), SPEC).unwrap();
    run(with.path(), &["--replicates", "1"]);
    assert!(!with.path().join("reports/small/analyses.csv").exists());
}

#[test]
fn a_pipeline_may_only_measure_and_what_was_not_measured_is_listed() {
    let folder = besides("[pipeline.only]\nstage = [{ init = {} }, { anatomy = {} }]\n");
    run(folder.path(), &["--replicates", "1"]);
    let study = study(folder.path());
    let only: Vec<_> = study.analyses.iter().map(|row| (row.pipeline.as_str(), row.level)).collect();
    assert_eq!(only, [("only", 0)]);
    // In another store than the plan's, the steps of one replicate are missing.
    let output =
        command(folder.path(), &["--set", "replicates=2", "--set", "training.length=\"40it\""]).output().unwrap();
    assert!(output.status.success());
}
