//! Ctrl-C.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Ended, say};

/// Ctrl-C asks a command to stop, with these words; the second one ends the process at once.
pub fn stop_on_interrupt(words: &'static str) -> Result<Arc<AtomicBool>, Ended> {
    let stop = Arc::new(AtomicBool::new(false));
    let asked = stop.clone();
    let handler = move || {
        if asked.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        say(words);
    };
    ctrlc::set_handler(handler).map_err(|e| format!("cannot listen for Ctrl-C: {e}"))?;
    Ok(stop)
}
