//! What a training step is made of, piece by piece, and the machine's ceiling beside it.
//!
//! `cargo bench --bench parts -- [PART…]` prints a line of JSON for each part whose name begins so: the least and the
//! median time of a call, on one thread, and GFLOP/s where the part multiplies.

use std::hint::black_box;
use std::time::{Duration, Instant};

use serde_json::json;
use tombola::dataset::Examples;
use tombola::dataset::batch::Gather;
use tombola::kernel::conv::Conv;
use tombola::kernel::gradient::Whole;
use tombola::kernel::linear::Linear;
use tombola::kernel::ops::Convolve;
use tombola::kernel::sparse::conv::SparseConv;
use tombola::kernel::sparse::linear::SparseLinear;
use tombola::kernel::sparse::ops::{ConvStep, LinearStep};
use tombola::kernel::{Op, top_k};
use tombola::optimizer::{Kept, Optimizer};
use tombola::registry::{Registry, Use};
use tombola::seed::{Purpose, Seeds};
use tombola::{device, plan, spec};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long each part is called again and again.
const TIME: Duration = Duration::from_millis(700);

fn main() -> Result<(), String> {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let parts = Parts { wanted };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().map_err(|e| e.to_string())?;
    pool.install(|| {
        parts.ceiling();
        parts.linear();
        parts.convolutions();
        parts.edge_popup();
        parts.optimizers();
        parts.gathering();
        parts.planning()
    })
}

struct Parts {
    wanted: Vec<String>,
}

impl Parts {
    /// Times a part, if it is wanted.
    fn time(&self, name: &str, flop: f64, mut part: impl FnMut()) {
        if !self.wanted.is_empty() && !self.wanted.iter().any(|wanted| name.starts_with(wanted.as_str())) {
            return;
        }
        let (begun, mut times) = (Instant::now(), Vec::new());
        while begun.elapsed() < TIME || times.len() < 3 {
            let start = Instant::now();
            part();
            times.push(start.elapsed().as_secs_f64());
        }
        times.sort_by(f64::total_cmp);
        let (least, median) = (times[0], times[times.len() / 2]);
        let micros = |seconds: f64| (seconds * 1e7).round() / 10.0;
        let rate = (flop > 0.0).then(|| (flop / least / 1e9).round());
        let line = json!({ "part": name, "least_us": micros(least), "median_us": micros(median), "gflop_s": rate });
        println!("{line}");
    }

    /// A product whose factors stay in the nearest caches: what the multiplier can do at most.
    fn ceiling(&self) {
        let layer = Linear { batch: 96, inputs: 64, units: 64, relu: false };
        self.forward("ceiling: 96×64 by 64×64", &layer, [96 * 64, 64 * 64, 0], 2.0 * 96.0 * 64.0 * 64.0);
    }

    fn linear(&self) {
        for (inputs, units) in [(784, 300), (300, 100), (100, 10), (16384, 256)] {
            let layer = Linear { batch: 60, inputs, units, relu: true };
            let flop = 2.0 * 60.0 * (inputs * units) as f64;
            let name = format!("linear {inputs}→{units}");
            self.both(&name, &layer, [60 * inputs, inputs * units, units], flop);
            for percent in [20, 5, 2] {
                let few = SparseLinear::new(inputs, units, some(inputs * units, percent).into_iter());
                let kept = few.kept();
                let step = LinearStep::new(few.into(), 60, units, true);
                let flop = 2.0 * 60.0 * kept as f64;
                self.both(&format!("{name} at {percent}%"), &step, [60 * inputs, kept, units], flop);
            }
        }
    }

    fn convolutions(&self) {
        for (inputs, outputs, side, batch) in
            [(3, 64, 32, 60), (64, 64, 32, 60), (128, 128, 16, 60), (256, 256, 8, 60), (16, 16, 32, 128)]
        {
            let conv = Conv { batch, inputs, height: side, width: side, outputs, kernel: 3, stride: 1, padding: 1 };
            let flop = 2.0 * (conv.output_len() * inputs * 9) as f64;
            let name = format!("conv {inputs}→{outputs} at {side}×{side}");
            let lens = [conv.input_len(), conv.weight_len(), outputs];
            self.both(&name, &Convolve { conv, relu: true }, lens, flop);
            let few = SparseConv::new(conv, some(conv.weight_len(), 5).into_iter());
            let kept = few.kept();
            let step = ConvStep { layer: few.into(), conv, relu: true };
            self.both(&format!("{name} at 5%"), &step, [lens[0], kept, outputs], flop * 0.05);
        }
    }

