//! What is in the store and is not as it was written: found, told, and set aside. It is never deleted unseen. What cannot
//! be read may be as it was written: it is told, and stays where it is.

use std::fmt;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::parts::{BROKEN, HASH, RECORD, TICKET};
use super::{Store, hash, snapshot};
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

/// Why a file does not give what was written.
enum Flaw {
    Broken(Broken),
    /// It may be sound, but the system does not give it.
    Unread(String),
}

impl Flaw {
    fn broken(path: &Path, why: &str) -> Flaw {
        Flaw::Broken(Broken { path: path.into(), why: why.into() })
    }

    fn unread(path: &Path, error: &io::Error) -> Flaw {
        let folder = path.parent().unwrap_or(path).display();
        Flaw::Unread(format!(
            "{} cannot be read: {error}: run the same command again when it can, or move {folder} away to have its step run anew",
            path.display()
        ))
    }
}

impl Store {
    /// What is wrong with a step that is here; `None` where it is not here at all, or is sound. An error where that cannot be
    /// told.
    pub fn broken(&self, id: &str) -> Result<Option<Broken>, String> {
        told_apart(self.checked(id))
    }

    fn checked(&self, id: &str) -> Result<(), Flaw> {
        let folder = self.step(id);
        if !is_there(&folder)? {
            return Ok(());
        }
        let (record, ticket) = (folder.join(RECORD), folder.join(TICKET));
        let outlined = record_file::outlined::<Brief>(&whole(&record)?).filter(|outlined| outlined.record.step == id);
        let Some(Outlined { ticket: expected, .. }) = outlined else {
            return Err(Flaw::broken(&record, NOT_AS_WRITTEN));
        };
        match hash(&whole(&ticket)?) == expected {
            true => Ok(()),
            false => Err(Flaw::broken(&ticket, NOT_AS_WRITTEN)),
        }
    }

    /// What is wrong with a snapshot; `None` where there is none, or it is sound. An error where that cannot be told.
    pub fn broken_snapshot(&self, id: &str, k: u64) -> Result<Option<Broken>, String> {
        told_apart(self.checked_snapshot(id, k))
    }

    fn checked_snapshot(&self, id: &str, k: u64) -> Result<(), Flaw> {
        let path = self.step(id).join(snapshot(k));
        if !is_there(&path)? {
            return Ok(());
        }
        let found = hash(&whole(&path)?);
        match whole(&path.with_extension(HASH)) {
            Ok(written) if written == found.as_bytes() => Ok(()),
            Err(Flaw::Unread(why)) => Err(Flaw::Unread(why)),
            _ => Err(Flaw::broken(&path, NOT_AS_WRITTEN)),
        }
    }

    /// Moves a step out of the way that is broken, and says so.
    pub fn set_aside(&self, id: &str) -> Result<Option<String>, String> {
        let Some(broken) = self.broken(id)? else { return Ok(None) };
        let aside = self.aside(id)?;
        moved(&self.step(id), &aside)?;
        Ok(Some(said(&broken, &aside)))
    }

    /// Moves a snapshot out of the way that is broken, with its hash, and says so.
    pub fn set_snapshot_aside(&self, id: &str, k: u64) -> Result<Option<String>, String> {
        let Some(broken) = self.broken_snapshot(id, k)? else { return Ok(None) };
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

const NOT_AS_WRITTEN: &str = "is not as it was written";

fn told_apart(checked: Result<(), Flaw>) -> Result<Option<Broken>, String> {
    match checked {
        Ok(()) => Ok(None),
        Err(Flaw::Broken(broken)) => Ok(Some(broken)),
        Err(Flaw::Unread(why)) => Err(why),
    }
}

/// A file's bytes.
fn whole(path: &Path) -> Result<Vec<u8>, Flaw> {
    let bytes = fs::read(path).map_err(|e| match e.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Flaw::broken(path, "is missing"),
        ErrorKind::IsADirectory => Flaw::broken(path, "is a folder"),
        _ => Flaw::unread(path, &e),
    })?;
    if bytes.is_empty() { Err(Flaw::broken(path, "is empty")) } else { Ok(bytes) }
}

/// Whether anything has this path.
fn is_there(path: &Path) -> Result<bool, Flaw> {
    match path.symlink_metadata() {
        Ok(_) => Ok(true),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
        Err(e) => Err(Flaw::unread(path, &e)),
    }
}

fn said(broken: &Broken, aside: &Path) -> String {
    format!("{broken}: set aside in {}", aside.display())
}

/// What another run has moved meanwhile is moved.
fn moved(from: &Path, to: &Path) -> Result<(), String> {
    fs::rename(from, to).or_else(|e| if e.kind() == ErrorKind::NotFound { Ok(()) } else { Err(told(from, &e)) })
}
