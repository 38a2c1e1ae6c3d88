//! Training steps a second, by workload: as a run makes them, data order, batches and optimizer included.
//!
//! `cargo bench --bench steps -- [WORKLOAD…] [--jobs N] [--threads N] [--device NAME] [--seconds S]`
//!
//! A workload is one of the peers' names, `conv4-adam`, or one of them at a density: `lenet-adam@5%`. Prints a line of
//! JSON for each, as the peers do; the rates of jobs that run at once are added.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tombola::dataset::{Dataset, Examples, Prepared};
use tombola::device::{self, Compute};
use tombola::mask::Mask;
use tombola::model::Model;
use tombola::plan;
use tombola::registry::Registry;
use tombola::seed::{Purpose, Seeds};
use tombola::spec;
use tombola::stage::{Train, Training};
use tombola::ticket::{Array, Ticket};
use tombola::train::{Bench, Start};

// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const DEFAULT: [&str; 7] =
    ["lenet-adam", "lenet-sgd", "conv2-adam", "conv6-adam", "resnet20-sgd", "popup-conv2", "popup-lenet"];

fn main() -> Result<(), String> {
    let options = Options::read(std::env::args().skip(1))?;
    for name in &options.workloads {
        let workload = Workload::load(name, &options)?;
        let rate = workload.steps_a_second(&options)?;
        let line = json!({
            "peer": concat!("tombola ", env!("CARGO_PKG_VERSION")),
            "workload": name,
            "steps_per_s": (rate * 100.0).round() / 100.0,
            "jobs": options.jobs,
            "threads": options.threads,
            "device": options.device,
            "peak_mb": peak_megabytes(),
        });
        println!("{line}");
    }
    Ok(())
}

struct Options {
    workloads: Vec<String>,
    jobs: u32,
    /// Of each job.
    threads: usize,
    device: String,
    seconds: f64,
}

impl Options {
    fn read(arguments: impl Iterator<Item = String>) -> Result<Options, String> {
        let mut options = Options { workloads: Vec::new(), jobs: 1, threads: 1, device: "cpu".into(), seconds: 4.0 };
        let mut arguments = arguments.filter(|argument| argument != "--bench");
        while let Some(argument) = arguments.next() {
            let mut number = || arguments.next().and_then(|n| n.parse::<f64>().ok()).ok_or(format!("{argument} N"));
            match argument.as_str() {
                "--jobs" => options.jobs = number()? as u32,
                "--threads" => options.threads = number()? as usize,
                "--seconds" => options.seconds = number()?,
                "--device" => options.device = arguments.next().ok_or("--device NAME")?,
                _ => options.workloads.push(argument),
            }
        }
        if options.workloads.is_empty() {
            options.workloads = DEFAULT.map(String::from).into();
        }
        Ok(options)
    }
}

/// What a workload's name stands for: model, batch, optimizer, what is learned, and the share of weights kept.
fn described(name: &str) -> Result<(&'static str, usize, Value, Value, f64), String> {
    let (base, kept) = match name.split_once('@') {
        Some((base, kept)) => (base, kept.trim_end_matches('%').parse::<f64>().map_err(|e| e.to_string())? / 100.0),
        None => (name, 1.0),
    };
    let used = |name: &str, config: Value| json!({ "use": name, "config": config, "version": 1 });
    let adam = used("adam", json!({ "learning_rate": 1.2e-3 }));
    let sgd = used("sgd", json!({ "learning_rate": 0.01, "momentum": 0.9, "weight_decay": 1e-4 }));
    let weights = used("weights", json!({}));
    let popup = used("edge-popup", json!({ "weights_remaining": 0.5 }));
    Ok(match base {
        "lenet-adam" => ("lenet-300-100", 60, adam, weights, kept),
        "lenet-sgd" => ("lenet-300-100", 60, sgd, weights, kept),
        "conv2-adam" => ("conv-2", 60, adam, weights, kept),
        "conv4-adam" => ("conv-4", 60, adam, weights, kept),
        "conv6-adam" => ("conv-6", 60, adam, weights, kept),
        "resnet20-sgd" => ("resnet-20", 128, sgd, weights, kept),
        "popup-conv2" => ("conv-2", 60, sgd, popup, kept),
        "popup-lenet" => ("lenet-300-100", 60, sgd, popup, kept),
        _ => return Err(format!("{name:?} is not a workload: choose among {}, conv4-adam", DEFAULT.join(", "))),
    })
}

struct Workload {
    registry: Registry,
    model: Model,
    data: Prepared,
    compute: Compute,
    training: Training,
    kept: f64,
}

