//! `record.json`: JSON with a field a line, the last of which seals the bytes before it.
//!
//! The seal is a hash of bytes, so that a record is proved without being read, and who reads it may skip what it does
//! not need: in a long experiment, curves are nearly all of it.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::record::{LayerCount, Measured, Provenance, Record, Scores, TrainingRecord};
use crate::ticket::Fingerprint;

/// All of a step's `record.json`.
#[derive(Deserialize, Serialize)]
pub struct Stored {
    /// What the step's id is the hash of.
    pub inputs: Value,
    /// BLAKE3 of `ticket.safetensors`.
    pub ticket: String,
    pub record: Record,
}

/// The same without inputs and curve.
#[derive(Deserialize)]
pub struct Outlined<R> {
    pub ticket: String,
    pub record: R,
}

/// What a plan must know of each of its steps that are recorded.
#[derive(Deserialize)]
pub struct Brief {
    pub step: String,
    pub training: Option<BriefTraining>,
    pub scores: Option<BriefScores>,
    pub provenance: BriefProvenance,
}

#[derive(Deserialize)]
pub struct BriefTraining {
    pub diverged: Option<u64>,
}

#[derive(Deserialize)]
pub struct BriefScores {
    pub validation_accuracy: Option<f64>,
}

#[derive(Deserialize)]
pub struct BriefProvenance {
    pub experiment: Option<String>,
}

/// What a recorded step tells a plan: inputs, and the record without its curve.
#[derive(Deserialize)]
pub struct Past {
    pub inputs: Value,
    #[serde(deserialize_with = "without_curve")]
    pub record: Record,
}

fn without_curve<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Record, D::Error> {
    Ok(Outline::deserialize(deserializer)?.into())
}

/// A record whose curve was passed over.
#[derive(Deserialize)]
pub struct Outline {
    pub step: String,
    stage: String,
    parent: Option<String>,
    layers: Vec<LayerCount>,
    #[serde(default)]
    fingerprint: Option<Fingerprint>,
    training: Option<OutlinedTraining>,
    scores: Option<Scores>,
    #[serde(default)]
    measured: Vec<Measured>,
    seconds: f64,
    provenance: Provenance,
}

#[derive(Deserialize)]
struct OutlinedTraining {
    learned: String,
    from: u64,
    to: u64,
    diverged: Option<u64>,
}

impl From<Outline> for Record {
    fn from(outline: Outline) -> Record {
        let Outline { step, stage, parent, layers, fingerprint, training, scores, measured, seconds, provenance } =
            outline;
        let training = training.map(|OutlinedTraining { learned, from, to, diverged }| {
            let curve = Default::default();
            TrainingRecord { learned, from, to, curve, diverged }
        });
        Record { step, stage, parent, layers, fingerprint, training, scores, measured, seconds, provenance }
    }
}

pub fn to_bytes(stored: &Stored) -> Result<Vec<u8>, String> {
    let json = |part: serde_json::Result<String>| part.map_err(|e| e.to_string());
    let inputs = json(serde_json::to_string(&stored.inputs))?;
    let ticket = json(serde_json::to_string(&stored.ticket))?;
    let record = json(serde_json::to_string(&stored.record))?;
    let text = format!("{{\"inputs\":{inputs},\n\"ticket\":{ticket},\n\"record\":{record},\n");
    let seal = seal(text.as_bytes());
    Ok((text + &seal).into_bytes())
}

/// As much as `T` holds of a record; `None` where it is not as it was written.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let whole = is_sealed(bytes) || was_sealed(bytes);
    whole.then(|| serde_json::from_slice(bytes).ok())?
}

/// What a record says but for inputs and curve, which are not even read as JSON where the file is as we write it.
pub fn outlined<R: DeserializeOwned>(bytes: &[u8]) -> Option<Outlined<R>> {
    if !is_sealed(bytes) {
        return read(bytes);
    }
    let [_, ticket, record] = lines(bytes)?;
    Some(Outlined {
        ticket: serde_json::from_str(ticket).ok()?,
        record: serde_json::from_str(&record_without_curve(record)).ok()?,
    })
}

/// What a record says but for its curve.
pub fn past(bytes: &[u8]) -> Option<Past> {
    if !is_sealed(bytes) {
        return read(bytes);
    }
    let [inputs, _, record] = lines(bytes)?;
    let record: Outline = serde_json::from_str(&record_without_curve(record)).ok()?;
    Some(Past { inputs: serde_json::from_str(inputs).ok()?, record: record.into() })
}

/// Inputs, ticket and record, each as JSON: there is no line feed inside.
fn lines(bytes: &[u8]) -> Option<[&str; 3]> {
    let mut lines = std::str::from_utf8(bytes).ok()?.lines();
    let mut next = |key: &str| lines.next()?.strip_prefix(key)?.strip_suffix(',');
    Some([next("{\"inputs\":")?, next("\"ticket\":")?, next("\"record\":")?])
}

/// A curve is lists of numbers, so that the next brace ends it; and no text holds these quotation marks unescaped.
fn record_without_curve(record: &str) -> Cow<'_, str> {
    const CURVE: &str = "\"curve\":{";
    let cut = record.split_once(CURVE).and_then(|(before, rest)| Some((before, rest.split_once('}')?.1)));
    cut.map_or(Cow::Borrowed(record), |(before, after)| Cow::Owned(format!("{before}\"curve\":null{after}")))
}

/// The record alone, as its line of JSON, without reading it.
pub fn record_line(bytes: &[u8]) -> Option<String> {
    if !is_sealed(bytes) {
        return serde_json::to_string(&read::<Stored>(bytes)?.record).ok();
    }
    lines(bytes).map(|[_, _, record]| record.to_string())
}

/// The end of a record whose beginning this is.
fn seal(beginning: &[u8]) -> String {
    format!("\"seal\":\"{}\"}}\n", blake3::hash(beginning).to_hex())
}

fn is_sealed(bytes: &[u8]) -> bool {
    const LENGTH: usize = "\"seal\":\"\"}\n".len() + 2 * blake3::OUT_LEN;
    let parts = bytes.len().checked_sub(LENGTH).map(|at| bytes.split_at(at));
    parts.is_some_and(|(beginning, end)| seal(beginning).as_bytes() == end)
}

/// As records were sealed at first: by their content, however it is written.
fn was_sealed(bytes: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Sealed {
        #[serde(flatten)]
        stored: Stored,
        seal: String,
    }
    let Ok(Sealed { stored, seal }) = serde_json::from_slice(bytes) else { return false };
    let content = serde_json::to_vec(&(&stored.inputs, &stored.ticket, &stored.record));
    content.is_ok_and(|content| blake3::hash(&content).to_hex().as_str() == seal)
}
