//! How long a report takes, by itself: `cargo bench --bench report -- [EXPERIMENT…]`, folders of experiments, else those
//! that ship. Each is given a store as if it had run. Prints a line of JSON for each: reading the store, rendering the
//! files, writing them; the least of several times.

mod fabricated;

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::json;
use tombola::plan::{header, plan};
use tombola::registry::Registry;
use tombola::run::{Store, provenance, study};
use tombola::{device, report, spec};

const SHIPPED: [&str; 3] = ["experiments/quickstart", "experiments/lenet-mnist", "experiments/edge-popup-tuning"];
const TIMES: usize = 5;

fn main() -> Result<(), String> {
    let mut named: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if named.is_empty() {
        named = SHIPPED.map(String::from).into();
    }
    named.iter().try_for_each(|folder| measure(Path::new(folder)))
}

fn measure(experiment: &Path) -> Result<(), String> {
    let registry = Registry::builtin();
    let spec = spec::load(experiment, &registry, &[]).map_err(|e| e.to_string())?;
    let kind = device::open("cpu")?.kind;
    let plan = plan(&spec, &registry, &kind).map_err(|e| e.to_string())?;
    let folder = std::env::temp_dir().join(format!("tombola-bench-report-{}", std::process::id()));
    fabricated::fill(&plan, &folder, &provenance(experiment, &spec.name, &kind))?;
    let (mut least, mut bytes) = ([f64::INFINITY; 3], 0);
    for _ in 0..TIMES {
        let mut marks = vec![Instant::now()];
        let study = study(header(&spec, &plan, "bench"), &plan, &Store::open(&folder), None);
        marks.push(Instant::now());
        let files = report::render(&study, &registry, None)?;
        marks.push(Instant::now());
        report::write(&files, &folder.join("report"))?;
        marks.push(Instant::now());
        for (least, pair) in least.iter_mut().zip(marks.windows(2)) {
            *least = least.min(pair[1].duration_since(pair[0]).as_secs_f64());
        }
        bytes = size(&folder.join("report"));
    }
    std::fs::remove_dir_all(&folder).map_err(|e| e.to_string())?;
    let [read, render, write] = least.map(|seconds| (seconds * 1e4).round() / 10.0);
    let line = json!({
        "experiment": spec.name, "steps": plan.steps.len(), "read_ms": read, "render_ms": render, "write_ms": write,
        "report_kb": bytes / 1024,
    });
    println!("{line}");
    Ok(())
}

fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let size = |path: PathBuf| if path.is_dir() { size(&path) } else { path.metadata().map_or(0, |data| data.len()) };
    entries.map(|entry| size(entry.path())).sum()
}
