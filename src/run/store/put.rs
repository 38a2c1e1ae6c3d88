//! Writing to the store: each step whole, or not at all.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use serde_json::Value;

use super::super::record_file::{self, Stored};
use super::super::scratch::{self, Scratch, told};
use super::super::{mark, ticket_file};
use super::parts::{HASH, RECORD, STEPS, TICKET, TMP};
use super::{Store, hash, snapshot};
use crate::record::Record;
use crate::ticket::Ticket;

impl Store {
    /// An error where nothing can be written here.
    pub fn prepare(&self) -> Result<(), String> {
        let steps = self.root.join(STEPS);
        create(&steps)?;
        tempfile::tempfile_in(&steps).map_err(|e| told(&steps, &e))?;
        self.scratch().map(drop)
    }

    /// Writes a completed step: all of it, or nothing. Gives what to say where a broken one was in its place.
    pub fn put(
        &self,
        inputs: &Value,
        record: &Record,
        ticket: &Ticket,
        snapshots: &[(u64, Ticket)],
    ) -> Result<Option<String>, String> {
        self.made(&record.step, |temporary| {
            fill(temporary, inputs, record, ticket, snapshots)?;
            self.settle(temporary, &record.step)
        })
    }

    /// Adds a snapshot to a step that is complete already and claimed. One that is there stays: where it is broken, the next
    /// rewind to it says so.
    pub fn put_snapshot(&self, id: &str, k: u64, ticket: &Ticket) -> Result<(), String> {
        let (folder, name) = (self.step(id), PathBuf::from(snapshot(k)));
        if folder.join(&name).exists() {
            return Ok(());
        }
        self.made(id, |temporary| {
            write_snapshot(temporary, k, ticket)?;
            // The hash first: without its file it says nothing, and the other way round would be no snapshot.
            for name in [name.with_extension(HASH), name] {
                let place = folder.join(&name);
                fs::rename(temporary.join(&name), &place).map_err(|e| told(&place, &e))?;
                sync(&folder)?;
            }
            remove(temporary)
        })
    }

    /// Makes something in a temporary folder, of which nothing stays where that fails: its room may be what others lack.
    fn made<T>(&self, id: &str, make: impl FnOnce(&Path) -> Result<T, String>) -> Result<T, String> {
        let temporary = self.scratch()?.folder(id)?;
        make(&temporary).inspect_err(|_| drop(fs::remove_dir_all(&temporary)))
    }

    /// Removes what killed runs left unfinished, as every run does that writes.
    pub fn tidy(&self) {
        scratch::clean(&self.root.join(TMP));
    }

    /// Where this process writes what is not finished.
    pub(in crate::run) fn scratch(&self) -> Result<Arc<Scratch>, String> {
        let mut held = self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(scratch) = &*held {
            return Ok(scratch.clone());
        }
        let scratch = Arc::new(Scratch::open(&self.root.join(TMP))?);
        *held = Some(scratch.clone());
        Ok(scratch)
    }

    /// Renames a finished folder into place. Another run may have put the same step there meanwhile: its is kept. A
    /// broken one is set aside, which is to be said.
    fn settle(&self, temporary: &Path, id: &str) -> Result<Option<String>, String> {
        let place = self.step(id);
        let shelf = place.parent().unwrap_or(&self.root);
        let is_new = !shelf.exists();
        create(shelf)?;
        // What is renamed is there with its files, in a power cut too.
        sync(temporary)?;
        let said = if self.complete(id).is_none() { self.set_aside(id)? } else { None };
        match fs::rename(temporary, &place) {
            Ok(()) if is_new => sync(shelf).and_then(|()| sync(&self.root.join(STEPS)))?,
            Ok(()) => sync(shelf)?,
            Err(_) if self.complete(id).is_some() => remove(temporary)?,
            Err(e) => return Err(told(&place, &e)),
        }
        Ok(said.map(|said| said + ", the step that ran anew is in its place"))
    }
}

/// Writes all files of a step into a folder.
fn fill(
    folder: &Path,
    inputs: &Value,
    record: &Record,
    ticket: &Ticket,
    snapshots: &[(u64, Ticket)],
) -> Result<(), String> {
    let bytes = ticket_file::to_bytes(ticket)?;
    write(&folder.join(TICKET), &bytes)?;
    for (k, ticket) in snapshots {
        write_snapshot(folder, *k, ticket)?;
    }
    let stored = Stored { inputs: inputs.clone(), ticket: hash(&bytes), record: record.clone() };
    write(&folder.join(RECORD), &record_file::to_bytes(&stored)?)?;
    mark::put(&folder.join(TICKET), &stored.ticket);
    Ok(())
}

fn write_snapshot(folder: &Path, k: u64, ticket: &Ticket) -> Result<(), String> {
    let (path, bytes) = (folder.join(snapshot(k)), ticket_file::to_bytes(ticket)?);
    write(&path, &bytes)?;
    write(&path.with_extension(HASH), hash(&bytes).as_bytes())
}

pub(super) fn create(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|e| told(folder, &e))
}

pub(super) fn remove(folder: &Path) -> Result<(), String> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(told(folder, &e)),
        _ => Ok(()),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let written = File::create(path).and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.map_err(|e| told(path, &e))
}

/// Makes a rename last: the folder that holds the entry is synced too.
fn sync(folder: &Path) -> Result<(), String> {
    File::open(folder).and_then(|f| f.sync_all()).map_err(|e| told(folder, &e))
}
