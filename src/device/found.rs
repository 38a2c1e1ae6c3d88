//! Which devices are built in and found.

use super::{AUTO, Compute, Lack, graphics, processor, torch};

/// A device, as `tombola devices` lists it.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// As `--device` takes it.
    pub name: String,
    /// "found", "missing" or "not built in".
    pub state: &'static str,
    /// What it is, or what would bring it.
    pub about: String,
    /// Whether `--device auto` opens it.
    pub auto: bool,
}

/// All devices there may be.
pub fn found() -> Vec<Found> {
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
    let own = torch::threads();
    let mut all = vec![row("cpu".into(), Ok(processor::all()), &format!("; {}", counted(cores, "core")))];
    // Told, not opened, which would settle it.
    all.extend(processor::fewer().into_iter().map(|(name, kind)| {
        let about = format!("{kind}: the bits of a processor without more");
        Found { name, state: "found", about, auto: false }
    }));
    let threads = format!("; {} of its own beside the kernels'", counted(own, "thread"));
    all.push(row("libtorch".into(), torch::cpu(), &threads));
    // Without any, the first says why.
    all.extend((0..torch::cuda_devices().max(1)).map(|i| row(format!("libtorch:cuda:{i}"), torch::cuda(i), "")));
    all.push(row("wgpu".into(), graphics::adapter(), ""));
    all
}

fn row(name: String, opened: Result<Compute, Lack>, more: &str) -> Found {
    let state = match &opened {
        Ok(_) => "found",
        Err(lack) if lack.built_in => "missing",
        Err(_) => "not built in",
    };
    let about = opened.map_or_else(|lack| lack.remedy, |compute| format!("{}{more}", compute.kind));
    Found { state, about, auto: name == AUTO, name }
}

fn counted(n: usize, of: &str) -> String {
    format!("{n} {of}{}", if n == 1 { "" } else { "s" })
}
