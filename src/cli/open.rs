//! From a command's arguments to a planned experiment.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use super::plan::text::Width;
use super::{Ended, Experiment, count, place};
use crate::dataset::files::directories;
use crate::device::{self, Compute};
use crate::plan::{self, Plan, PlannedTicket};
use crate::record::{Header, selected_on_test_in_lines};
use crate::registry::Registry;
use crate::report;
use crate::run::{Store, quoted, without_home};
use crate::spec::{self, Diagnostics, Reading, Spec};

/// Variants that a warning names.
const VARIANTS: usize = 10;

/// An experiment, planned for a device.
pub struct Opened {
    pub spec: Spec,
    pub plan: Plan,
    pub compute: Compute,
}

impl Opened {
    /// Lines where test data select, each ended; those of a terminal no longer than it is wide.
    pub fn warning(&self, width: Width) -> String {
        let plan = &self.plan;
        let of = |ticket: &'_ PlannedTicket| plan.variants[ticket.variant].name.as_str();
        let tickets: Vec<_> =
            plan.tickets.iter().map(|ticket| (of(ticket), ticket.pipeline.as_str(), ticket.early_stop)).collect();
        let Some((said, variants)) = selected_on_test_in_lines(&tickets) else { return String::new() };
        let mut text = width.wrapped("warning: ", "  ", &said);
        variants.iter().take(VARIANTS).for_each(|line| text += &width.wrapped("  ", "    ", line));
        match variants.len().saturating_sub(VARIANTS) {
            0 => text,
            more => text + &format!("  … of {} more\n", count(more, "variant")),
        }
    }
}

impl Experiment {
    pub fn open(&self, registry: &Registry) -> Result<Opened, Ended> {
        let compute = device::open(&self.options.device)?;
        let (spec, plan) = planned(&self.folder, registry, &self.overrides(), &compute.kind).map_err(told)?;
        Ok(Opened { spec, plan, compute })
    }

    /// What options change of the spec.
    pub fn overrides(&self) -> Vec<String> {
        let replicates = self.options.replicates.map(|n| format!("replicates={n}"));
        self.options.set.iter().cloned().chain(replicates).collect()
    }

    /// The store, which need not be there yet.
    pub fn store(&self) -> Result<Store, Ended> {
        place::folder("--runs", &self.options.runs)?;
        Ok(Store::open(&self.options.runs))
    }

    /// Where this experiment's report goes; an error where nothing can be written there.
    pub fn report(&self, opened: &Opened) -> Result<PathBuf, Ended> {
        let folder = self.options.reports.join(&opened.spec.name);
        place::writable("--reports", &folder.join(report::FIGURES))?;
        Ok(folder)
    }

    /// Where data sets are looked for.
    pub fn directories(&self) -> Vec<PathBuf> {
        directories(self.options.data.clone(), |variable| std::env::var_os(variable))
    }

    /// How to rerun the experiment; reports have it, and whoever reads them need not know where home is.
    fn command(&self) -> String {
        let overrides = self.options.set.iter().map(|set| format!(" --set {}", quoted(set))).collect::<String>();
        let replicates = self.options.replicates.map(|n| format!(" --replicates {n}")).unwrap_or_default();
        let device = if self.options.device == "auto" {
            String::new()
        } else {
            format!(" --device {}", quoted(&self.options.device))
        };
        let folder = quoted(&self.folder.display().to_string());
        without_home(&format!("tombola run {folder}{overrides}{replicates}{device}"))
    }

    pub fn header(&self, opened: &Opened) -> Header {
        plan::header(&opened.spec, &opened.plan, &self.command())
    }
}

/// Reads an experiment and plans it for a device kind, or says everything that is wrong with it: of what can be read, a
/// plan is made even where the rest is wrong.
pub fn planned(
    folder: &Path,
    registry: &Registry,
    overrides: &[String],
    device: &str,
) -> Result<(Spec, Plan), Diagnostics> {
    let Reading { sound, mut errors } = spec::read(folder, registry, overrides);
    let planned = sound.map(|spec| plan::plan(&spec, registry, device).map(|plan| (spec, plan)));
    match planned {
        Some(Ok(planned)) if errors.is_empty() => return Ok(planned),
        Some(Err(more)) => errors.extend(more.errors().iter().cloned()),
        _ => {}
    }
    Err(errors.sorted())
}

/// What is wrong with a spec, as a person is told it.
pub fn told(problems: Diagnostics) -> Ended {
    let unset = |name: &str| std::env::var_os(name).is_none_or(|value| value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    Ended::Wrong(problems.render(std::io::stderr().is_terminal() && unset("NO_COLOR") && !dumb))
}
