//! The store: what each completed step left, by its content id.
//!
//! `steps/ab/abcd…/` holds `ticket.safetensors`, `record.json` and snapshots `at-500it.safetensors`. A step is written
//! into a folder of its own under `tmp/` (see `scratch`), synced, and renamed into place, so it is there whole or not at
//! all; two runs that write the same step write the same bytes, and the second finds it there. A file that does not read
//! back as it was written is no result: the step counts as not run, is set aside in `broken/`, and is computed anew.

mod broken;
mod contents;
mod hold;
mod notes;
pub(in crate::run) mod parts;
mod put;

pub use broken::Broken;
pub use contents::{About, Contents, Leftover, Shelved};
pub use hold::Held;
pub use notes::{BadNote, Note, ids_in};

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde::de::DeserializeOwned;

use self::parts::{HASH, RECORD, STEPS, TICKET};
use super::record_file::{self, Brief, Outline, Outlined, Past, Stored};
use super::scratch::Scratch;
use super::{mark, ticket_file};
use crate::record::{Record, Shelf};
use crate::ticket::Ticket;

/// A folder of completed steps.
pub struct Store {
    root: PathBuf,
    /// Made when it is first needed.
    scratch: Mutex<Option<Arc<Scratch>>>,
}

impl Store {
    /// The store in a folder, which need not exist yet. Nothing is written before the first step is put.
    pub fn open(root: &Path) -> Store {
        Store { root: root.to_path_buf(), scratch: Mutex::new(None) }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    fn step(&self, id: &str) -> PathBuf {
        self.root.join(STEPS).join(&id[..2]).join(id)
    }

    /// What a completed step left; `None` where it has not run, or its record does not read back as written.
    pub fn stored(&self, id: &str) -> Option<Stored> {
        let stored: Stored = self.read(id)?;
        (stored.record.step == id && self.step(id).join(TICKET).exists()).then_some(stored)
    }

    /// What a recorded step was made of, and what it measured but for its curve; its ticket is not looked at.
    pub fn past(&self, id: &str) -> Option<Past> {
        record_file::past(&self.bytes(id)?)
    }

    fn read<T: DeserializeOwned>(&self, id: &str) -> Option<T> {
        record_file::read(&self.bytes(id)?)
    }

    /// A step's `record.json`.
    fn bytes(&self, id: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let n = self.bytes_into(id, &mut bytes)?;
        bytes.truncate(n);
        Some(bytes)
    }

    /// The same at the beginning of a buffer, and how many bytes it is. Who reads many has one buffer for all.
    fn bytes_into(&self, id: &str, buffer: &mut Vec<u8>) -> Option<usize> {
        let mut file = File::open(self.step(id).join(RECORD)).ok()?;
        let mut n = 0;
        loop {
            if n == buffer.len() {
                buffer.resize((2 * n).max(1 << 15), 0);
            }
            match file.read(&mut buffer[n..]) {
                Ok(0) => return Some(n),
                Ok(more) => n += more,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
    }

    /// The id of every step that is here, in no order.
    pub fn all(&self) -> impl Iterator<Item = String> + '_ {
        let folders = |path: PathBuf| fs::read_dir(path).into_iter().flatten().flatten();
        let steps = folders(self.root.join(STEPS)).flat_map(move |entry| folders(entry.path()));
        steps.filter_map(move |entry| entry.file_name().into_string().ok().filter(|name| is_id(name)))
    }

    /// Whether a step is complete: record and ticket both there, the ticket with the bytes that the record names. Gives
    /// its record without the curve.
    ///
    /// A ticket that was not written since its hash was last checked is not read again: stores are far larger than
    /// what a run must know of them.
    pub fn complete(&self, id: &str) -> Option<Record> {
        let Outlined { ticket, record } = record_file::outlined::<Outline>(&self.bytes(id)?)?;
        (record.step == id && self.sound(id, &ticket)).then(|| record.into())
    }

    /// The files of a completed step, without its snapshots.
    pub fn files(&self, id: &str) -> Option<Vec<PathBuf>> {
        self.complete(id)?;
        Some([RECORD, TICKET].map(|name| self.step(id).join(name)).into())
    }

    /// A completed step's record, in brief. Who asks for many steps has one buffer for all.
    pub fn brief(&self, id: &str, buffer: &mut Vec<u8>) -> Option<Brief> {
        let n = self.bytes_into(id, buffer)?;
        let Outlined { ticket, record } = record_file::outlined::<Brief>(&buffer[..n])?;
        (record.step == id && self.sound(id, &ticket)).then_some(record)
    }

    /// Whether a step's ticket has this hash.
    fn sound(&self, id: &str, hash: &str) -> bool {
        let path = self.step(id).join(TICKET);
        mark::is_on(&path, hash) || self.is(&path, hash)
    }

    /// Whether a file has this hash; then it is marked.
    fn is(&self, path: &Path, expected: &str) -> bool {
        let sound = fs::read(path).is_ok_and(|bytes| hash(&bytes) == expected);
        if sound {
            mark::put(path, expected);
        }
        sound
    }

    /// A completed step's ticket; an error where it is not what was written.
    pub fn ticket(&self, id: &str) -> Result<Ticket, String> {
        let path = self.step(id).join(TICKET);
        let bytes = fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        match self
            .bytes(id)
            .and_then(|bytes| record_file::outlined::<Brief>(&bytes))
            .is_some_and(|outlined| hash(&bytes) == outlined.ticket)
        {
            true => ticket_file::from_bytes(&bytes).map_err(|e| format!("{}: {e}", path.display())),
            false => {
                // The next run finds it out, and computes the step anew.
                mark::take(&path);
                Err(format!("{} has changed since it was written: run again to mend it", path.display()))
            }
        }
    }

    /// The ticket at position `k` of a training, where it was kept and is as it was written.
    pub fn snapshot(&self, id: &str, k: u64) -> Option<Ticket> {
        let path = self.step(id).join(snapshot(k));
        let bytes = fs::read(&path).ok()?;
        let written = fs::read_to_string(path.with_extension(HASH)).ok()?;
        (hash(&bytes) == written).then(|| ticket_file::from_bytes(&bytes).ok())?
    }
}

impl Shelf for Store {
    fn record(&self, step: &str) -> Option<Record> {
        Some(self.stored(step)?.record)
    }

    fn json(&self, step: &str) -> Option<String> {
        record_file::record_line(&self.bytes(step)?)
    }
}

/// Whether this is spelled as a step's id.
pub fn is_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn snapshot(k: u64) -> String {
    format!("at-{k}it.safetensors")
}

fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

#[cfg(test)]
mod tests;
