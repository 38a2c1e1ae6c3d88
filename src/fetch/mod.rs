//! Downloads the declared files of data sets: from their mirrors, checked while they come, under a temporary name until
//! they are right. Nothing else of Tombola reads a network.
//!
//! A file stays as it is distributed: nothing is unpacked, so that what is downloaded can write nowhere else.

mod attempt;
mod check;
mod download;
mod exchange;
mod part;
mod redirect;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::dataset::files::{Place, by_hand};
use crate::dataset::{Deaf, Source};
use crate::spec::DatasetSpec;
use attempt::{Attempt, Failed};
pub use download::Download;
use part::Part;

/// How often each mirror is asked, at most.
const ROUNDS: u32 = 3;

/// How long a wait looks away from a Ctrl-C.
const GLANCE: Duration = Duration::from_millis(50);

/// How files are fetched.
pub struct Fetch<'a> {
    /// Where data sets are looked for, in their order: what is there is not fetched.
    pub directories: &'a [PathBuf],
    /// The data directory into which files are written.
    pub into: &'a Path,
    /// How long a server may send nothing.
    pub stall: Duration,
    /// Set by Ctrl-C.
    pub stop: &'a AtomicBool,
    pub watch: &'a dyn Watch,
}

/// Where a declared file is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    BuiltIn,
    There(PathBuf),
    Fetched(PathBuf),
}

/// Why a file is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// By Ctrl-C; the file that keeps what came, where something did.
    Interrupted(Option<PathBuf>),
    /// By every mirror: `reasons`, an address each, were said to `Watch::said` as they came.
    Refused {
        why: String,
        reasons: Vec<String>,
    },
    Failed(String),
}

/// Who is told how a download goes.
pub trait Watch {
    /// A file's bytes begin to come, of which `had` are here; `total` where the server says it.
    fn began(&self, name: &str, had: u64, total: Option<u64>);
    /// So many bytes of it are here.
    fn advanced(&self, bytes: u64);
    /// No more come, for whatever reason.
    fn ended(&self);
    fn said(&self, line: &str);
}

