//! Every plugin with every other: whatever the registry holds is put together, planned, run and recorded.

use std::fmt::Write;

use assert_cmd::Command;
use tombola::record::{Status, Study};
use tombola::registry::{Kind, Registry};

/// Every layer in one model, and a short training.
pub const BASE: &str = r#"
title = "Everything with everything"
question = "Does every plugin work with every other?"
dataset = { use = "mnist-10k" }

[model]
init = "glorot-normal"
layer = [
  { max-pool = { window = 7 } },
  { conv = { channels = 4 } },
  { batch-norm = {} },
  { relu = {} },
  { residual = { layers = [{ repeat = { times = 2, layers = [{ conv = { channels = 4, bias = false } }, { batch-norm = {} }] } }] } },
  { average-pool = {} },
  { residual = { layers = [{ conv = { channels = 8 } }], shortcut = [{ conv = { channels = 8, kernel = 1 } }] }, name = "block" },
  { global-average-pool = {} },
  { flatten = {} },
  { linear = { units = 8 }, name = "fc1" },
  { batch-norm = { affine = false } },
  { relu = {} },
  { dropout = { rate = 0.2 } },
  { linear = { units = "{classes}", bias = false }, name = "out" },
]

[training]
optimizer = { use = "sgd", learning_rate = 0.1 }
batch_size = 32
length = "6it"
evaluate = "3it"
"#;

/// What a plugin cannot do without, as its fields are written; of every plugin that needs something.
pub fn required(kind: Kind, name: &str) -> &'static str {
    match (kind, name) {
        (Kind::Optimizer, "adam") => "learning_rate = 1e-3, weight_decay = 1e-3",
        (Kind::Optimizer, "sgd") => "learning_rate = 0.1, momentum = 0.9, weight_decay = 1e-3",
        (Kind::Schedule, "step") => "at = [\"2it\", \"4it\"]",
        (Kind::Schedule, "warm-up") => "length = \"2it\", then = { use = \"cosine\" }",
        (Kind::Learn, "edge-popup") => "weights_remaining = 0.5",
        (Kind::Learn, "gradual") => "weights_remaining = 0.5, begin = \"1it\", end = \"4it\", every = \"2it\"",
        (Kind::Augment, "cutout") => "size = 8",
        (Kind::Stage, "connectivity") => "points = 3, length = \"12it\"",
        (Kind::Stage, "lottery") => "weights_remaining = 0.5, masks = 20, examples = 50, best_of = [2]",
        (Kind::Stage, "prune" | "prune-units") => "rate = 0.5",
        (Kind::Stage, "random-mask") => "weights_remaining = 0.5",
        (Kind::Stage, "rewind") => "to = \"3it\"",
        (Kind::Stage, "train") => "length = \"3it\", further = true",
        _ => "",
    }
}

/// A plugin as a spec names it, with what it cannot do without.
pub fn written(kind: Kind, name: &str) -> String {
    match required(kind, name) {
        "" => format!("{{ use = \"{name}\" }}"),
        fields => format!("{{ use = \"{name}\", {fields} }}"),
    }
}

pub fn names(registry: &Registry, kind: Kind) -> Vec<&'static str> {
    registry.abouts(kind).iter().map(|about| about.name).collect()
}

/// Every optimizer × schedule × what is learned, in one training each.
fn trainings(registry: &Registry, spec: &mut String) {
    for optimizer in names(registry, Kind::Optimizer) {
        for schedule in names(registry, Kind::Schedule) {
            for learn in names(registry, Kind::Learn) {
                let name = format!("train-{optimizer}-{schedule}-{learn}");
                let of = [(Kind::Optimizer, optimizer), (Kind::Schedule, schedule), (Kind::Learn, learn)];
                let [optimizer, schedule, learn] = of.map(|(kind, name)| written(kind, name));
                let train = format!("{{ optimizer = {optimizer}, schedule = {schedule}, learn = {learn} }}");
                let stages = format!("stage = [{{ init = {{}} }}, {{ train = {train} }}]");
                writeln!(spec, "[pipeline.{name}]\n{stages}").unwrap();
            }
        }
    }
}

/// Every augmentation × what is learned, after one another of its kind and with smoothed labels.
fn augmented(registry: &Registry, spec: &mut String) {
    for augment in names(registry, Kind::Augment) {
        for learn in names(registry, Kind::Learn) {
            let (list, learned) = (written(Kind::Augment, augment), written(Kind::Learn, learn));
            let train = format!("{{ augment = [\"flip\", {list}], label_smoothing = 0.1, learn = {learned} }}");
            let stages = format!("stage = [{{ init = {{}} }}, {{ train = {train} }}]");
            writeln!(spec, "[pipeline.augment-{augment}-{learn}]\n{stages}").unwrap();
        }
    }
}

