//! From a command's arguments to a planned experiment.

use std::io::IsTerminal;
use std::path::PathBuf;

use super::{Ended, Experiment};
use crate::dataset::files::directories;
use crate::device::{self, Compute};
use crate::plan::{self, Plan};
use crate::record::Header;
use crate::registry::Registry;
use crate::spec::{self, Diagnostics, Spec};

/// An experiment, planned for a device.
pub struct Opened {
    pub spec: Spec,
    pub plan: Plan,
    pub compute: Compute,
}

impl Experiment {
    pub fn open(&self, registry: &Registry) -> Result<Opened, Ended> {
        let compute = device::open(&self.device)?;
        let overrides: Vec<String> =
            self.set.iter().cloned().chain(self.replicates.map(|n| format!("replicates={n}"))).collect();
        let spec = spec::load(&self.folder, registry, &overrides).map_err(told)?;
        let plan = plan::plan(&spec, registry, &compute.kind).map_err(told)?;
        Ok(Opened { spec, plan, compute })
    }

    /// Where data sets are looked for.
    pub fn directories(&self) -> Vec<PathBuf> {
        directories(self.data.clone(), |variable| std::env::var_os(variable))
    }

    /// How to rerun the experiment.
    fn command(&self) -> String {
        let overrides = self.set.iter().map(|set| format!(" --set '{set}'")).collect::<String>();
        let replicates = self.replicates.map(|n| format!(" --replicates {n}")).unwrap_or_default();
        format!("tombola run {}{overrides}{replicates}", self.folder.display())
    }

    pub fn header(&self, opened: &Opened) -> Header {
        plan::header(&opened.spec, &opened.plan, &self.command())
    }
}

fn told(problems: Diagnostics) -> Ended {
    Ended::Wrong(problems.render(std::io::stderr().is_terminal()))
}
