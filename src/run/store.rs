//! The store: what each completed step left, by its content id.
//!
//! `steps/ab/abcd…/` holds `ticket.safetensors`, `record.json` and snapshots `at-500it.safetensors`. A step is written
//! into a folder of its own under `tmp/` (see `scratch`), synced, and renamed into place, so it is there whole or not at
//! all; two runs that write the same step write the same bytes, and the second finds it there. A file that does not read
//! back as it was written is no result: the step counts as not run, and is computed anew.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::record_file::{self, Outlined, Past, Stored};
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

    /// An error where nothing can be written here.
    pub fn prepare(&self) -> Result<(), String> {
        let steps = self.root.join("steps");
        create(&steps)?;
        tempfile::tempfile_in(&steps).map_err(|e| unwritable(&steps, &e))?;
        self.scratch().map(drop)
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    fn step(&self, id: &str) -> PathBuf {
        self.root.join("steps").join(&id[..2]).join(id)
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
        fs::read(self.step(id).join("record.json")).ok()
    }

    /// The id of every step that is here, in no order.
    pub fn all(&self) -> impl Iterator<Item = String> + '_ {
        let folders = |path: PathBuf| fs::read_dir(path).into_iter().flatten().flatten();
        let steps = folders(self.root.join("steps")).flat_map(move |entry| folders(entry.path()));
        let is_id = |name: &String| name.len() == 32 && name.bytes().all(|b| b.is_ascii_hexdigit());
        steps.filter_map(move |entry| entry.file_name().into_string().ok().filter(is_id))
    }

    /// Whether a step is complete: record and ticket both there, the ticket with the bytes that the record names. Gives
    /// its record without the curve.
    ///
    /// A ticket that was not written since its hash was last checked is not read again: stores are far larger than
    /// what a run must know of them.
    pub fn complete(&self, id: &str) -> Option<Record> {
        let Outlined { ticket, record } = record_file::outlined(&self.bytes(id)?)?;
        let path = self.step(id).join(TICKET);
        let sound = mark::is_on(&path, &ticket) || self.is(&path, &ticket);
        (sound && record.step == id).then(|| record.into())
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
            .and_then(|bytes| record_file::outlined(&bytes))
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

    /// Writes a completed step: all of it, or nothing.
    pub fn put(
        &self,
        inputs: &Value,
        record: &Record,
        ticket: &Ticket,
        snapshots: &[(u64, Ticket)],
    ) -> Result<(), String> {
        let id = &record.step;
        let temporary = self.scratch()?.folder(id)?;
        let bytes = ticket_file::to_bytes(ticket)?;
        write(&temporary.join(TICKET), &bytes)?;
        for (k, ticket) in snapshots {
            write_snapshot(&temporary, *k, ticket)?;
        }
        let stored = Stored { inputs: inputs.clone(), ticket: hash(&bytes), record: record.clone() };
        write(&temporary.join("record.json"), &record_file::to_bytes(&stored)?)?;
        mark::put(&temporary.join(TICKET), &stored.ticket);
        self.settle(&temporary, id)
    }

    /// Adds a snapshot to a step that is complete already.
    pub fn put_snapshot(&self, id: &str, k: u64, ticket: &Ticket) -> Result<(), String> {
        let temporary = self.scratch()?.folder(id)?;
        write_snapshot(&temporary, k, ticket)?;
        let name = PathBuf::from(snapshot(k));
        // The hash first: without its file it says nothing, and the other way round would be no snapshot.
        for name in [name.with_extension(HASH), name] {
            let place = self.step(id).join(&name);
            fs::rename(temporary.join(&name), &place).map_err(|e| format!("{}: {e}", place.display()))?;
        }
        remove(&temporary)
    }

    fn scratch(&self) -> Result<Arc<Scratch>, String> {
        let mut held = self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(scratch) = &*held {
            return Ok(scratch.clone());
        }
        let scratch = Arc::new(Scratch::open(&self.root.join("tmp"))?);
        *held = Some(scratch.clone());
        Ok(scratch)
    }

    /// Renames a finished folder into place. Another run may have put the same step there meanwhile: its is kept. A
    /// broken one gives way.
    fn settle(&self, temporary: &Path, id: &str) -> Result<(), String> {
        let place = self.step(id);
        let parent = place.parent().unwrap_or(&self.root);
        create(parent)?;
        if place.exists() {
            if self.complete(id).is_some() {
                return remove(temporary);
            }
            let aside = self.scratch()?.place("broken");
            fs::rename(&place, &aside).map_err(|e| format!("{}: {e}", place.display()))?;
            remove(&aside)?;
        }
        match fs::rename(temporary, &place) {
            Ok(()) => sync(parent),
            Err(_) if self.complete(id).is_some() => remove(temporary),
            Err(e) => Err(format!("{}: {e}", place.display())),
        }
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

const TICKET: &str = "ticket.safetensors";

fn snapshot(k: u64) -> String {
    format!("at-{k}it.safetensors")
}

/// Beside each snapshot lies its BLAKE3.
const HASH: &str = "blake3";

fn write_snapshot(folder: &Path, k: u64, ticket: &Ticket) -> Result<(), String> {
    let (path, bytes) = (folder.join(snapshot(k)), ticket_file::to_bytes(ticket)?);
    write(&path, &bytes)?;
    write(&path.with_extension(HASH), hash(&bytes).as_bytes())
}

fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

fn create(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|e| unwritable(folder, &e))
}

fn unwritable(path: &Path, error: &std::io::Error) -> String {
    format!("cannot write to the store: {}: {error}; `--runs DIR` names another place", path.display())
}

fn remove(folder: &Path) -> Result<(), String> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(format!("{}: {e}", folder.display())),
        _ => Ok(()),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let written = File::create(path).and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.map_err(|e| unwritable(path, &e))
}

