//! LeNet-300-100 with Adam and batches of 60: training steps a second over one job and over two, as a run makes them.
//!
//! Prints a line of JSON for each, as the peers do.

use std::cell::Cell;
use std::path::Path;
use std::time::Instant;

use serde_json::json;
use tombola::dataset::Prepared;
use tombola::device::Compute;
use tombola::plan::{Plan, plan};
use tombola::registry::Registry;
use tombola::seed::{Purpose, Seeds};
use tombola::stage::{Train, Training};
use tombola::ticket::{Array, Ticket};
use tombola::train::{Bench, Start};
use tombola::{device, spec};

// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const STEPS: u64 = 3000;
/// Steps before the clock starts.
const WARM: u64 = 200;

struct Workload {
    registry: Registry,
    plan: Plan,
    data: Prepared,
    compute: Compute,
    training: Training,
}

fn main() -> Result<(), String> {
    let workload = Workload::load()?;
    for jobs in [1, 2] {
        let workload = &workload;
        let rates: Result<Vec<f64>, String> = std::thread::scope(|scope| {
            let started: Vec<_> = (0..jobs).map(|replicate| scope.spawn(move || workload.job(replicate))).collect();
            started.into_iter().map(|job| job.join().map_err(|_| "a job panicked")?).collect()
        });
        let rate: f64 = rates?.iter().sum();
        let peer = concat!("tombola ", env!("CARGO_PKG_VERSION"));
        println!("{}", json!({ "peer": peer, "workload": "lenet-adam", "steps_per_s": rate.round(), "jobs": jobs }));
    }
    Ok(())
}

impl Workload {
    fn load() -> Result<Workload, String> {
        let registry = Registry::builtin();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/quickstart");
        let spec = spec::load(&folder, &registry, &[]).map_err(|e| e.to_string())?;
        let compute = device::open("cpu")?;
        let plan = plan(&spec, &registry, &compute.kind).map_err(|e| e.to_string())?;
        let data = Prepared::load(&spec.dataset, spec.seed, &registry, &[])?;
        let training = training(&plan, &registry, data.split.train.len() as u64)?;
        Ok(Workload { registry, plan, data, compute, training })
    }

    /// Steps a second of one training on one thread, as a run's worker makes them.
    fn job(&self, replicate: u32) -> Result<f64, String> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().map_err(|e| e.to_string())?;
        pool.install(|| self.steps_a_second(replicate))
    }

    fn steps_a_second(&self, replicate: u32) -> Result<f64, String> {
        let clock = Cell::new(Instant::now());
        let progress = |done| {
            if done == WARM {
                clock.set(Instant::now());
            }
            true
        };
        let Workload { registry, plan, data, compute, training } = self;
        let bench = Bench { model: &plan.model, data, compute, registry, progress: &progress };
        let seeds = Seeds { seed: 1, replicate: Some(replicate) };
        let start = Start { position: 0, seeds, snapshots: &[] };
        bench.replay(ticket(plan, seeds), training, &start, STEPS).map_err(|e| e.to_string())?;
        Ok((STEPS - WARM) as f64 / clock.get().elapsed().as_secs_f64())
    }
}

/// The spec's dense training, without evaluations on the way.
fn training(plan: &Plan, registry: &Registry, examples: u64) -> Result<Training, String> {
    let step = plan.steps.iter().find(|step| step.stage.name == "train").ok_or("no training is planned")?;
    let config = step.stage.config.clone();
    let train: Train = serde_json::from_value(config).map_err(|e| e.to_string())?;
    let mut training = train.resolve(registry, examples)?;
    (training.total, training.evaluate) = (STEPS + 1, STEPS + 1);
    Ok(training)
}

fn ticket(plan: &Plan, seeds: Seeds) -> Ticket {
    let mut ticket = Ticket::default();
    for param in &plan.model.params {
        let mut stream = seeds.stream(Purpose::Init, &param.name);
        let values = (0..param.len()).map(|_| 0.1 * (stream.uniform() as f32 - 0.5)).collect();
        ticket.arrays.insert(param.name.clone(), Array { shape: param.shape.clone(), values });
    }
    ticket
}