/// Every initialiser × criterion × scope × control, from a ticket that is pruned once.
fn tickets(registry: &Registry, spec: &mut String) {
    for init in names(registry, Kind::Init) {
        for criterion in names(registry, Kind::Criterion) {
            for scope in ["layer", "global"] {
                let name = format!("{init}-{criterion}-{scope}");
                let imp = format!("use = \"imp\"\nlevels = 2\nprune_rate = 0.5\nscope = \"{scope}\"\nrewind = \"3it\"");
                writeln!(spec, "[pipeline.{name}]\n{imp}\ninit = \"{init}\"\ncriterion = \"{criterion}\"").unwrap();
                for control in ["reinitialise", "shuffle", "random-sparse"] {
                    writeln!(spec, "[pipeline.{name}-{control}]\nuse = \"{control}\"\neach = \"{name}\"").unwrap();
                }
            }
        }
    }
}

pub fn assert_has_every_layer(registry: &Registry) {
    let missing = names(registry, Kind::Layer).into_iter().find(|name| !BASE.contains(&format!("{{ {name} = ")));
    assert_eq!(missing, None, "a layer that the model of `BASE`, in tests/combinations.rs, has not");
}

#[test]
fn every_plugin_works_with_every_other() {
    let registry = Registry::builtin();
    assert_has_every_layer(&registry);
    let mut spec = BASE.to_string();
    trainings(&registry, &mut spec);
    augmented(&registry, &mut spec);
    tickets(&registry, &mut spec);
    let ticket = "glorot-normal-magnitude-global";
    for analysis in ["anatomy", "connectivity", "overlap"] {
        let with = if analysis == "overlap" { "with = \"train-adam-constant-edge-popup\"\n" } else { "" };
        writeln!(spec, "[pipeline.{analysis}]\nuse = \"{analysis}\"\neach = \"{ticket}\"\n{with}").unwrap();
    }
    spec += "[pipeline.lottery]\nuse = \"lottery\"\nmasks = 10\nbest_of = [1, 10]\n";
    spec += "[pipeline.masked]\nstage = [{ init = {} }, { random-mask = { weights_remaining = 0.5 } }, { evaluate = {} }]\n";
    spec += "[pipeline.units]\nuse = \"prune-units\"\nprune_rate = 0.5\nlevels = 2\n";
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("all")).unwrap();
    std::fs::write(folder.path().join("all/experiment.toml"), spec).unwrap();
    Command::new(env!("CARGO_BIN_EXE_tombola")).current_dir(&folder).args(["run", "all"]).assert().success();

    let records = std::fs::File::open(folder.path().join("reports/all/records.jsonl")).unwrap();
    let study = Study::read(std::io::BufReader::new(records)).unwrap();
    let combined = |kinds: &[Kind]| kinds.iter().map(|kind| names(&registry, *kind).len()).product::<usize>();
    let trainings = combined(&[Kind::Optimizer, Kind::Schedule, Kind::Learn]) + combined(&[Kind::Augment, Kind::Learn]);
    // Levels 0 to 2, and two forks of each control.
    let tickets = combined(&[Kind::Init, Kind::Criterion]) * 2 * (3 + 3 * 2);
    assert_eq!(study.rows.len(), trainings + tickets + 1 + 3);
    assert_eq!(study.analyses.len(), 3 * 3 + 1);
    assert!(study.analyses.iter().all(|row| row.status == Status::Done));
    for row in &study.rows {
        assert_eq!(row.status, Status::Done, "{} at level {}", row.pipeline, row.level);
        let expected = match (row.pipeline.contains("edge-popup"), row.pipeline.as_str(), row.level) {
            (true, ..) | (_, "masked", _) => 0.5,
            // 4 channels within a block and 8 neurons before the last layer can go; 432 of 788 weights make or read them.
            (_, "units", level) => (356.0 + 432.0 * 0.5f64.powi(level as i32)) / 788.0,
            (_, _, level) => 0.5f64.powi(level as i32),
        };
        assert!((row.weights_remaining() - expected).abs() < 1e-3, "{}: {}", row.pipeline, row.weights_remaining());
        assert!(row.scores().unwrap().validation_loss.is_finite(), "{}", row.pipeline);
    }
}
