//! `check`: everything that is wrong with a spec, or how much there is to run.

use clap::Args;

use super::plan::text::Width;
use super::{Ended, Experiment, count, print};
use crate::registry::Registry;
use crate::spec;

#[derive(Args)]
pub struct Check {
    #[command(flatten)]
    experiment: Experiment,
    /// Print the experiment with everything filled in and where each value comes from; it is an experiment itself
    #[arg(long)]
    resolved: bool,
}

impl Check {
    pub fn run(&self, registry: &Registry) -> Result<(), Ended> {
        let opened = self.experiment.open(registry)?;
        let (spec, plan) = (&opened.spec, &opened.plan);
        if self.resolved {
            return print(&spec::resolved(spec));
        }
        let measured =
            if plan.analyses.is_empty() { String::new() } else { format!(", {} analysed", plan.analyses.len()) };
        let sweep = spec.variants.iter().any(|variant| !variant.name.is_empty());
        let variants = if sweep { count(spec.variants.len(), "variant") + " × " } else { String::new() };
        let width = Width::of_stdout();
        let unlike = self.experiment.unlike_its_lock(&opened, registry)?;
        let unlike = if unlike.is_empty() { unlike } else { width.wrapped("note: ", "  ", &unlike) };
        let warning = opened.warning(width) + &unlike;
        print(&format!(
            "{}: {variants}{} × {}, {}{measured} from {}: nothing is wrong\n{warning}",
            spec.name,
            count(spec.variants[0].pipelines.len(), "pipeline"),
            count(spec.replicates as usize, "replicate"),
            count(plan.tickets.len(), "ticket"),
            count(plan.steps.len(), "step")
        ))
    }
}
