//! How much of the machine a run takes: jobs, threads and memory.

use std::time::Duration;

use clap::{Args, value_parser};

use super::{Ended, count, say};
use crate::plan::{Plan, Step};
use crate::run::memory;
use crate::spec::Spec;
use crate::units::size;

#[derive(Args)]
pub struct Machine {
    /// Steps that run side by side, at most; as many as there are threads if not given, fewer where memory is short
    #[arg(long, value_parser = value_parser!(u16).range(1..=1024), allow_negative_numbers = true)]
    jobs: Option<u16>,
    /// Threads in all; as many as there are cores if not given. A step that starts gets an even share of those that no
    /// other uses, one at least: many chains have one each, and the last gets all. Results do not depend on it
    #[arg(long, value_parser = value_parser!(u16).range(1..=1024), allow_negative_numbers = true)]
    threads: Option<u16>,
    /// Memory that the jobs may take by their estimate, as 8GB or 500MB; what is free if not given
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    memory: Option<u64>,
}

impl Machine {
    pub fn threads(&self) -> usize {
        self.threads.map_or_else(|| std::thread::available_parallelism().map_or(1, |n| n.get()), usize::from)
    }

    /// Memory that the jobs may take; `None` where neither it is given nor the system tells what is free.
    pub fn allowed(&self) -> Option<u64> {
        self.memory.or_else(memory::free)
    }

    /// As many jobs as a run of these new steps would have, and threads for each of them; where not one fits the memory,
    /// which `run` says, one.
    pub fn planned(&self, plan: &Plan, spec: &Spec, new: &[bool]) -> (usize, usize) {
        let wanted = self.jobs.map_or_else(|| self.threads(), usize::from);
        let steps = plan.steps.iter().zip(new).filter(|(_, new)| **new).map(|(step, _)| step);
        let job = memory::greatest(&memory::needs(plan, steps)).map(|(_, job)| job);
        let fitting = job.zip(self.allowed());
        let jobs =
            fitting.map_or(wanted, |(job, free)| memory::fitting(wanted, job, memory::of_data(spec), free)).max(1);
        (jobs, (self.threads() / jobs).max(1))
    }

    /// As many jobs as were asked for and fit the memory, all of these steps being to run, and the bytes that one of them may
    /// take; says where they are fewer, and where a step does not fit at all: it will fail, and the others run. Where no
    /// training fits, that is an error.
    pub fn share<'a>(
        &self,
        plan: &'a Plan,
        steps: impl Iterator<Item = &'a Step>,
        spec: &Spec,
    ) -> Result<(usize, Option<u64>), Ended> {
        let wanted = self.jobs.map_or_else(|| self.threads(), usize::from);
        let needs = memory::needs(plan, steps);
        let (Some((step, most)), Some(free)) = (memory::greatest(&needs), self.allowed()) else {
            return Ok((wanted, None));
        };
        let data = memory::of_data(spec);
        let limit = if self.memory.is_some() { "`--memory` allows" } else { "free memory is" };
        let needed = format!(
            "step {} ({}, level {}) needs about {}, the data set {}, and {limit} {}",
            &step.id[..8],
            step.stage.name,
            step.level,
            size(most),
            size(data),
            size(free)
        );
        const REMEDY: &str =
            "try a smaller model or `batch_size`, or, where that estimate is too high, a greater `--memory`";
        let allowed = free.saturating_sub(data);
        let fitting: Vec<_> = needs.iter().filter(|(_, bytes)| *bytes <= allowed).copied().collect();
        let trains = |steps: &[(&Step, u64)]| steps.iter().any(|(step, _)| step.iterations > 0);
        let job = memory::greatest(&fitting).map(|(_, job)| job).filter(|_| trains(&fitting) || !trains(&needs));
        let Some(job) = job else { return Err(format!("{needed}: {REMEDY}").into()) };
        if fitting.len() < needs.len() {
            say(&format!("warning: {needed}: what does not fit will fail, and all else runs; {REMEDY}"));
        }
        let jobs = memory::fitting(wanted, job, data, free).max(1);
        if jobs < wanted {
            let (jobs, job, free) = (count(jobs, "job"), size(job), size(free));
            say(&format!("{jobs} at a time, not {wanted}: each needs about {job}, and {limit} {free}."));
        }
        Ok((jobs, Some(allowed)))
    }
}

const UNITS: [(&str, u64); 6] =
    [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1000)];

/// "8GB", "1.5 GiB".
pub fn bytes(text: &str) -> Result<u64, String> {
    let help = || format!("{text:?} is no size: write it as 8GB, 500MB or 1.5GiB");
    let (number, unit) =
        UNITS.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit))).ok_or_else(help)?;
    let number: f64 = number.trim().parse().map_err(|_| help())?;
    let bytes = number * *unit as f64;
    if bytes.is_finite() && bytes >= 1.0 { Ok(bytes as u64) } else { Err(help()) }
}

/// "30s", "5min", "1.5 h".
pub fn time(text: &str) -> Result<Duration, String> {
    const UNITS: [(&str, f64); 5] = [("ms", 1e-3), ("s", 1.0), ("min", 60.0), ("m", 60.0), ("h", 3600.0)];
    let help = || format!("{text:?} is no time: write it as 30s, 5min or 1h");
    let of = |(name, seconds): &(&str, f64)| Some((text.strip_suffix(name)?, *seconds));
    let (number, unit) = UNITS.iter().find_map(of).ok_or_else(help)?;
    let number: f64 = number.trim().parse().map_err(|_| help())?;
    Duration::try_from_secs_f64(number * unit).map_err(|_| help())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_a_unit_and_is_written_as_it_is_read() {
        assert_eq!(["8GB", "1.5 GiB", "500MB"].map(bytes), [Ok(8_000_000_000), Ok(3 << 29), Ok(500_000_000)]);
        assert_eq!(["8 GB", "1.5GB", "12MB"].map(|text| size(bytes(text).unwrap())), ["8.0 GB", "1.5 GB", "12.0 MB"]);
        for nonsense in ["8", "GB", "-1GB", "nanGB", "infGB", "0GB", "8gigs"] {
            assert!(bytes(nonsense).unwrap_err().contains("8GB"), "{nonsense}");
        }
    }

    #[test]
    fn a_time_has_a_unit() {
        let seconds = |text| time(text).map(|time| time.as_secs_f64());
        assert_eq!(["0s", "90s", "10m", "10 min", "1.5h"].map(seconds), [0.0, 90.0, 600.0, 600.0, 5400.0].map(Ok));
        for nonsense in ["10", "m", "-1m", "nanh", "infs", "1e400s", "always"] {
            assert!(time(nonsense).unwrap_err().contains("5min"), "{nonsense}");
        }
    }
}