    fn both(&self, name: &str, op: &dyn Op, lens: [usize; 3], flop: f64) {
        self.forward(&format!("{name}, forward"), op, lens, flop);
        let [x, weight, bias] = lens.map(numbers);
        let mut y = vec![0.0; op.shape().iter().product()];
        let mut gradients = lens.map(|len| vec![0.0; len]);
        self.time(&format!("{name}, forward and backward"), 3.0 * flop, || {
            op.forward([&x, &weight, &bias], &mut y);
            let mut dy = y.clone();
            op.backward([&x, &weight, &bias], &y, &mut dy, gradients.each_mut().map(|g| Some(&mut g[..])));
            black_box(&gradients);
        });
    }

    fn forward(&self, name: &str, op: &dyn Op, lens: [usize; 3], flop: f64) {
        let [x, weight, bias] = lens.map(numbers);
        let mut y = vec![0.0; op.shape().iter().product()];
        self.time(name, flop, || {
            op.forward([&x, &weight, &bias], &mut y);
            black_box(&y);
        });
    }

    fn edge_popup(&self) {
        for len in [266_200, 4_300_992] {
            let scores = numbers(len);
            let (mut scratch, mut select) = (top_k::Scratch::default(), Vec::new());
            self.time(&format!("top-k of {len}"), 0.0, || {
                top_k::select_largest(&scores, len / 2, &mut scratch, &mut select);
                black_box(&select);
            });
        }
    }

    fn optimizers(&self) {
        let registry = Registry::builtin();
        for (name, config) in [
            ("adam", json!({ "learning_rate": 1e-4 })),
            ("sgd", json!({ "learning_rate": 1e-4, "momentum": 0.9, "weight_decay": 1e-4 })),
        ] {
            let used = Use { name: name.into(), config, version: 1 };
            let Ok(optimizer) = registry.optimizers.build(&used) else { continue };
            self.optimizer(name, &*optimizer);
        }
    }

    /// 266,200 weights, once with gradients that live and once after a thousand steps without any in one weight of eight:
    /// moments that became subnormal would slow the processor down.
    fn optimizer(&self, name: &str, optimizer: &dyn Optimizer) {
        const LEN: usize = 266_200;
        let (mut values, mut gradient) = (numbers(LEN), numbers(LEN));
        let mut stepper = optimizer.start(&[LEN]);
        self.time(&format!("{name} on {LEN}"), 0.0, || {
            stepper.step(0, 1e-4, &mut values, &Whole(&gradient), Kept::All)
        });
        gradient.iter_mut().step_by(8).for_each(|g| *g = 0.0);
        (0..1000).for_each(|_| stepper.step(0, 1e-4, &mut values, &Whole(&gradient), Kept::All));
        self.time(&format!("{name} on {LEN}, one in eight without a gradient for long"), 0.0, || {
            stepper.step(0, 1e-4, &mut values, &Whole(&gradient), Kept::All);
        });
    }

    fn gathering(&self) {
        for (name, shape) in [("28×28", [1, 28, 28]), ("3×32×32", [3, 32, 32])] {
            let size: usize = shape.iter().product();
            let examples = Examples { shape, pixels: vec![7; 8192 * size].into(), labels: vec![0; 8192] };
            let normalise = spec::Normalise { mean: vec![0.1; shape[0]], std: vec![0.3; shape[0]] };
            let Ok(gather) = Gather::new(&normalise, shape[0]) else { continue };
            let mut stream = Seeds { seed: 1, replicate: None }.stream(Purpose::DataOrder, name);
            let mut out = Vec::new();
            self.time(&format!("gathering 60 of {name}"), 0.0, || {
                let indices: Vec<u32> = (0..60).map(|_| stream.below(8192) as u32).collect();
                gather.pixels(&examples, &indices, &mut out);
                black_box(&out);
            });
        }
    }

    fn planning(&self) -> Result<(), String> {
        let registry = Registry::builtin();
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/lenet-mnist-full");
        let spec = spec::load(&folder, &registry, &[]).map_err(|e| e.to_string())?;
        let kind = device::open("cpu")?.kind;
        self.time("planning lenet-mnist-full", 0.0, || drop(black_box(plan::plan(&spec, &registry, &kind))));
        Ok(())
    }
}

fn numbers(len: usize) -> Vec<f32> {
    let mut stream = Seeds { seed: 1, replicate: None }.stream(Purpose::Noise, "numbers");
    (0..len).map(|_| stream.uniform() as f32 - 0.5).collect()
}

/// `percent` of the indices below `len`, at random, rising.
fn some(len: usize, percent: u64) -> Vec<usize> {
    let mut stream = Seeds { seed: 2, replicate: None }.stream(Purpose::Noise, "kept");
    (0..len).filter(|_| stream.below(100) < percent).collect()
}
