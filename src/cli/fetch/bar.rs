//! A download's progress: a bar with time left on a terminal, a line a tenth elsewhere.

use std::io::IsTerminal;
use std::sync::Mutex;

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::super::{harmless, say};
use crate::fetch::Watch;

/// The download that is under way.
#[derive(Default)]
pub struct Bar(Mutex<Option<Download>>);

struct Download {
    bar: ProgressBar,
    name: String,
    total: Option<u64>,
    /// Tenths that were said.
    said: u64,
}

impl Bar {
    fn with(&self, work: impl FnOnce(&mut Option<Download>)) {
        work(&mut self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
    }
}

impl Watch for Bar {
    fn began(&self, name: &str, had: u64, total: Option<u64>) {
        let terminal = std::io::stderr().is_terminal();
        let target = if terminal { ProgressDrawTarget::stderr_with_hz(4) } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(total, target);
        bar.set_style(style(total.is_some()));
        bar.set_message(harmless(name).into_owned());
        bar.set_position(had);
        // What was there before is no speed.
        bar.reset_eta();
        if !terminal {
            let of = total.map(|total| format!(", {}", HumanBytes(total))).unwrap_or_default();
            let from = if had > 0 { format!(", from {} on", HumanBytes(had)) } else { String::new() };
            say(&format!("fetching {name}{of}{from}"));
        }
        let said = tenth(had, total);
        self.with(|download| *download = Some(Download { bar, name: name.into(), total, said }));
    }

    fn advanced(&self, bytes: u64) {
        self.with(|download| {
            let Some(download) = download else { return };
            download.bar.set_position(bytes);
            let tenth = tenth(bytes, download.total);
            if download.bar.is_hidden() && tenth > download.said && tenth < 10 {
                download.said = tenth;
                say(&format!("{}: {}0%", download.name, tenth));
            }
        });
    }

    fn ended(&self) {
        self.with(|download| {
            if let Some(download) = download.take() {
                download.bar.finish_and_clear();
            }
        });
    }

    fn said(&self, line: &str) {
        say(line);
    }
}

/// Tenths of the whole.
fn tenth(bytes: u64, total: Option<u64>) -> u64 {
    total.map_or(0, |total| bytes.saturating_mul(10) / total.max(1))
}

/// A line longer than its terminal would leave its end behind at every change, so a narrow one gets less.
fn style(known: bool) -> ProgressStyle {
    let template = match (known, console::Term::stderr().size().1 >= 80) {
        (true, true) => "{bar:24} {percent:>3}%  {bytes_per_sec}  {eta} left  {wide_msg}",
        (true, false) => "{wide_bar} {percent:>3}%  {eta} left",
        (false, _) => "{bytes}  {bytes_per_sec}  {wide_msg}",
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
