//! Every plugin on every device: whatever the registry holds is run on all devices that are built in, and compared.

use std::fmt::Write;

use tempfile::TempDir;
use tombola::dataset::Deaf;
use tombola::device::{self, Compute};
use tombola::plan::{Plan, plan};
use tombola::record::{Record, TrainingRecord};
use tombola::registry::{Kind, Registry};
use tombola::run::{self, Job, Limits, Shared, Store, Watch};
use tombola::spec::{self, Spec};
use tombola::ticket::Ticket;

use crate::combinations::{BASE, assert_has_every_layer, names, required, written};

/// What is compared with the CPU's kernels: libtorch where it is built in, and on any machine the CPU used as a device
/// whose memory is not the host's, by burn's own operations.
fn others() -> Vec<(&'static str, Compute)> {
    let elsewhere = device::open("cpu").unwrap().as_elsewhere();
    let libtorch = device::open("libtorch").ok();
    std::iter::once(("elsewhere", elsewhere)).chain(libtorch.map(|compute| ("libtorch", compute))).collect()
}

/// A pipeline for every plugin there is.
fn experiment(registry: &Registry) -> String {
    const DATA: &str = "dataset = { use = \"mnist-10k\" }";
    let few = "dataset = { use = \"mnist-10k\", subset = { train = 300, test = 100 }, validation = 100 }";
    assert!(BASE.contains(DATA));
    let mut spec = BASE.replace(DATA, few);
    let mut pipeline = |kind: Kind, name: &str, stages: &str| {
        let kind = format!("{kind:?}").to_lowercase();
        writeln!(spec, "[pipeline.{kind}-{name}]\nstage = [{{ init = {{}} }}, {stages}]").unwrap();
    };
    for (kind, field) in [(Kind::Optimizer, "optimizer"), (Kind::Schedule, "schedule"), (Kind::Learn, "learn")] {
        for name in names(registry, kind) {
            pipeline(kind, name, &format!("{{ train = {{ {field} = {} }} }}", written(kind, name)));
        }
    }
    for name in names(registry, Kind::Augment) {
        let augment = written(Kind::Augment, name);
        pipeline(Kind::Augment, name, &format!("{{ train = {{ augment = [{augment}], label_smoothing = 0.1 }} }}"));
    }
    for name in names(registry, Kind::Criterion) {
        let prune = format!("{{ prune = {{ rate = 0.5, criterion = {} }} }}", written(Kind::Criterion, name));
        pipeline(Kind::Criterion, name, &format!("{{ train = {{}} }}, {prune}, {{ evaluate = {{}} }}"));
    }
    for name in names(registry, Kind::Init) {
        let reinit = format!("{{ reinit = {{ init = {} }} }}", written(Kind::Init, name));
        pipeline(Kind::Init, name, &format!("{reinit}, {{ evaluate = {{}} }}"));
    }
    for name in names(registry, Kind::Stage).into_iter().filter(|name| !["init", "overlap"].contains(name)) {
        let stage = format!("{{ {name} = {{ {} }} }}", required(Kind::Stage, name));
        pipeline(Kind::Stage, name, &format!("{{ train = {{}} }}, {stage}, {{ evaluate = {{}} }}"));
    }
    // Of two tickets.
    let fork = "each = \"criterion-magnitude\"\nwith = \"learn-edge-popup\"\nwhen = \"trained\"";
    writeln!(spec, "[pipeline.stage-overlap]\n{fork}\nstage = [{{ overlap = {{}} }}]").unwrap();
    spec
}

struct Silent;

impl Watch for Silent {
    fn began(&self, _: Job) {}
    fn advanced(&self, _: Job, _: u64) {}
    fn ended(&self, job: Job, result: Result<&Record, &str>) {
        result.unwrap_or_else(|why| panic!("step {}: {why}", job.step));
    }
}

/// The experiment run on a device: its plan, and every step's record and ticket.
fn ran(spec: &Spec, registry: &Registry, compute: &Compute) -> (Plan, Vec<(Record, Ticket)>, TempDir) {
    let plan = plan(spec, registry, &compute.kind).unwrap_or_else(|errors| panic!("{errors}"));
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path());
    store.prepare().unwrap();
    let data = run::data::data(spec, registry, &[], &Deaf).unwrap();
    let provenance = run::provenance(&spec.folder, &spec.name, &compute.kind);
    let pipelines = plan.pipelines();
    let shared = Shared {
        plan: &plan,
        registry,
        data: &data,
        compute,
        store: &store,
        provenance: &provenance,
        pipelines: &pipelines,
        memory: None,
        checkpoint: None,
    };
    let recorded = vec![None; plan.steps.len()];
    run::run(&shared, &recorded, Limits { jobs: 2, threads: 2 }, &Silent, &false.into());
    let left = |id: &String| (store.stored(id).unwrap().record, store.ticket(id).unwrap());
    let left = plan.steps.iter().map(|step| left(&step.id)).collect();
    drop(pipelines);
    (plan, left, folder)
}

/// Rounding differs, and six iterations let it grow.
fn assert_close(place: &str, one: f64, other: f64) {
    assert!((one - other).abs() <= 0.02 * one.abs().max(0.1), "{place}: {other}, and {one} on the CPU's kernels");
}

#[test]
fn every_plugin_does_the_same_on_every_device() {
    let registry = Registry::builtin();
    assert_has_every_layer(&registry);
    let folder = tempfile::tempdir().unwrap();
    let everything = folder.path().join("everything");
    std::fs::create_dir(&everything).unwrap();
    std::fs::write(everything.join("experiment.toml"), experiment(&registry)).unwrap();
    let spec = spec::load(&everything, &registry, &[]).unwrap_or_else(|errors| {
        panic!("{errors}\nWhat a new plugin cannot do without is said by `required` in tests/combinations.rs.")
    });
    let (plan, cpu, _store) = ran(&spec, &registry, &device::open("cpu").unwrap());
    for (device, compute) in others() {
        let (_, other, _store) = ran(&spec, &registry, &compute);
        assert_eq!(cpu.len(), other.len());
        for ((step, (one, ticket)), (two, theirs)) in plan.steps.iter().zip(&cpu).zip(&other) {
            let place = format!("{device}, {}, {}", step.pipeline, one.stage);
            assert_eq!((&one.stage, &one.layers), (&two.stage, &two.layers), "{place}");
            if step.position == 0 && step.iterations == 0 {
                assert_eq!(ticket, theirs, "{place}: draws are made on the host");
            }
            if let (Some(one), Some(two)) = (&one.training, &two.training) {
                assert_same_way(&place, one, two);
            }
            if let (Some(one), Some(two)) = (&one.scores, &two.scores) {
                assert_close(&place, one.validation_loss, two.validation_loss);
                assert_close(&place, one.test_loss, two.test_loss);
            }
        }
    }
}

fn assert_same_way(place: &str, one: &TrainingRecord, two: &TrainingRecord) {
    assert_eq!((&one.curve.iteration, one.diverged), (&two.curve.iteration, two.diverged), "{place}");
    let losses = |of: &TrainingRecord| {
        of.curve.validation_loss.iter().chain(&of.curve.train_loss).map(|loss| loss.map(f64::from)).collect::<Vec<_>>()
    };
    for (one, two) in losses(one).into_iter().zip(losses(two)) {
        let (Some(one), Some(two)) = (one, two) else {
            assert_eq!(one, two, "{place}");
            continue;
        };
        assert_close(place, one, two);
    }
}
