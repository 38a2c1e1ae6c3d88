//! A run's progress: a bar with time left on a terminal, a line a completed training elsewhere.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::plan::{Plan, PlannedTicket};
use crate::record::{Record, Scores};
use crate::run::{Job, Recorded, Watch};
use crate::units::percent;

pub struct Progress<'a> {
    plan: &'a Plan,
    /// The first pipeline of each evaluated step, with its variant: "imp[width=0.5]".
    pipelines: HashMap<usize, String>,
    bar: ProgressBar,
    /// Iterations that each worker's step has reported so far.
    reported: Mutex<Vec<u64>>,
    begun: Instant,
    terminal: bool,
    /// Whether it was said that other runs are waited for.
    waited: AtomicBool,
}

impl<'a> Progress<'a> {
    /// Its whole is the iterations of training that are not recorded yet.
    pub fn begin(plan: &'a Plan, recorded: &[Option<Recorded>], jobs: usize) -> Progress<'a> {
        let new = plan.steps.iter().zip(recorded).filter(|(_, recorded)| recorded.is_none());
        let total = new.map(|(step, _)| step.iterations).sum();
        let named = |ticket: &PlannedTicket| (ticket.step, within(&ticket.pipeline, plan, ticket.variant));
        let pipelines = plan.tickets.iter().chain(&plan.analyses).rev().map(named).collect();
        let terminal = std::io::stderr().is_terminal();
        let target = if terminal { ProgressDrawTarget::stderr_with_hz(4) } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        bar.set_style(style());
        Progress {
            plan,
            pipelines,
            bar,
            reported: Mutex::new(vec![0; jobs]),
            begun: Instant::now(),
            terminal,
            waited: AtomicBool::new(false),
        }
    }

    pub fn end(&self) {
        self.bar.finish_and_clear();
    }

    /// Advances the bar by what a worker's step has done since it was last heard of.
    fn report(&self, job: Job, iterations: u64) {
        let mut reported = self.reported.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        self.bar.inc(iterations.saturating_sub(reported[job.worker]));
        reported[job.worker] = iterations;
    }

    /// "imp, replicate 0, level 3", by the first pipeline that the step is of; "prune, …" of a step on the way.
    fn name(&self, job: Job) -> String {
        let step = &self.plan.steps[job.step];
        let place = format!("replicate {}, level {}", step.replicate, step.level);
        match self.pipelines.get(&job.step) {
            Some(pipeline) => format!("{pipeline}, {place}"),
            None => format!("{}, {place}", within(&step.stage.name, self.plan, step.variant)),
        }
    }

    fn line(&self, text: String) {
        match self.terminal {
            true => self.bar.println(super::harmless(&text)),
            false => super::say(&text),
        }
    }

    fn left(&self) -> String {
        let (done, total) = (self.bar.position(), self.bar.length().unwrap_or(0));
        if done == 0 {
            return "time left unknown".into();
        }
        let left = self.begun.elapsed().as_secs_f64() * total.saturating_sub(done) as f64 / done as f64;
        format!("{} left", HumanDuration(Duration::from_secs_f64(left)))
    }
}

/// "imp[width=0.5]": what, and of a sweep the variant that it is of.
fn within(what: &str, plan: &Plan, variant: usize) -> String {
    match plan.variants[variant].name.as_str() {
        "" => what.to_string(),
        name => format!("{what}[{name}]"),
    }
}

/// A line longer than its terminal would leave its end behind at every change, so a narrow one gets less.
fn style() -> ProgressStyle {
    let template = match console::Term::stderr().size().1 >= 80 {
        true => "{bar:24} {percent:>3}%  {speed}  {eta} left  {wide_msg}",
        false => "{wide_bar} {percent:>3}%  {eta} left",
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key("speed", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        // Writing to a line in memory cannot fail.
        let _ = write!(out, "{:.0} it/s", state.per_sec());
    })
}

impl Watch for Progress<'_> {
    fn began(&self, job: Job) {
        self.report(job, 0);
        self.bar.set_message(super::harmless(&self.name(job)).into_owned());
    }

    fn advanced(&self, job: Job, iterations: u64) {
        if iterations.is_multiple_of(20) {
            self.report(job, iterations);
        }
    }

    /// What a checkpoint saves is not to be done: the bar's whole shrinks, so that speed and time left are of what is.
    fn resumed(&self, job: Job, iterations: u64) {
        let all = self.plan.steps[job.step].iterations;
        self.line(format!("Resuming {} from its checkpoint, at {iterations} of {all} iterations.", self.name(job)));
        let mut reported = self.reported.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let saved = iterations.saturating_sub(reported[job.worker]);
        reported[job.worker] = reported[job.worker].max(iterations);
        self.bar.dec_length(saved);
    }

    fn taken(&self, step: usize) {
        self.bar.dec_length(self.plan.steps[step].iterations);
    }

    fn waits(&self, steps: usize) {
        let text = match steps {
            0 => return,
            1 => "1 step is being run by another run".to_string(),
            n => format!("{n} steps are being run by another run"),
        };
        self.bar.set_message(text.clone());
        // Where there is no bar, once: what they are comes and goes.
        if !self.terminal && !self.waited.swap(true, Ordering::Relaxed) {
            super::say(&format!("Waiting: {text}."));
        }
    }

    fn warned(&self, text: &str) {
        self.line(format!("warning: {text}"));
    }

    fn ended(&self, job: Job, result: Result<&Record, &str>) {
        let step = &self.plan.steps[job.step];
        self.report(job, step.iterations);
        let what = self.name(job);
        match result {
            Ok(record) if step.iterations > 0 => {
                let kept: usize = record.layers.iter().map(|layer| layer.kept).sum();
                let all: usize = record.layers.iter().map(|layer| layer.prunable).sum();
                let remaining = percent(kept as f64 / all.max(1) as f64);
                let scores = record.scores.as_ref();
                let outcome = match scores {
                    Some(scores) => outcome(scores),
                    None if record.training.is_none() => "measured".into(),
                    None => "diverged".into(),
                };
                let left = self.left();
                self.line(format!("{what}, {remaining} of weights: {outcome} in {:.1} s; {left}", record.seconds));
            }
            Ok(_) => {}
            Err("interrupted") => {}
            Err(message) => self.line(format!("error: {what}: {message}")),
        }
    }
}

/// The accuracy that the end of a training is told by.
fn outcome(scores: &Scores) -> String {
    match scores.validation_accuracy {
        Some(accuracy) => format!("validation {}", percent(accuracy)),
        None => format!("training {}", percent(scores.final_train_accuracy)),
    }
}