/// Makes a rename last: the folder that holds the entry is synced too.
fn sync(folder: &Path) -> Result<(), String> {
    File::open(folder).and_then(|f| f.sync_all()).map_err(|e| format!("{}: {e}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ticket::Array;

    const ID: &str = "ab000000000000000000000000000000";

    fn record() -> Record {
        Record {
            step: ID.into(),
            stage: "init".into(),
            parent: None,
            layers: Vec::new(),
            training: None,
            scores: None,
            seconds: 1.5,
            provenance: Default::default(),
        }
    }

    fn filled() -> (tempfile::TempDir, Store, Ticket) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path());
        let mut ticket = Ticket::default();
        ticket.arrays.insert("w".into(), Array { shape: vec![2], values: vec![1.0, -0.0] });
        store.put(&Value::Null, &record(), &ticket, &[(5, ticket.clone())]).unwrap();
        (folder, store, ticket)
    }

    #[test]
    fn a_step_is_there_whole_and_leaves_nothing_behind() {
        let (folder, store, ticket) = filled();
        assert_eq!(store.complete(ID), Some(record()));
        assert_eq!(store.ticket(ID), Ok(ticket.clone()));
        assert_eq!(store.snapshot(ID, 5), Some(ticket));
        assert_eq!(store.snapshot(ID, 6), None);
        drop(store);
        assert_eq!(fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);
    }

    #[test]
    fn a_flipped_bit_in_a_ticket_is_no_result_and_a_second_write_mends_it() {
        let (_folder, store, ticket) = filled();
        let path = store.step(ID).join("ticket.safetensors");
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, bytes).unwrap();
        assert_eq!(store.complete(ID), None);
        store.put(&Value::Null, &record(), &ticket, &[]).unwrap();
        assert_eq!(store.complete(ID), Some(record()));
    }

    #[test]
    fn a_flip_that_left_the_time_alone_is_found_where_the_ticket_is_read_and_mended_by_the_next_run() {
        let (_folder, store, ticket) = filled();
        let path = store.step(ID).join(TICKET);
        let written = fs::metadata(&path).unwrap().modified().unwrap();
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, bytes).unwrap();
        File::options().write(true).open(&path).unwrap().set_modified(written).unwrap();
        assert!(store.ticket(ID).unwrap_err().contains("run again to mend it"));
        assert_eq!(store.complete(ID), None);
        store.put(&Value::Null, &record(), &ticket, &[]).unwrap();
        assert_eq!(store.ticket(ID), Ok(ticket));
    }

    #[test]
    fn a_ticket_that_was_copied_is_read_once_and_then_known() {
        let (_folder, store, _) = filled();
        let path = store.step(ID).join(TICKET);
        let ticket = store.stored(ID).unwrap().ticket;
        assert!(mark::is_on(&path, &ticket));
        fs::write(&path, fs::read(&path).unwrap()).unwrap();
        assert!(!mark::is_on(&path, &ticket));
        assert_eq!(store.complete(ID), Some(record()));
        assert!(mark::is_on(&path, &ticket));
    }

    #[test]
    fn a_record_as_it_was_sealed_at_first_is_still_one_and_not_where_it_was_edited() {
        let (_folder, store, _) = filled();
        let path = store.step(ID).join("record.json");
        let line = store.json(ID).unwrap();
        assert_eq!(line, serde_json::to_string(&self::record()).unwrap());
        let Stored { inputs, ticket, record } = store.stored(ID).unwrap();
        let seal = hash(&serde_json::to_vec(&(&inputs, &ticket, &record)).unwrap());
        let first = serde_json::json!({ "inputs": inputs, "ticket": ticket, "record": record, "seal": seal });
        fs::write(&path, format!("{first:#}")).unwrap();
        assert_eq!(store.complete(ID), Some(self::record()));
        assert_eq!(store.json(ID), Some(line));
        fs::write(&path, format!("{first:#}").replace("1.5", "0.5")).unwrap();
        assert_eq!(store.complete(ID), None);
    }

    #[test]
    fn what_is_read_without_the_curve_is_the_rest_of_the_record() {
        let (_folder, store, ticket) = filled();
        let id = "cd000000000000000000000000000000";
        let curve = crate::record::Curve { iteration: vec![0, 5], ..Default::default() };
        let learned = "a brace } and \"curve\":{".to_string();
        let training = crate::record::TrainingRecord { learned, from: 0, to: 5, curve, diverged: Some(3) };
        let whole = Record { step: id.into(), training: Some(training.clone()), ..record() };
        let inputs = serde_json::json!({ "stage": "} \"record\":{" });
        store.put(&inputs, &whole, &ticket, &[]).unwrap();
        assert_eq!(store.stored(id).unwrap().record, whole);
        let rest = crate::record::TrainingRecord { curve: Default::default(), ..training };
        let rest = Record { training: Some(rest), ..whole };
        assert_eq!(store.complete(id), Some(rest.clone()));
        let past = store.past(id).unwrap();
        assert_eq!((past.inputs, past.record), (inputs, rest));
    }

    #[test]
    fn a_flipped_bit_in_a_snapshot_makes_it_none() {
        let (_folder, store, _) = filled();
        let path = store.step(ID).join(snapshot(5));
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, bytes).unwrap();
        assert_eq!(store.snapshot(ID, 5), None);
    }

    #[test]
    fn an_edited_record_is_no_result() {
        let (_folder, store, _) = filled();
        let path = store.step(ID).join("record.json");
        fs::write(&path, fs::read_to_string(&path).unwrap().replace("1.5", "0.5")).unwrap();
        assert_eq!(store.complete(ID), None);
    }

    #[test]
    fn a_folder_that_is_no_step_is_passed_over() {
        let (folder, store, _) = filled();
        fs::create_dir_all(folder.path().join("steps/ab/aéb")).unwrap();
        assert_eq!(store.all().count(), 1);
    }

    #[test]
    fn a_record_without_its_ticket_is_not_done() {
        let (_folder, store, _) = filled();
        fs::remove_file(store.step(ID).join("ticket.safetensors")).unwrap();
        assert_eq!(store.complete(ID), None);
        assert_eq!(Shelf::record(&store, ID), None);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("runs");
        fs::write(&file, "in the way").unwrap();
        let error = Store::open(&file).put(&Value::Null, &record(), &Ticket::default(), &[]).unwrap_err();
        assert!(error.contains("runs"), "{error}");
    }
}
