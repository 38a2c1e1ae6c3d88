//! Analyses measure tickets, have files and lines of their own, and change nothing.

use std::io::BufReader;
use std::path::Path;

use tombola::record::{Heading, Measured, Row, Status, Study};
use tombola::registry::Registry;
use tombola::run::Store;

use crate::small::{SPEC, folder, planned, results, run};

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

/// What an analysis said ahead that it would measure, it did, under the same names.
fn all_is_measured_under_its_headings(folder: &Path, study: &Study) {
    let registry = Registry::builtin();
    let spec = tombola::spec::load(&folder.join("small"), &registry, &[]).unwrap_or_else(|e| panic!("{e}"));
    for row in &study.analyses {
        let headings = spec.variants[0].pipelines[&row.pipeline].headings(&registry);
        for figure in &row.record.as_ref().unwrap().measured {
            let same = |heading: &&Heading| heading.name == figure.name;
            let heading = headings.iter().find(same).unwrap_or_else(|| panic!("{}: {}", row.analysis, figure.name));
            assert_eq!((heading.unit, heading.over), (figure.unit.as_str(), figure.over.as_str()), "{}", figure.name);
        }
    }
}

#[test]
fn the_anatomy_of_each_trained_ticket_level_0_included_has_lines_of_its_own() {
    let folder = besides(ANATOMY);
    run(folder.path(), &[]);
    let study = study(folder.path());
    let of = |pipeline: &str| study.analyses.iter().filter(|row| row.pipeline == pipeline).collect::<Vec<_>>();
    let levels: Vec<_> = of("anatomy").iter().map(|row| (row.replicate, row.level)).collect();
    assert_eq!(levels, (0..2).flat_map(|replicate| (0..4).map(move |level| (replicate, level))).collect::<Vec<_>>());
    assert_eq!((of("popped").len(), of("within").len()), (4, 2));
    all_is_measured_under_its_headings(folder.path(), &study);
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
    assert!(csv.contains("small,,anatomy,1,,3,0,0.12"), "{csv}");
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
fn a_pipeline_may_only_measure() {
    let folder = besides("[pipeline.only]\nstage = [{ init = {} }, { anatomy = {} }]\n");
    run(folder.path(), &["--replicates", "1"]);
    let study = study(folder.path());
    let only: Vec<_> = study.analyses.iter().map(|row| (row.pipeline.as_str(), row.level)).collect();
    assert_eq!(only, [("only", 0)]);
}

const COMPARED: &str = r#"
[pipeline.connectivity]
use = "connectivity"
each = "imp"
at = [0, 2]
points = 5
[pipeline.within-imp]
use = "overlap"
each = "imp"
with = "imp"
[pipeline.methods]
use = "overlap"
each = "imp"
with = "edge-popup"
at = [1]
[pipeline.lottery]
use = "lottery"
masks = 40
examples = 50
best_of = [1, 20]
"#;

#[test]
fn trainings_masks_and_odds_are_compared_whatever_the_jobs() {
    let (one, two) = (besides(COMPARED), besides(COMPARED));
    run(one.path(), &["--jobs", "1"]);
    run(two.path(), &["--jobs", "2"]);
    assert_eq!(report(one.path(), "analyses.csv"), report(two.path(), "analyses.csv"));
    let study = study(one.path());
    let of = |pipeline: &str| study.analyses.iter().filter(|row| row.pipeline == pipeline).collect::<Vec<_>>();
    assert!(study.analyses.iter().all(|row| row.status == Status::Done));
    all_is_measured_under_its_headings(one.path(), &study);
    // Two levels, two replicates, each with a line of five points whose largest error makes the barrier.
    assert_eq!(of("connectivity").len(), 4);
    for row in of("connectivity") {
        let errors: Vec<f64> = figure(row, "test error").points.iter().map(|point| point.value).collect();
        let largest = errors.iter().copied().fold(0.0, f64::max);
        assert_eq!(errors.len(), 5);
        assert!((number(row, "barrier") - (largest - (errors[0] + errors[4]) / 2.0)).abs() < 1e-12);
        assert_ne!(errors[0], errors[2], "the ends differ");
    }
    // The first replicate has none before it; level 0 keeps everything, and so is the same.
    let within = of("within-imp");
    assert_eq!(
        within.iter().map(|row| (row.replicate, row.level)).collect::<Vec<_>>(),
        [(1, 0), (1, 1), (1, 2), (1, 3)]
    );
    assert_eq!(number(within[0], "overlap"), 1.0);
    assert!(within[1..].iter().all(|row| number(row, "overlap") < 1.0 && number(row, "overlap by chance") > 0.0));
    assert_eq!(of("methods").iter().map(|row| (row.replicate, row.level)).collect::<Vec<_>>(), [(0, 1), (1, 1)]);
    for row in of("lottery") {
        assert_eq!(figure(row, "best of s, new networks").points.len(), 2);
        assert!((0.0..=1.0).contains(&number(row, "q over new networks")));
    }
    assert!(one.path().join("reports/small/figures/connectivity.svg").exists());
    // What is compared with is part of what a step is, and a run again finds every step.
    let plan = planned(one.path(), &[]);
    let compares = plan.steps.iter().filter(|step| step.other.is_some()).count();
    assert_eq!(compares, 4 + 2);
    let (said, before) = (run(one.path(), &[]), report(one.path(), "analyses.csv"));
    assert!(!said.contains("measured") && before == report(two.path(), "analyses.csv"), "{said}");
    // One replicate has nothing to be compared with across replicates, and that is no error.
    let alone = planned(one.path(), &["replicates=1"]);
    assert!(alone.analyses.iter().all(|row| row.pipeline != "within-imp"));
}

#[test]
fn a_prediction_may_be_of_what_an_analysis_measures() {
    let folder = besides(
        r#"
[pipeline.anatomy]
use = "anatomy"
each = "imp"
[[prediction]]
claim = "levels keep what they say"
expect = "anatomy.weights_remaining@level 3 within 0.1% of imp.weights_remaining@level 3"
[[prediction]]
claim = "there are as many multiply-adds as weights in a network without convolutions"
expect = "anatomy.multiply_adds_dense@first / imp.prunable_weights@first within 0 of 1"
[[prediction]]
claim = "half of the first layer stays at level 1, in each replicate"
expect = "anatomy.weights_remaining_by_layer[fc1.weight].min@level 1 > 0.9"
[[prediction]]
claim = "no layer has that name"
expect = "anatomy.weights_remaining_by_layer[fc9.weight]@level 1 > 0.9"
"#,
    );
    run(folder.path(), &[]);
    let study = study(folder.path());
    let judged = tombola::report::judge(&study);
    let outcomes: Vec<_> = judged.iter().map(|judgement| (judgement.outcome, judgement.why.join("; "))).collect();
    let missing = "anatomy@level 1, replicate 0, 1: no `weights_remaining_by_layer[fc9.weight]` was measured";
    use tombola::report::Outcome::{Fails, Holds, NotJudged};
    let plain = [Holds, Holds, Fails].map(|outcome| (outcome, String::new()));
    assert_eq!(outcomes[..3], plain);
    assert_eq!(outcomes[3], (NotJudged, missing.to_string()));
    let halves: Vec<_> = judged[2].conditions.iter().map(|condition| condition.n).collect();
    assert_eq!(halves, [2]);
}

#[test]
fn each_pair_of_replicates_waits_for_its_own_two_tickets_and_their_stop_rules_alone() {
    let folder = besides("[pipeline.within]\nuse = \"overlap\"\neach = \"imp\"\nwith = \"imp\"\n");
    let plan = planned(folder.path(), &["replicates=3", "pipeline.imp.stop={ accuracy_drop = 0.5 }"]);
    let pairs = plan.analyses.iter().map(|ticket| {
        let step = &plan.steps[ticket.step];
        let other = &plan.steps[step.other.unwrap()];
        let own = [step.replicate, other.replicate];
        assert!(step.gates.iter().all(|gate| own.contains(&plan.steps[gate.ticket].replicate)));
        assert_eq!(step.gates.len(), 2 * step.level.saturating_sub(1) as usize);
        (ticket.replicate, other.replicate, ticket.level)
    });
    let expected = [(1, 0), (2, 0), (2, 1)].map(|(one, other)| (0..4).map(move |level| (one, other, level)));
    let (mut pairs, mut expected) = (pairs.collect::<Vec<_>>(), expected.into_iter().flatten().collect::<Vec<_>>());
    pairs.sort();
    expected.sort();
    assert_eq!(pairs, expected);
    // One replicate has no pair: what is predicted of one is not judged, and the rest runs.
    let spec = folder.path().join("small/experiment.toml");
    let predicted = "[[prediction]]\nclaim = \"pairs differ\"\nexpect = \"within.overlap@level 1 < 100%\"\n";
    std::fs::write(&spec, std::fs::read_to_string(&spec).unwrap() + predicted).unwrap();
    assert!(planned(folder.path(), &["replicates=1"]).analyses.is_empty());
    run(folder.path(), &["--replicates", "1"]);
    let why = &tombola::report::judge(&study(folder.path()))[0].why.join("; ");
    assert_eq!(why, "within: it measured nothing, as one replicate has no pair");
}

#[test]
fn what_is_compared_with_a_diverged_training_does_not_run() {
    let folder = besides("[pipeline.compared]\nuse = \"overlap\"\neach = \"dense\"\nwith = \"late\"\n");
    let sgd = "pipeline.late.optimizer={ use = \"sgd\", learning_rate = 1e30 }";
    run(folder.path(), &["--replicates", "1", "--set", sgd]);
    let study = study(folder.path());
    assert_eq!(study.analyses.iter().map(|row| row.status.clone()).collect::<Vec<_>>(), [Status::FollowsDiverged]);
}