impl Workload {
    fn load(name: &str, options: &Options) -> Result<Workload, String> {
        let (model, batch, optimizer, learn, kept) = described(name)?;
        let registry = Registry::builtin();
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/quickstart");
        let set = [format!("model={{ use = {model:?} }}")];
        let mut spec = spec::load(&folder, &registry, &set).map_err(|e| e.to_string())?;
        let (shape, examples) = if model == "lenet-300-100" { ([1, 28, 28], 8192) } else { ([3, 32, 32], 1024) };
        let variant = &mut spec.variants[0];
        variant.dataset.shape = shape;
        variant.dataset.validation = 24;
        variant.dataset.normalise = spec::Normalise { mean: vec![0.0; shape[0]], std: vec![1.0; shape[0]] };
        let dataset = Dataset { train: noise(shape, examples), test: noise(shape, 10) };
        let config = json!({
            "optimizer": optimizer, "learn": learn, "batch_size": batch, "length": "1000000it", "evaluate": "1000000it",
        });
        let train: Train = serde_json::from_value(config).map_err(|e| e.to_string())?;
        Ok(Workload {
            model: plan::model(variant, &registry).map_err(|e| e.to_string())?,
            data: Prepared::of(dataset, &variant.dataset, variant.seed)?,
            compute: device::open(&options.device)?,
            training: train.resolve(&registry, examples as u64 - 24, 0).map_err(|e| e.to_string())?,
            registry,
            kept,
        })
    }

    /// The added rates of the jobs.
    fn steps_a_second(&self, options: &Options) -> Result<f64, String> {
        std::thread::scope(|scope| {
            let job = |replicate| scope.spawn(move || self.job(replicate, options));
            let jobs: Vec<_> = (0..options.jobs).map(job).collect();
            jobs.into_iter().map(|job| job.join().map_err(|_| "a job panicked")?).sum()
        })
    }

    fn job(&self, replicate: u32, options: &Options) -> Result<f64, String> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(options.threads).build().map_err(|e| e.to_string())?;
        pool.install(|| self.rate(replicate, Duration::from_secs_f64(options.seconds)))
    }

    /// Steps a second of one training, after a tenth of the time has passed.
    fn rate(&self, replicate: u32, time: Duration) -> Result<f64, String> {
        let begun = Instant::now();
        let warm = std::cell::Cell::new(None);
        let last = std::cell::Cell::new((0, begun));
        let progress = |done| {
            let now = Instant::now();
            if warm.get().is_none() && now - begun > time / 10 {
                warm.set(Some((done, now)));
            }
            last.set((done, now));
            now - begun < time
        };
        let Workload { registry, model, data, compute, training, .. } = self;
        let bench = Bench::new(model, data, compute, registry, &progress);
        let seeds = Seeds { seed: 1, replicate: Some(replicate) };
        let start = Start { position: 0, seeds, snapshots: &[] };
        let ended = bench.train(self.ticket(seeds), training, &start);
        match (ended, warm.get(), last.get()) {
            (Err(tombola::stage::Failure::Interrupted), Some((before, from)), (after, to)) if after > before => {
                Ok((after - before) as f64 / (to - from).as_secs_f64())
            }
            (Err(error), ..) => Err(error.to_string()),
            (Ok(_), ..) => Err("the training came to its end: it diverged".into()),
        }
    }

    fn ticket(&self, seeds: Seeds) -> Ticket {
        let mut ticket = Ticket::default();
        for param in &self.model.params {
            let mut stream = seeds.stream(Purpose::Init, &param.name);
            let start = param.role.start();
            let draw = |_| start.unwrap_or_else(|| 0.1 * (stream.uniform() as f32 - 0.5));
            let values = (0..param.len()).map(draw).collect();
            ticket.arrays.insert(param.name.clone(), Array { shape: param.shape.clone(), values });
        }
        for (param, _) in self.model.prunable() {
            let mut order: Vec<usize> = (0..param.len()).collect();
            seeds.stream(Purpose::Shuffle, &param.name).shuffle(&mut order);
            let kept = (param.len() as f64 * self.kept).round() as usize;
            let mut mask = Mask::ones(param.len());
            order[kept..].iter().for_each(|index| mask.remove(*index));
            ticket.masks.insert(param.name.clone(), mask);
        }
        ticket.apply_masks();
        ticket
    }
}

fn noise(shape: [usize; 3], examples: usize) -> Examples {
    let mut stream = Seeds { seed: 7, replicate: None }.stream(Purpose::Noise, "pixels");
    let pixels: Vec<u8> = (0..examples * shape.iter().product::<usize>()).map(|_| stream.below(256) as u8).collect();
    Examples { shape, pixels: pixels.into(), labels: (0..examples).map(|_| stream.below(10) as u16).collect() }
}

/// The most memory that this process has held so far, where Linux tells it.
fn peak_megabytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kilobytes| kilobytes / 1024)
}
