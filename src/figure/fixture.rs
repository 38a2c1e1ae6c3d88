//! A study as the quickstart's, with figures made up, for the tests of figures.

use crate::figure::Drawing;
use crate::record::*;
use crate::registry::{Kind, Registry, Use};

const PRUNABLE: usize = 1024;

/// Five pipelines, three replicates, ten IMP levels that remove a fifth each.
pub(crate) fn study() -> Study {
    let mut rows = Vec::new();
    for replicate in 0..3 {
        let spread = [0.0, 0.003, -0.002][replicate as usize];
        rows.push(scored(row("dense", replicate, 0, PRUNABLE), 0.965 + spread, 1000));
        let mut kept = PRUNABLE;
        for level in 0..10 {
            let gain = 0.004 - 0.0002 * f64::from(level).powi(2);
            rows.push(scored(row("imp", replicate, level, kept), 0.965 + spread + gain, 1000 - 60 * u64::from(level)));
            if level > 0 {
                let loss = 0.002 * f64::from(level);
                let later = 1000 + 50 * u64::from(level + replicate);
                let reinitialised = row("reinitialise", replicate, level, kept);
                rows.push(scored(reinitialised, 0.965 - spread - loss, later));
                let random = row("random-sparse", replicate, level, kept);
                rows.push(scored(random, 0.962 - spread - 1.5 * loss, later + 100));
            }
            kept -= (kept + 2) / 5;
        }
        for (level, kept) in [256, 512, 768].into_iter().enumerate() {
            let mut found = scored(row("edge-popup", replicate, level as u32, kept), 0.93 + spread, 1200);
            found.record.as_mut().unwrap().training.as_mut().unwrap().learned = "mask".into();
            rows.push(found);
        }
    }
    Study { header: header(), rows, analyses: Vec::new(), shelf: None, verification: None }
}

/// A sweep of it over two widths, with analyses, of which every figure that ships has something to draw.
pub(crate) fn everything() -> Study {
    let mut study = study();
    let rows = std::mem::take(&mut study.rows);
    let connectivity = |replicate| {
        let mut row = analysis("connectivity", replicate, 1);
        row.record.as_mut().unwrap().measured[1].name = "test error".into();
        row
    };
    let analyses =
        (0..2).flat_map(|r| [lottery(r, 0.01), overlap(r, 1, 0.5, 0.4), overlap(r, 2, 0.3, 0.2), connectivity(r)]);
    let analyses: Vec<Row> = analyses.collect();
    let expect = "imp.final_train_accuracy@last >= 0.9".into();
    study.header.predictions = vec![PredictionFacts { claim: "It still fits".into(), expect }];
    for width in ["0.5", "1.0"] {
        let variant = format!("width={width}");
        let of_variant = |row: &Row| Row { variant: variant.clone(), ..row.clone() };
        study.rows.extend(rows.iter().map(of_variant));
        study.analyses.extend(analyses.iter().map(of_variant));
        let settings = vec![("model.width".to_string(), width.to_string())];
        study.header.variants.push(VariantFacts { name: variant.clone(), settings, parameters: 1, prunable: 1 });
    }
    study
}

/// Every figure that ships, drawn of `study`.
pub(crate) fn drawings(study: &Study) -> Vec<Drawing> {
    let registry = Registry::builtin();
    let build = |name: &str| {
        let used = Use { name: name.into(), config: serde_json::json!({}), version: 1 };
        registry.figures.build(&used).unwrap().draw(study)
    };
    registry.abouts(Kind::Figure).into_iter().filter_map(|about| build(about.name)).collect()
}

/// A ticket of 1024 prunable weights that has not run yet.
pub(crate) fn row(pipeline: &str, replicate: u32, level: u32, kept_weights: usize) -> Row {
    Row {
        variant: String::new(),
        pipeline: pipeline.into(),
        analysis: String::new(),
        replicate,
        other_replicate: None,
        level,
        draw: 0,
        branch: 0,
        kept_weights,
        prunable_weights: PRUNABLE,
        early_stop: EarlyStop::default(),
        status: Status::Missing,
        broke_bound: false,
        step: format!("{pipeline}-{replicate}-{level}"),
        record: None,
    }
}

