//! The shipped experiments' predictions, judged on the shipped reports: what an experiment's README claims is so.

use std::path::{Path, PathBuf};

use tombola::record::Study;
use tombola::registry::Registry;
use tombola::report::{Judgement, Outcome, judge, tally};

fn shipped(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn text(path: &str) -> String {
    std::fs::read_to_string(shipped(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn study(experiment: &str) -> Study {
    Study::read(text(&format!("reports/{experiment}/records.jsonl")).as_bytes()).unwrap()
}

/// The claims that came out so.
fn claims<'a>(judged: &[Judgement<'a>], outcome: Outcome) -> Vec<&'a str> {
    judged.iter().filter(|judgement| judgement.outcome == outcome).map(|judgement| judgement.claim).collect()
}

/// Gates 6 to 12, 14 and 15 of the acceptance figures. Gate 8 fails by 0.014; its README says what else was seen of it.
#[test]
fn lenet_mnist_predicted_all_but_how_much_earlier_the_ticket_of_21_percent_stops() {
    let study = study("lenet-mnist");
    let judged = judge(&study);
    assert_eq!(tally(&judged), "9 hold, 1 fails");
    assert!(judged.iter().flat_map(|judgement| &judgement.conditions).all(|condition| condition.n == 3));
    let failed = judged.iter().find(|judgement| judgement.outcome == Outcome::Fails).unwrap();
    assert!(failed.claim.starts_with("the ticket at 21% stops"), "{}", failed.claim);
    assert!((0.85..0.87).contains(&failed.conditions[0].found), "{}", failed.conditions[0].found);
}

#[test]
fn quickstart_predicted_all_but_the_loss_of_controls_at_60_percent() {
    let study = study("quickstart");
    let judged = judge(&study);
    assert_eq!(tally(&judged), "6 hold, 2 fail");
    for judgement in judged.iter().filter(|judgement| judgement.outcome == Outcome::Fails) {
        assert!(judgement.claim.ends_with("lose more than half a point"), "{}", judgement.claim);
        let holds: Vec<bool> = judgement.conditions.iter().map(|condition| condition.holds).collect();
        assert_eq!(holds, [false, true, true, true], "{}", judgement.claim);
        // Short of half a point, and still 0.3.
        assert!(judgement.conditions[0].found >= 0.003, "{}: {}", judgement.claim, judgement.conditions[0].found);
    }
}

#[test]
fn a_larger_step_does_better_in_edge_popup_tuning_as_predicted() {
    let study = study("edge-popup-tuning");
    assert_eq!(claims(&judge(&study), Outcome::Holds).len(), study.header.predictions.len());
}

/// Gate 16 of the acceptance figures.
#[test]
fn random_labels_are_learned_by_heart_and_say_nothing_of_other_digits() {
    let study = study("random-labels");
    let judged = judge(&study);
    assert_eq!(tally(&judged), "3 hold, 0 fail");
    assert!(judged.iter().flat_map(|judgement| &judgement.conditions).all(|condition| condition.n == 3));
    let noise: Vec<&[String]> = study.header.other_datasets.iter().map(|other| &other.facts.recipe[..]).collect();
    assert!(noise.iter().all(|said| said[0].contains("The labels of 8000 training examples (100%)")), "{noise:?}");
}

#[test]
fn a_shipped_report_judges_the_predictions_of_its_experiment_as_they_are() {
    let reports = std::fs::read_dir(shipped("reports")).unwrap().map(|entry| entry.unwrap());
    let reported = reports.filter(|entry| entry.path().join("records.jsonl").is_file());
    let experiments: Vec<String> = reported.map(|entry| entry.file_name().into_string().unwrap()).collect();
    assert!(experiments.len() >= 12, "{experiments:?}");
    for experiment in &experiments {
        let folder = shipped(&format!("experiments/{experiment}"));
        let spec = tombola::spec::load(&folder, &Registry::builtin(), &[]).unwrap_or_else(|e| panic!("{e}"));
        let own: Vec<_> = spec.predictions.iter().map(|p| (p.claim.clone(), p.expect.to_string())).collect();
        let study = study(experiment);
        let reported: Vec<_> = study.header.predictions.iter().map(|p| (p.claim.clone(), p.expect.clone())).collect();
        assert_eq!(own, reported, "{experiment}: render its report again");
        let page = text(&format!("reports/{experiment}/index.html"));
        assert!(page.contains(&tally(&judge(&study))), "{experiment}: render its report again");
    }
}

/// The mean of a column over a pipeline's replicates at so many ‰ of weights, read from a report's table.
fn mean(table: &str, pipeline: &str, per_mille: u32, column: &str) -> f64 {
    let mut lines = table.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let columns = lines.next().unwrap();
    let place = |name: &str| columns.iter().position(|column| *column == name).unwrap();
    let at = |row: &Vec<&str>| (row[place("weights_remaining")].parse::<f64>().unwrap() * 1000.0).round() as u32;
    let rows = lines.filter(|row| row[place("pipeline")] == pipeline && at(row) == per_mille);
    let values: Vec<f64> = rows.map(|row| row[place(column)].parse().unwrap()).collect();
    assert_eq!(values.len(), 3);
    values.iter().sum::<f64>() / 3.0
}

#[test]
fn what_is_judged_are_the_means_of_results_csv() {
    let table = text("reports/lenet-mnist/results.csv");
    let study = study("lenet-mnist");
    let judged = judge(&study);
    let found = |claim: &str| -> Vec<f64> {
        let of_claim = judged.iter().filter(|judgement| judgement.claim.starts_with(claim));
        of_claim.flat_map(|judgement| judgement.conditions.iter().map(|condition| condition.found)).collect()
    };
    let accuracy = |pipeline, at| mean(&table, pipeline, at, "test_accuracy");
    let stop = |pipeline, at| mean(&table, pipeline, at, "early_stop_iteration");
    let near = |claim, expected: &[f64]| {
        let found = found(claim);
        assert_eq!(found.len(), expected.len(), "{claim}");
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{claim}: {found:?}, {expected:?}");
    };
    near("dense reaches", &[accuracy("dense", 1000)]);
    near("tickets at 21", &[211, 135, 87].map(|at| accuracy("imp", at) - accuracy("dense", 1000)));
    near("the ticket at 21% stops", &[stop("imp", 211) / stop("dense", 1000)]);
    near("at 13.5% the reinitialisation stops", &[stop("reinitialise", 135) / stop("imp", 135)]);
    near("the ticket at 3.6% beats a random mask", &[accuracy("imp", 36) - accuracy("random-sparse", 36)]);
    let popup = |at| accuracy("edge-popup", at);
    let best = popup(300).max(popup(500)).max(popup(700));
    near("the best edge-popup", &[best - popup(50).max(popup(950))]);
}

/// The values of a figure of a report's analyses: those of its points at `x`, "" of a number, by replicate.
fn measured(experiment: &str, pipeline: &str, level: u32, figure: &str, x: &str) -> Vec<f64> {
    let study = study(experiment);
    let rows = study.analyses.iter().filter(|row| row.pipeline == pipeline && row.level == level);
    let value = |row: &tombola::record::Row| {
        let measured = &row.record.as_ref().unwrap().measured;
        let figure = measured.iter().find(|own| own.name == figure).unwrap_or_else(|| panic!("{figure}: {measured:?}"));
        let place = |point: &&tombola::record::Point| match &point.at {
            None => x.is_empty(),
            Some(tombola::record::Place::At(at)) => at.to_string() == x,
            Some(tombola::record::Place::Of(name)) => name == x,
        };
        figure.points.iter().find(place).unwrap().value
    };
    rows.map(value).collect()
}

/// Gate 13.
#[test]
fn two_trainings_of_dense_lenet_that_differ_in_data_order_are_connected_from_iteration_0() {
    let barriers = |pipeline: &str, level| measured("connectivity", pipeline, level, "barrier", "");
    let dense = barriers("connectivity", 0);
    assert_eq!(dense.len(), 3);
    assert!(dense.iter().all(|barrier| *barrier < 0.02), "{dense:?}");
    assert!(measured("connectivity", "connectivity", 0, "accuracy at one end", "").iter().all(|end| *end > 0.96));
    for level in [3, 6] {
        let (ticket, shuffled) = (barriers("connectivity", level), barriers("connectivity-shuffled", level));
        assert!(ticket.iter().all(|barrier| *barrier < 0.02), "level {level}: {ticket:?}");
        assert_eq!(shuffled.len(), 3);
    }
}

/// Gate 17.
#[test]
fn the_best_of_s_masks_is_good_as_often_as_their_odds_say_over_new_networks_and_not_within_one() {
    let odds = |figure: &str, size: &str| measured("lottery-odds", "lottery", 0, figure, size);
    let q = odds("q over new networks", "");
    assert_eq!(q.len(), 5);
    assert!(q.iter().all(|q| (0.005..0.03).contains(q)), "{q:?}");
    for size in ["1", "10", "100"] {
        let deviations = odds("deviation, new networks", size);
        assert_eq!(deviations.len(), 5);
        assert!(deviations.iter().all(|deviation| deviation.abs() <= 3.0), "best of {size}: {deviations:?}");
    }
    assert_eq!(tally(&judge(&study("lottery-odds"))), "3 hold, 0 fail");
    let within = ["1", "10", "100"].map(|size| odds("deviation, one network", size)).concat();
    assert!(within.iter().any(|deviation| deviation.abs() > 3.0), "{within:?}");
}
