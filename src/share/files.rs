//! The files of what is shared, as entities of an RO-Crate.

use serde_json::{Value as Json, json};

use super::manifest::MANIFEST;
use super::part::Sealed;

/// A file with its size, hash and type.
pub fn entity(file: &Sealed) -> Json {
    let mut entity = json!({
        "@id": id(&file.path), "@type": "File", "name": file.path,
        "encodingFormat": format(&file.path), "contentSize": file.bytes.to_string(), "sha256": file.sha256,
    });
    if let Some(what) = what(&file.path) {
        entity["description"] = what.into();
    }
    entity
}

/// Those that a run reads.
pub fn read(files: &[Sealed]) -> Vec<Json> {
    let inputs = ["experiments/", "shipped/"];
    let is_read =
        |file: &&Sealed| inputs.iter().any(|folder| file.path.starts_with(folder)) && file.path.ends_with(".toml");
    files.iter().filter(is_read).map(entity).collect()
}

/// Those that a run writes.
pub fn written(files: &[Sealed]) -> Vec<Json> {
    let is_written = |file: &&Sealed| file.path.starts_with("reports/") || file.path.starts_with("runs/");
    files.iter().filter(is_written).map(entity).collect()
}

/// A path as the part of an address that it is.
pub fn id(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte);
    path.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn format(path: &str) -> &'static str {
    let by_ending = [
        ("html", "text/html"),
        ("md", "text/markdown"),
        ("csv", "text/csv"),
        ("svg", "image/svg+xml"),
        ("toml", "application/toml"),
        ("lock", "application/toml"),
        ("cff", "application/yaml"),
        ("json", "application/json"),
        ("jsonl", "application/jsonl"),
        ("j2", "text/plain"),
        ("txt", "text/plain"),
    ];
    let ending = path.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map_or("", |(_, ending)| ending);
    by_ending.iter().find(|(known, _)| *known == ending).map_or("application/octet-stream", |(_, format)| format)
}

/// What a file is, where its path says it.
fn what(path: &str) -> Option<&'static str> {
    let known = [
        ("experiments/", "/experiment.toml", "The experiment: data, model, pipelines, predictions"),
        ("experiments/", "/experiment.lock", "What a rerun is held to"),
        ("reports/", "/index.html", "The report"),
        ("reports/", "/report.md", "The report as Markdown"),
        ("reports/", "/results.csv", "A row for each evaluated ticket"),
        ("reports/", "/records.jsonl", "All that was measured, curves included"),
        ("reports/", ".svg", "A figure of the report"),
        ("reports/", ".csv", "Numbers of the report"),
        ("resolved/", ".toml", "The experiment with everything filled in, for a program that ships other plugins"),
        ("shipped/", ".toml", "What the experiment used of the program, as it was"),
        ("runs/", "ticket.safetensors", "A ticket: weights and a mask"),
        ("runs/", "record.json", "What a step measured"),
        ("DATA.md", "", "Which data the experiment needs, and where to get them"),
        ("CITATION.cff", "", "How to cite the experiment"),
        (MANIFEST, "", "Every file with its hash"),
    ];
    known.iter().find(|(begin, end, _)| path.starts_with(begin) && path.ends_with(end)).map(|(.., what)| *what)
}
