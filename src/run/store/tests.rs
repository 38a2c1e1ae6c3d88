use std::fs::File;

use serde_json::Value;

use super::parts::*;
use super::*;
use crate::ticket::Array;

const ID: &str = "ab000000000000000000000000000000";

fn record() -> Record {
    Record {
        step: ID.into(),
        stage: "init".into(),
        parent: None,
        layers: Vec::new(),
        fingerprint: None,
        training: None,
        scores: None,
        measured: vec![crate::record::Measured::number("q", "fraction", 0.01)],
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
    let (folder, store, ticket) = filled();
    let path = store.step(ID).join("ticket.safetensors");
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    assert_eq!(store.complete(ID), None);
    let said = store.put(&Value::Null, &record(), &ticket, &[]).unwrap().unwrap();
    assert!(said.contains("is not as it was written: set aside in ") && said.contains("broken/ab"), "{said}");
    assert_eq!(store.complete(ID), Some(record()));
    assert_eq!(store.put(&Value::Null, &record(), &ticket, &[]), Ok(None), "of a sound one nothing is said");
    drop(store);
    assert_eq!(fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);
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
fn a_snapshot_never_takes_the_place_of_one_that_is_there_and_leaves_nothing_half_written() {
    let (folder, store, ticket) = filled();
    let path = store.step(ID).join(snapshot(5));
    fs::write(&path, "broken").unwrap();
    store.put_snapshot(ID, 5, &ticket).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "broken", "nobody was told of it");
    let said = store.set_snapshot_aside(ID, 5).unwrap().unwrap();
    assert!(said.contains("at-5it.safetensors is not as it was written: set aside in "), "{said}");
    store.put_snapshot(ID, 5, &ticket).unwrap();
    assert_eq!(store.snapshot(ID, 5), Some(ticket.clone()));
    fs::create_dir(store.step(ID).join("at-7it.blake3")).unwrap();
    assert!(store.put_snapshot(ID, 7, &ticket).is_err());
    let own = fs::read_dir(folder.path().join("tmp")).unwrap().flatten().find(|entry| entry.path().is_dir()).unwrap();
    assert_eq!(fs::read_dir(own.path()).unwrap().count(), 0);
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