/// The same, with the scores of a training whose accuracy went from 10% up to `accuracy`.
pub(crate) fn scored(row: Row, accuracy: f64, early_stop_iteration: u64) -> Row {
    let iteration: Vec<u64> = (0..=30).map(|i| i * 50).collect();
    let rise = |i: &u64| Some((0.1 + (accuracy - 0.1) * (1.0 - (-(*i as f64) / 50.0).exp())) as f32);
    let curve = Curve {
        train_loss: vec![None; iteration.len()],
        train_accuracy: vec![None; iteration.len()],
        validation_loss: vec![None; iteration.len()],
        validation_accuracy: iteration.iter().map(rise).collect(),
        iteration,
    };
    let count = |name: &str, kept, prunable| LayerCount { name: name.into(), kind: "linear".into(), kept, prunable };
    let output = row.kept_weights.isqrt() * 8;
    let record = Record {
        step: row.step.clone(),
        stage: "train".into(),
        parent: None,
        layers: vec![count("fc1.weight", row.kept_weights - output, 768), count("fc2.weight", output, 256)],
        fingerprint: None,
        training: Some(TrainingRecord { learned: "weights".into(), from: 0, to: 1500, curve, diverged: None }),
        scores: Some(Scores {
            early_stop_iteration,
            validation_loss: 0.1,
            validation_accuracy: Some(accuracy),
            test_loss: 0.1,
            test_accuracy: accuracy,
            final_train_accuracy: 1.0,
            final_validation_accuracy: Some(accuracy),
            final_test_accuracy: accuracy,
        }),
        measured: Vec::new(),
        seconds: 1.0,
        provenance: Provenance::default(),
    };
    Row { status: Status::Done, record: Some(record), ..row }
}

/// What an analysis of two figures measured, made up.
pub(crate) fn analysis(pipeline: &str, replicate: u32, level: u32) -> Row {
    let row = scored(row(pipeline, replicate, level, PRUNABLE >> level), 0.9, 100);
    let measured = vec![
        Measured::number("barrier", "fraction", 0.01 + 0.001 * f64::from(replicate)),
        Measured::curve("error", "fraction", "position on the line", [(0.0, 0.02), (0.5, 0.03), (1.0, 0.02)]),
    ];
    let record = row.record.map(|record| Record { training: None, scores: None, measured, ..record });
    Row { analysis: pipeline.into(), record, ..row }
}

/// What the stage `lottery` leaves of so good a mask, made up.
pub(crate) fn lottery(replicate: u32, q: f64) -> Row {
    let mut row = analysis("lottery", replicate, 0);
    let each = |name: &str, values: [f64; 2]| {
        Measured::each(name, "fraction", "s", ["1", "100"].map(String::from).into_iter().zip(values))
    };
    row.record.as_mut().unwrap().measured = vec![
        Measured::number("threshold", "fraction", 0.18),
        Measured::number("q over new networks", "fraction", q),
        each("best of s, predicted", [q, 1.0 - (1.0 - q).powi(100)]),
        each("best of s, new networks", [q, 0.5]),
        each("best of s, one network", [0.0, 0.25]),
        Measured::curve("accuracy, new networks", "fraction", "quantile", [(0.0, 0.05), (0.5, 0.1), (1.0, 0.3)]),
        Measured::curve("accuracy, one network", "fraction", "quantile", [(0.0, 0.1), (0.5, 0.1), (1.0, 0.1)]),
    ];
    row
}

/// What the stage `overlap` leaves, made up.
pub(crate) fn overlap(replicate: u32, level: u32, found: f64, chance: f64) -> Row {
    let mut row = analysis("overlap", replicate, level);
    let number = |name, value| Measured::number(name, "fraction", value);
    row.record.as_mut().unwrap().measured = vec![number("overlap", found), number("overlap by chance", chance)];
    row
}

fn header() -> Header {
    let pipeline = |name: &str, each: Option<&str>, learns: &str| PipelineFacts {
        name: name.into(),
        uses: name.into(),
        summary: String::new(),
        source: String::new(),
        each: each.map(String::from),
        learns: learns.into(),
        stages: Vec::new(),
    };
    Header {
        experiment: "quickstart".into(),
        title: "Quickstart".into(),
        question: String::new(),
        seed: 1,
        replicates: 3,
        dataset: DatasetFacts {
            name: "mnist-10k".into(),
            summary: String::new(),
            licence: String::new(),
            citation: String::new(),
            classes: 10,
            train: 8000,
            validation: 1000,
            test: 1000,
            recipe: Vec::new(),
            normalisation: "pixel ÷ 255".into(),
            files: Vec::new(),
        },
        model: ModelFacts {
            name: "lenet-300-100".into(),
            summary: String::new(),
            parameters: PRUNABLE,
            prunable: PRUNABLE,
            layers: Vec::new(),
        },
        pipelines: vec![
            pipeline("dense", None, "weights"),
            pipeline("imp", None, "weights"),
            pipeline("reinitialise", Some("imp"), "weights"),
            pipeline("random-sparse", Some("imp"), "weights"),
            pipeline("edge-popup", None, "mask"),
        ],
        variants: Vec::new(),
        other_datasets: Vec::new(),
        other_models: Vec::new(),
        matching: -0.002,
        predictions: Vec::new(),
        about: About::default(),
        command: "tombola run experiments/quickstart".into(),
    }
}
