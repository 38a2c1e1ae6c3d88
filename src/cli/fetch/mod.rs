//! `fetch`: the files of data sets, from their mirrors into a data directory.

mod bar;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use self::bar::Bar;
use super::interrupt::stop_on_interrupt;
use super::open::told;
use super::{Ended, count, place, print, say};
use crate::dataset::files::{directories, users};
use crate::dataset::{Deaf, Source};
use crate::fetch::{Download, Failure, Fetch, State};
use crate::nearest::did_you_mean;
use crate::registry::Registry;
use crate::run::data::distinct;
use crate::spec::catalogue::{self, Declared};
use crate::spec::{self, DatasetSpec};

#[derive(Args)]
pub struct FetchCommand {
    /// Data sets, as `list dataset` names them, or folders of experiments, for the data sets that these use
    #[arg(required = true, value_name = "NAME|DIR")]
    what: Vec<String>,
    /// The data directory that gets the files, each in its data set's folder [default: the user's, as ~/.local/share/tombola]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// How long a server may send nothing before the next mirror is asked
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    timeout: Duration,
    /// Print JSON, a line a file, for programs
    #[arg(long)]
    json: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.1..=3600.0).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "seconds, from 0.1 to 3600".to_string())
}

impl FetchCommand {
    pub fn run(&self, registry: &Registry) -> Result<(), Ended> {
        let sets = self.sets(registry)?;
        let variable = |name: &str| std::env::var_os(name);
        let nowhere = || "there is no home directory: name a data directory with `--data DIR`".to_string();
        let into = self.data.clone().or_else(|| users(variable)).ok_or_else(nowhere)?;
        place::folder("--data", &into)?;
        let (directories, bar) = (directories(self.data.clone(), variable), Bar::default());
        let stop = stop_on_interrupt("Stopping: what came is kept. Once more to end at once.")?;
        let fetch = Fetch { directories: &directories, into: &into, stall: self.timeout, stop: &stop, watch: &bar };
        let mut failed = 0;
        for spec in &sets {
            if spec.content.is_some() {
                failed += usize::from(!self.folder(spec, &directories)?);
                continue;
            }
            let states = self.set(&fetch, spec, &mut failed)?;
            if !self.json {
                print(&in_words(spec, &states))?;
            }
        }
        match failed {
            0 => Ok(()),
            n => {
                say(&format!("error: {} could not be fetched: see above", count(n, "file")));
                Err(Ended::Crashed)
            }
        }
    }

    /// One data set, file by file. What fails is said, and does not keep the others.
    fn set(&self, fetch: &Fetch<'_>, spec: &DatasetSpec, failed: &mut usize) -> Result<Vec<State>, Ended> {
        let (mut states, mut told) = (Vec::new(), String::new());
        for file in Download::all(spec) {
            let result = fetch.get(spec, &file);
            if self.json {
                print(&format!("{}\n", as_json(spec, &file, &result)))?;
            }
            match result {
                Ok(state) => states.push(state),
                Err(Failure::Failed(why) | Failure::Refused { why, .. }) => {
                    *failed += 1;
                    // Some reasons are those of all files.
                    if why != told {
                        say(&format!("error: {why}"));
                    }
                    told = why;
                }
                Err(Failure::Interrupted(kept)) => {
                    let kept = kept.map(|path| format!(" {} keeps what came.", path.display())).unwrap_or_default();
                    say(&format!("Interrupted.{kept} Run the same command again to go on."));
                    return Err(Ended::Interrupted);
                }
            }
        }
        Ok(states)
    }

    /// A data set that is a folder, which nothing fetches: whether it is there. What it holds, a run finds out.
    fn folder(&self, spec: &DatasetSpec, directories: &[PathBuf]) -> Result<bool, Ended> {
        let found = Source { spec, directories, watch: &Deaf }.folder().map(|folder| folder.path);
        let there = found.is_ok();
        match (self.json, &found) {
            (true, _) => print(&format!("{}\n", folder_as_json(spec, &found)))?,
            (false, Ok(path)) => print(&format!("already there: {}\n", path.display()))?,
            (false, Err(_)) => {}
        }
        if let Err(why) = found {
            say(&format!("error: {} is a folder of images, which is not fetched: {why}", spec.name));
        }
        Ok(there)
    }

    fn sets(&self, registry: &Registry) -> Result<Vec<DatasetSpec>, Ended> {
        let mut sets: Vec<DatasetSpec> = Vec::new();
        for what in &self.what {
            for set in named(what, registry)? {
                if !sets.contains(&set) {
                    sets.push(set);
                }
            }
        }
        Ok(sets)
    }
}

/// The data set of this name, or those that the experiment in this folder uses. A name goes first: `./NAME` is a folder.
fn named(what: &str, registry: &Registry) -> Result<Vec<DatasetSpec>, Ended> {
    let names = catalogue::shipped_names(Declared::Dataset);
    if names.iter().any(|name| name == what) {
        return Ok(vec![catalogue::dataset(what, registry).map_err(told)?]);
    }
    if Path::new(what).is_dir() {
        let spec = spec::load(Path::new(what), registry, &[]).map_err(told)?;
        return Ok(distinct(&spec).into_iter().cloned().collect());
    }
    let help = did_you_mean(what, "data sets", names.iter().map(String::as_str));
    Err(format!("{what:?} is neither a data set nor an experiment's folder: {help}").into())
}

fn in_words(spec: &DatasetSpec, states: &[State]) -> String {
    if spec.files.is_empty() {
        return format!("{} needs no file\n", spec.name);
    }
    if states.len() == Download::all(spec).len() && states.iter().all(|state| *state == State::BuiltIn) {
        return format!("{} is built in\n", spec.name);
    }
    let line = |state: &State| match state {
        State::BuiltIn => String::new(),
        State::There(path) => format!("already there: {}\n", path.display()),
        State::Fetched(path) => format!("fetched: {}\n", path.display()),
    };
    states.iter().map(line).collect()
}

fn folder_as_json(spec: &DatasetSpec, found: &Result<PathBuf, String>) -> Value {
    let state = if found.is_ok() { "there" } else { "failed" };
    let path = found.as_ref().ok().map(|path| path.display().to_string());
    json!({
        "dataset": spec.name, "file": format!("{}/", spec.folder), "state": state, "path": path,
        "bytes": null, "sha256": null, "error": found.as_ref().err(),
    })
}

fn as_json(spec: &DatasetSpec, file: &Download, result: &Result<State, Failure>) -> Value {
    let (state, path, error) = match result {
        Ok(State::BuiltIn) => ("built in", None, None),
        Ok(State::There(path)) => ("there", Some(path), None),
        Ok(State::Fetched(path)) => ("fetched", Some(path), None),
        Err(Failure::Failed(why)) => ("failed", None, Some(why.clone())),
        Err(Failure::Refused { why, reasons }) => ("failed", None, Some(format!("{why}\n{}", reasons.join("\n")))),
        Err(Failure::Interrupted(kept)) => ("interrupted", kept.as_ref(), None),
    };
    let path = path.map(|path| path.display().to_string());
    json!({
        "dataset": spec.name, "file": file.name, "state": state, "path": path,
        "bytes": file.bytes(), "sha256": file.sha256(), "error": error,
    })
}
