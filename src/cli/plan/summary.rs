//! How much is to run, and what it needs.

use super::text::{Width, duration, thousands};
use super::{Joined, memory};
use crate::cli::count;
use crate::units::size;

/// What is recorded and what is new.
pub fn heading(joined: &Joined<'_>, width: Width) -> String {
    let plan = joined.plan();
    let sweep = match plan.variants.as_slice() {
        [only] if only.name.is_empty() => String::new(),
        variants => count(variants.len(), "variant") + ", ",
    };
    let new = match (joined.to_run(), joined.iterations()) {
        (0, _) => "none new".to_string(),
        (new, 0) => format!("{new} new without training"),
        (new, iterations) => format!("{new} new with {} iterations of training", thousands(iterations)),
    };
    let idle = plan.steps.len() - joined.to_run() - joined.recorded();
    let idle = if idle > 0 { format!(", {idle} that will not run") } else { String::new() };
    let words = format!(
        "{sweep}{}, {} recorded, {new}{idle}, on {}",
        count(plan.steps.len(), "step"),
        joined.recorded(),
        joined.opened.compute.kind
    );
    width.wrapped(&format!("{}: ", joined.opened.spec.name), "  ", &words)
}

/// Time, memory and disk.
pub fn needs(joined: &Joined<'_>, width: Width) -> String {
    if joined.to_run() == 0 {
        return width.wrapped("", "  ", &format!("nothing to run: every step is in {}", joined.store.display()));
    }
    let disk = size(joined.disk);
    let free = joined.free.map_or("how much is free is unknown".into(), |free| format!("{} free", size(free)));
    let mut text = width.wrapped("time    ", "        ", &time(joined));
    text += &width.wrapped("memory  ", "        ", &memory::words(joined));
    if joined.memory.free.is_some_and(|free| free < joined.memory.least()) {
        text += &width.wrapped("", "  ", "warning: that does not fit: try a smaller model or `batch_size`");
    }
    let checkpoints = match joined.checkpoints {
        0 => String::new(),
        bytes => format!(", at most {} for checkpoints while it runs", size(bytes)),
    };
    let words = format!("about {disk} more in {}{checkpoints}, {free}", joined.store.display());
    text += &width.wrapped("disk    ", "        ", &words);
    if joined.free.is_some_and(|free| free < joined.disk) {
        text += &width.wrapped("", "  ", "warning: that does not fit: `--runs DIR` names another place");
    }
    let counted = "Multiply-adds are those of weights in a forward pass of one example; one is two FLOPs.";
    text + "\n" + &width.wrapped("", "", counted)
}

/// What helps where a measurement found nothing.
const TOO_SLOW: &str = "5 seconds are too short to measure one; a short run tells: `--replicates 1 --set \
                        training.length=20it --set training.evaluate=20it`";

fn analyses(n: usize) -> String {
    if n == 1 { "1 analysis".into() } else { format!("{n} analyses") }
}

fn time(joined: &Joined<'_>) -> String {
    let time = &joined.time;
    let recorded =
        (time.recorded > 0).then(|| format!("{} recorded on this device kind", count(time.recorded, "step")));
    let whole = time.measured - time.parts;
    let measured = (whole > 0).then(|| format!("{} measured now", count(whole as usize, "iteration")));
    let parts = count(time.parts as usize, "iteration");
    let parts = (time.parts > 0).then(|| format!("{parts} of a part of a batch, measured now and scaled up"));
    let from = format!("from {}", [recorded, measured, parts].into_iter().flatten().collect::<Vec<_>>().join(" and "));
    let gated = joined.plan().steps.iter().zip(&joined.why).any(|(step, why)| why.is_some() && !step.gates.is_empty());
    let about = if gated || time.at_most { "at most about" } else { "about" };
    let jobs = if time.jobs > 1 { format!(", {} at a time", time.jobs) } else { String::new() };
    let remedy = if joined.measured { TOO_SLOW } else { "`--measure` tries it" };
    let trained = match (time.known, time.unknown) {
        (0, 0) if time.untold > 0 && time.work == 0.0 => String::new(),
        (0, 0) if time.work == 0.0 => "none to speak of: nothing is to be trained".into(),
        (0, 1..) => format!("unknown: no training like these is recorded on this device kind; {remedy}"),
        (_, 0) => format!("{about} {}{jobs}, {from}", duration(time.elapsed)),
        (known, unknown) => format!(
            "{about} {}{jobs}, for {} of {} iterations, {from}; for the others unknown, since nothing like them is \
             recorded on this device kind; {remedy}",
            duration(time.elapsed),
            thousands(known),
            thousands(known + unknown)
        ),
    };
    match (time.untold, trained.is_empty()) {
        (0, _) => trained,
        (untold, true) => format!("unknown: how long {} will take only a run tells", analyses(untold)),
        (untold, false) => format!("{trained}; without {}, of which only a run tells", analyses(untold)),
    }
}
