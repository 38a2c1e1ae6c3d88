//! `devices`: what there is to compute on.

use std::fmt::Write;

use clap::Args;
use serde_json::json;

use super::{Ended, print};
use crate::device::{self, Found};

#[derive(Args)]
pub struct Devices {
    /// Print JSON, for programs
    #[arg(long)]
    json: bool,
}

impl Devices {
    pub fn run(&self) -> Result<(), Ended> {
        let found = device::found();
        if self.json {
            let json = |d: &Found| json!({ "name": d.name, "state": d.state, "auto": d.auto, "about": d.about });
            return print(&format!("{:#}\n", found.iter().map(json).collect::<serde_json::Value>()));
        }
        let mut text = String::new();
        for device in &found {
            let auto = if device.auto { " (auto)" } else { "" };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{:<16} {:<12} {}{auto}", device.name, device.state, device.about);
        }
        print(&text)
    }
}
