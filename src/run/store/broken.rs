//! What is in the store and is not as it was written: found, told, and set aside. It is never deleted unseen.

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{HASH, Store, TICKET, hash, snapshot};
use crate::run::record_file::{self, Brief, Outlined};
use crate::run::scratch::told;

/// Broken forms of one step that are kept; the last gives way to more.
const KEPT: u32 = 3;

/// A file, and why it is no result: "runs/steps/ab/ab…/ticket.safetensors is empty".
#[derive(Clone, Debug, PartialEq)]
pub struct Broken {
    path: PathBuf,
    why: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path.display(), self.why)
    }
}

impl Broken {
    /// The same without the folder, for who knows which step it is.
    pub fn brief(&self) -> String {
        let name = self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        format!("{name} {}", self.why)
    }
}

impl Store {
    /// What is wrong with a step that is here; `None` where it is not here at all, or is sound.
    pub fn broken(&self, id: &str) -> Option<Broken> {
        let (folder, record) = (self.step(id), self.step(id).join(RECORD));
        if !folder.is_dir() {
            return None;
        }
        let broken = |path: &Path, why: String| Some(Broken { path: path.into(), why });
        let bytes = match whole(&record) {
            Ok(bytes) => bytes,
            Err(why) => return broken(&record, why),
        };
        let outlined = record_file::outlined::<Brief>(&bytes).filter(|outlined| outlined.record.step == id);
        let Some(Outlined { ticket: expected, .. }) = outlined else { return broken(&record, NOT_AS_WRITTEN.into()) };
        let ticket = folder.join(TICKET);
        match whole(&ticket) {
            Err(why) => broken(&ticket, why),
            Ok(bytes) if hash(&bytes) != expected => broken(&ticket, NOT_AS_WRITTEN.into()),
            Ok(_) => None,
        }
    }

    /// What is wrong with a snapshot; `None` where there is none, or it is sound.
    pub fn broken_snapshot(&self, id: &str, k: u64) -> Option<Broken> {
        let path = self.step(id).join(snapshot(k));
        let why = match whole(&path) {
            _ if !path.exists() => return None,
            Err(why) => why,
            Ok(bytes) => match fs::read_to_string(path.with_extension(HASH)) {
                Ok(written) if written == hash(&bytes) => return None,
                _ => NOT_AS_WRITTEN.into(),
            },
        };
        Some(Broken { path, why })
    }

    /// Moves a step out of the way that is broken, and says so.
    pub fn set_aside(&self, id: &str) -> Result<Option<String>, String> {
        let Some(broken) = self.broken(id) else { return Ok(None) };
        let aside = self.aside(id)?;
        moved(&self.step(id), &aside)?;
        Ok(Some(said(&broken, &aside)))
    }

    /// Moves a snapshot out of the way that is broken, with its hash, and says so.
    pub fn set_snapshot_aside(&self, id: &str, k: u64) -> Result<Option<String>, String> {
        let Some(broken) = self.broken_snapshot(id, k) else { return Ok(None) };
        let (aside, name) = (self.aside(id)?, PathBuf::from(snapshot(k)));
        super::put::create(&aside)?;
        for name in [name.clone(), name.with_extension(HASH)] {
            if self.step(id).join(&name).exists() {
                moved(&self.step(id).join(&name), &aside.join(&name))?;
            }
        }
        Ok(Some(said(&broken, &aside)))
    }

    /// A place below `broken/` where nothing is; nothing is any more.
    fn aside(&self, id: &str) -> Result<PathBuf, String> {
        let broken = self.root().join(BROKEN);
        super::put::create(&broken)?;
        let mut places = (1..=KEPT).map(|n| broken.join(format!("{id}-{n}")));
        let free = places.find(|place| !place.exists());
        match free {
            Some(place) => Ok(place),
            None => {
                let last = broken.join(format!("{id}-{KEPT}"));
                super::put::remove(&last)?;
                Ok(last)
            }
        }
    }
}

/// Where broken steps are set aside.
pub const BROKEN: &str = "broken";
const RECORD: &str = "record.json";
const NOT_AS_WRITTEN: &str = "is not as it was written";

/// A file's bytes, or why there are none, as the end of a sentence.
fn whole(path: &Path) -> Result<Vec<u8>, String> {
    match fs::read(path) {
        Ok(bytes) if bytes.is_empty() => Err("is empty".into()),
        Ok(bytes) => Ok(bytes),
        Err(e) if e.kind() == ErrorKind::NotFound => Err("is missing".into()),
        Err(e) => Err(format!("cannot be read ({e})")),
    }
}

fn said(broken: &Broken, aside: &Path) -> String {
    format!("{broken}: set aside in {}", aside.display())
}

/// What another run has moved meanwhile is moved.
fn moved(from: &Path, to: &Path) -> Result<(), String> {
    fs::rename(from, to).or_else(|e| if e.kind() == ErrorKind::NotFound { Ok(()) } else { Err(told(from, &e)) })
}
