//! An expectation's text → faults, or an expression that prints as it reads and is judged on made-up results.

use std::sync::OnceLock;

use tombola::prediction::{Named, check, parse};
use tombola::record::{
    About, DatasetFacts, EarlyStop, Header, Heading, LayerCount, Measured, ModelFacts, PredictionFacts, Provenance,
    Record, Row, Scores, Status, Study,
};
use tombola::report::judge;

use super::assert_harmless;

pub fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let expression = match parse(&text) {
        Ok(expression) => expression,
        Err(faults) => {
            assert!(!faults.is_empty());
            for fault in faults {
                assert!(text.get(fault.span.clone()).is_some(), "{:?} is no part of {text:?}", fault.span);
            }
            return;
        }
    };
    let print = expression.to_string();
    match parse(&print) {
        Ok(same) => assert_eq!(same.to_string(), print),
        Err(faults) => panic!("{text:?} prints as {print:?}, which cannot be read: {faults:?}"),
    }
    let headings = || Some(vec![Heading::number("barrier", "fraction"), Heading::series("odds", "fraction", "s")]);
    let named = ["dense", "imp", "line"].map(|pipeline| Named { pipeline, headings: headings() });
    let faults = check(&expression, &named);
    faults.iter().for_each(|fault| assert!(text.get(fault.span.clone()).is_some()));
    let mut study = study().clone();
    study.header.predictions = vec![PredictionFacts { claim: "fuzzed".into(), expect: print }];
    for judged in judge(&study) {
        judged.why.iter().for_each(|why| assert_harmless(&why.replace(['\t', '\r'], " ")));
    }
}

/// Two pipelines in three variants and replicates, each at four levels; one ticket has not run. One was measured.
fn study() -> &'static Study {
    static STUDY: OnceLock<Study> = OnceLock::new();
    STUDY.get_or_init(|| {
        let mut rows = Vec::new();
        for (variant, replicate, level) in
            (0..36).map(|n| (["", "width=0.5", "a \"b\""][n % 3], n as u32 / 3 % 3, n as u32 / 9))
        {
            rows.push(row("imp", variant, replicate, level));
            if level == 0 {
                rows.push(row("dense", variant, replicate, level));
            }
        }
        rows[7].status = Status::Missing;
        rows[7].record = None;
        let analyses = (0..2).map(|replicate| measured(row("line", "", replicate, 1))).collect();
        Study { header: head(), rows, analyses, shelf: None, verification: None }
    })
}

fn row(pipeline: &str, variant: &str, replicate: u32, level: u32) -> Row {
    let kept = 1000 >> level;
    Row {
        variant: variant.into(),
        pipeline: pipeline.into(),
        analysis: String::new(),
        replicate,
        other_replicate: None,
        level,
        draw: 0,
        branch: 0,
        kept_weights: kept,
        prunable_weights: 1000,
        early_stop: EarlyStop::ValidationLoss,
        status: Status::Done,
        broke_bound: false,
        step: format!("{pipeline}-{replicate}-{level}"),
        record: Some(Record {
            step: String::new(),
            stage: "train".into(),
            parent: None,
            layers: vec![LayerCount { name: "fc1".into(), kind: "linear".into(), kept, prunable: 1000 }],
            fingerprint: None,
            training: None,
            scores: Some(scores(0.9 + 0.001 * f64::from(replicate + level))),
            measured: Vec::new(),
            seconds: 1.0,
            provenance: Provenance::default(),
        }),
    }
}

fn measured(mut row: Row) -> Row {
    row.analysis = "lottery".into();
    if let Some(record) = &mut row.record {
        let odds = ["1", "10"].map(|s| (s.to_string(), 0.5));
        record.measured =
            vec![Measured::number("barrier", "fraction", 0.01), Measured::each("odds", "fraction", "s", odds)];
        record.scores = None;
    }
    row
}

fn scores(accuracy: f64) -> Scores {
    Scores {
        early_stop_iteration: 500,
        validation_loss: 0.1,
        validation_accuracy: Some(accuracy),
        test_loss: f64::NAN,
        test_accuracy: accuracy,
        final_train_accuracy: 1.0,
        final_validation_accuracy: Some(accuracy),
        final_test_accuracy: accuracy,
    }
}

fn head() -> Header {
    Header {
        experiment: "fuzzed".into(),
        title: String::new(),
        question: String::new(),
        seed: 1,
        replicates: 3,
        dataset: DatasetFacts {
            name: "dots".into(),
            summary: String::new(),
            licence: String::new(),
            citation: String::new(),
            classes: 10,
            train: 1,
            validation: 1,
            test: 1,
            normalisation: String::new(),
            recipe: Vec::new(),
            files: Vec::new(),
        },
        model: ModelFacts { name: "fc".into(), summary: String::new(), parameters: 1, prunable: 1, layers: Vec::new() },
        pipelines: Vec::new(),
        variants: Vec::new(),
        other_datasets: Vec::new(),
        other_models: Vec::new(),
        matching: -0.002,
        predictions: Vec::new(),
        about: About::default(),
        command: String::new(),
    }
}
