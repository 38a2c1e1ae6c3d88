//! How far the reading of data is, where it takes long.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::dataset::Watch;

/// Nothing is said of what takes less.
const SHORT: Duration = Duration::from_secs(2);
/// Where no bar can be drawn, a line that often.
const LINE: Duration = Duration::from_secs(30);

/// Says to stderr how far a reading is: a bar on a terminal, a line now and then elsewhere. Ends it where a Ctrl-C asks.
pub struct Reading<'a> {
    doing: Mutex<Option<Doing>>,
    stop: &'a AtomicBool,
}

impl<'a> Reading<'a> {
    pub fn until(stop: &'a AtomicBool) -> Reading<'a> {
        Reading { doing: Mutex::default(), stop }
    }
}

struct Doing {
    what: String,
    begun: Instant,
    told: Option<Instant>,
    bar: Option<ProgressBar>,
}

impl Watch for Reading<'_> {
    fn progress(&self, doing: &str, done: u64, total: u64) {
        let mut held = self.doing.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let now = Instant::now();
        let new = || Doing { what: doing.into(), begun: now, told: None, bar: None };
        match held.as_mut() {
            Some(current) if current.what == doing => current.tell(now, done, total),
            _ => held.insert(new()).tell(now, done, total),
        }
        if done == total {
            *held = None;
        }
    }

    fn warn(&self, text: &str) {
        super::say(&format!("warning: {text}"));
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

impl Doing {
    fn tell(&mut self, now: Instant, done: u64, total: u64) {
        let elapsed = now - self.begun;
        if elapsed < SHORT {
            return;
        }
        if std::io::stderr().is_terminal() {
            let bar = self.bar.get_or_insert_with(|| bar(&self.what, total));
            bar.set_position(done);
            return;
        }
        if done == total || self.told.is_none_or(|told| now - told >= LINE) {
            let left = elapsed.mul_f64(total.saturating_sub(done) as f64 / done.max(1) as f64);
            super::say(&format!("{}: {done} of {total}, {} left", self.what, HumanDuration(left)));
            self.told = Some(now);
        }
    }
}

impl Drop for Doing {
    fn drop(&mut self) {
        self.bar.iter().for_each(ProgressBar::finish_and_clear);
    }
}

fn bar(what: &str, total: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(4));
    let template = "{msg} {wide_bar} {pos} of {len}, {eta} left";
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message(what.to_string());
    bar
}