impl Fetch<'_> {
    /// Sees to it that what a data set is distributed as is there, and right.
    pub fn get(&self, spec: &DatasetSpec, file: &Download) -> Result<State, Failure> {
        if let Some(there) = self.there(spec, file)? {
            return Ok(there);
        }
        if spec.mirrors.is_empty() {
            let message = format!("{} has no mirror from which its files could be fetched", spec.name);
            return Err(Failure::Failed(format!("{message}: {}", other_ways(spec, file))));
        }
        let folder = self.into.join(&spec.folder);
        let made: Vec<&Path> = folder.ancestors().take_while(|of| *of != Path::new("") && !of.exists()).collect();
        let result = self.fetched(spec, file);
        if result.is_err() {
            // A folder of nothing looks as if a data set were there. What keeps a part is not empty, and stays.
            let _ = made.iter().try_for_each(std::fs::remove_dir);
        }
        result
    }

    fn fetched(&self, spec: &DatasetSpec, file: &Download) -> Result<State, Failure> {
        let folder = self.folder(spec)?;
        let mut part = Part::open(&folder, &file.name).map_err(Failure::Failed)?;
        // Another process may have fetched it while this one waited for the lock.
        if let Some(there) = self.there(spec, file)? {
            return Ok(there);
        }
        self.ask_mirrors(spec, file, &mut part)?;
        part.finish().map(State::Fetched).map_err(Failure::Failed)
    }

    /// Where the file is already. One of its name that is not the declared one is in the way, and stays.
    fn there(&self, spec: &DatasetSpec, file: &Download) -> Result<Option<State>, Failure> {
        let source = Source { spec, directories: self.directories, watch: &Deaf };
        match file.place(&source).map_err(Failure::Failed)? {
            None => Ok(None),
            Some((Place::BuiltIn(_), _)) => Ok(Some(State::BuiltIn)),
            Some((Place::At(path), Ok(()))) => Ok(Some(State::There(path))),
            Some((Place::At(path), Err(why))) => Err(Failure::Failed(format!(
                "{}: {why}. Nothing that is there is overwritten: move it away or remove it, and run the same command \
                 again",
                path.display()
            ))),
        }
    }

    /// The data set's folder below the data directory, made where it is not there.
    fn folder(&self, spec: &DatasetSpec) -> Result<PathBuf, Failure> {
        let folder = self.into.join(&spec.folder);
        let told = |e: std::io::Error| {
            Failure::Failed(format!("cannot write {}: {e}; `--data DIR` names another place", folder.display()))
        };
        std::fs::create_dir_all(&folder).map_err(told)?;
        let (place, root) = (folder.canonicalize().map_err(told)?, self.into.canonicalize().map_err(told)?);
        match place.starts_with(&root) {
            true => Ok(folder),
            false => Err(Failure::Failed(format!(
                "{}: this link leads out of the data directory: name the directory that it leads to with `--data DIR`",
                folder.display()
            ))),
        }
    }

    /// Asks one mirror after the other, and those that may yet answer again.
    fn ask_mirrors(&self, spec: &DatasetSpec, file: &Download, part: &mut Part) -> Result<(), Failure> {
        let mut mirrors: Vec<&str> = spec.mirrors.iter().map(String::as_str).collect();
        let mut reasons = Reasons::default();
        for round in 0..ROUNDS {
            if round > 0 {
                self.pause(round, part)?;
            }
            let mut again = Vec::new();
            for mirror in mirrors {
                let attempt = Attempt { fetch: self, file, address: address(mirror, &file.name) };
                match attempt.run(part) {
                    Ok(()) => return Ok(()),
                    Err(Failed::Interrupted) => return Err(Failure::Interrupted(part.kept())),
                    Err(Failed::Here(why)) => return Err(Failure::Failed(why)),
                    Err(Failed::Lost(why)) => {
                        reasons.add(self.watch, attempt.address, why);
                        again.push(mirror);
                    }
                    Err(Failed::Refused(why) | Failed::Stale(why)) => reasons.add(self.watch, attempt.address, why),
                }
            }
            if again.is_empty() {
                break;
            }
            mirrors = again;
        }
        let kept = part.kept().map(|path| format!(". {} keeps what came: the same command goes on.", path.display()));
        let why = format!(
            "{} of {} could not be fetched from any mirror{}\nTo come by it otherwise, {}",
            file.name,
            spec.name,
            kept.unwrap_or_default(),
            other_ways(spec, file)
        );
        Err(Failure::Refused { why, reasons: reasons.0.iter().map(|(at, why)| format!("{at}: {why}")).collect() })
    }

    /// A while before mirrors are asked again: longer from time to time, and no longer than they may be silent.
    fn pause(&self, round: u32, part: &Part) -> Result<(), Failure> {
        let until = Instant::now() + self.stall * round / 10;
        while Instant::now() < until {
            if self.stop.load(Ordering::Relaxed) {
                return Err(Failure::Interrupted(part.kept()));
            }
            std::thread::sleep(GLANCE.min(until.saturating_duration_since(Instant::now())));
        }
        Ok(())
    }
}

/// How to come by a file without this command, as the end of a sentence.
fn other_ways(spec: &DatasetSpec, file: &Download) -> String {
    let homepage = spec.homepage.as_ref().map(|page| format!(" (its homepage: {page})")).unwrap_or_default();
    by_hand(spec, &file.name) + &homepage
}

/// The last reason of each address.
#[derive(Default)]
struct Reasons(Vec<(String, String)>);

impl Reasons {
    fn add(&mut self, watch: &dyn Watch, address: String, why: String) {
        watch.said(&format!("{address}: {why}"));
        self.0.retain(|(other, _)| *other != address);
        self.0.push((address, why));
    }
}

/// Where a mirror has a file: what an address cannot hold of its name is written %20.
fn address(mirror: &str, name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let part = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    mirror.to_string() + &name.bytes().map(part).collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_at_its_mirror_and_name_which_cannot_say_more_than_a_name() {
        assert_eq!(
            address("https://a.org/b/", "train-images.idx3_ubyte.gz"),
            "https://a.org/b/train-images.idx3_ubyte.gz"
        );
        assert_eq!(address("http://a.org/?of=", "a b?c#é"), "http://a.org/?of=a%20b%3Fc%23%C3%A9");
    }
}
