//! The trunk of `lenet-mnist`, IMP with its 16 levels, as it is run and with every weight held, masked: what sparse
//! layers save of a whole experiment, evaluation, pruning and storing included.
//!
//! `TOMBOLA_DATA=… cargo bench --bench trunk -- [ROUNDS] [ITERATIONS] [BATCH]` prints a line of JSON a level and form,
//! the forms in turn, and then the sums. One job of one thread.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tombola::learn::{Ground, Learn, LearnWeights, Learner};
use tombola::plan::plan;
use tombola::record::Record;
use tombola::registry::{Plugin, Registry};
use tombola::run::{self, Job, Limits, Shared, Store, Watch};
use tombola::ticket::Ticket;
use tombola::{device, spec};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// As `weights`, without telling that masks stay: every weight is held, and every one that is masked is multiplied.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct HeldWhole {}

impl Plugin for HeldWhole {
    const NAME: &'static str = "held-whole";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Weights move, masks stay, and masked weights are computed with";
}

impl Learn for HeldWhole {
    fn learns(&self) -> &'static str {
        "weights"
    }

    fn start(&self, ticket: &mut Ticket, ground: &Ground<'_>) -> Result<Box<dyn Learner>, String> {
        LearnWeights {}.start(ticket, ground)
    }
}

struct Silent;

impl Watch for Silent {
    fn began(&self, _: Job) {}
    fn advanced(&self, _: Job, _: u64) {}
    fn ended(&self, _: Job, _: Result<&Record, &str>) {}
}

fn main() -> Result<(), String> {
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let at = |place: usize, default: u64| numbers.get(place).copied().unwrap_or(default);
    let (rounds, iterations, batch) = (at(0, 2), at(1, 1000), at(2, 60));
    for round in 0..rounds {
        for form in ["weights", "held-whole"] {
            let levels = trunk(form, iterations, batch)?;
            let sparse: f64 = levels.iter().filter(|level| level.0 <= 0.25).map(|level| level.1).sum();
            let whole: f64 = levels.iter().map(|level| level.1).sum();
            for (remaining, seconds) in &levels {
                println!(
                    "{}",
                    json!({ "form": form, "round": round, "weights_remaining": remaining, "seconds": seconds })
                );
            }
            let rate = (levels.len() as u64 * iterations) as f64 / whole;
            let sums = json!({ "at or below 25%": sparse, "whole trunk": whole, "steps_per_s": rate.round() });
            println!("{}", json!({ "form": form, "round": round, "batch": batch, "seconds": sums }));
        }
    }
    Ok(())
}

/// Weights remaining and seconds of each level.
fn trunk(form: &str, iterations: u64, batch: u64) -> Result<Vec<(f64, f64)>, String> {
    let registry = Registry::builtin().learn::<HeldWhole>();
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("experiments/lenet-mnist");
    let set = [
        "replicates=1".to_string(),
        format!("training.length={iterations}it"),
        format!("training.batch_size={batch}"),
        format!("training.learn={form}"),
    ];
    let mut spec = spec::load(&folder, &registry, &set).map_err(|e| e.to_string())?;
    spec.variants[0].pipelines.retain(|name, _| name == "imp");
    let compute = device::open("cpu")?;
    let plan = plan(&spec, &registry, &compute.kind).map_err(|e| e.to_string())?;
    let directories: Vec<PathBuf> = std::env::var_os("TOMBOLA_DATA").map(PathBuf::from).into_iter().collect();
    let data =
        tombola::run::data::data(&spec, &registry, &directories, &tombola::dataset::Deaf).map_err(|e| e.to_string())?;
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let store = Store::open(folder.path());
    store.prepare()?;
    let provenance = run::provenance(&spec.folder, &spec.name, &compute.kind);
    let shared = Shared {
        plan: &plan,
        registry: &registry,
        data: &data,
        compute: &compute,
        store: &store,
        provenance: &provenance,
        pipelines: &plan.pipelines(),
        memory: None,
        checkpoint: None,
    };
    let recorded = run::recorded(&plan, &store);
    run::run(&shared, &recorded, Limits { jobs: 1, threads: 1 }, &Silent, &AtomicBool::new(false));
    let trained = plan.steps.iter().filter(|step| step.stage.name == "train");
    trained
        .map(|step| {
            let record = store.complete(&step.id).ok_or("a training failed")?;
            let (kept, prunable) = record.layers.iter().fold((0, 0), |(k, p), l| (k + l.kept, p + l.prunable));
            Ok((kept as f64 / prunable as f64, record.seconds))
        })
        .collect()
}
