//! An RO-Crate: a folder that says what it holds, in ro-crate-metadata.json, so that archives and search engines know.
//!
//! It keeps to RO-Crate 1.1 and to the profile Process Run Crate 0.5: a program, Tombola, read files and wrote files. The
//! profile Workflow Run Crate would have the experiment's TOML be the program, with formal parameters and a workflow
//! language of its own, which it is not: it is what the program reads.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use serde_json::{Value as Json, json};

use super::bundle::{Bundle, experiment};
use super::landing::Landing;
use super::part::{Copying, Part, Sealed, copied};
use super::runs::{Run, last_day, outcome, runs};
use super::{files, person, sources};
use crate::dataset::Failure;

/// Its path in a crate.
pub const METADATA: &str = "ro-crate-metadata.json";

const PROFILE: &str = "https://w3id.org/ro/wfrun/process/0.5";

/// What the profile adds to RO-Crate's own terms.
const TERMS: [&str; 2] = ["sha256", "environment"];

/// Writes the files and their description into a new folder; gives how many files and bytes it has.
pub fn export(bundle: &Bundle<'_>, folder: &Path, stop: &AtomicBool) -> Result<(usize, u64), Failure> {
    let landing = Landing::begin(folder, "--ro-crate")?;
    let mut sealed = Vec::new();
    for part in &bundle.parts {
        sealed.push(write(part, &landing, stop)?);
    }
    let metadata = Part::text(METADATA, metadata(bundle, &sealed)?);
    sealed.push(write(&metadata, &landing, stop)?);
    landing.land()?;
    Ok((sealed.len(), sealed.iter().map(|file| file.bytes).sum()))
}

fn write(part: &Part, landing: &Landing, stop: &AtomicBool) -> Result<Sealed, Failure> {
    let failed = |e: std::io::Error| landing.failed(&e);
    let path = landing.path().join(&part.path);
    if let Some(above) = path.parent() {
        std::fs::create_dir_all(above).map_err(failed)?;
    }
    let mut file = std::fs::File::create_new(&path).map_err(failed)?;
    match copied(&mut part.open()?, &mut file, stop) {
        Ok((bytes, sha256)) => Ok(Sealed { path: part.path.clone(), bytes, sha256 }),
        Err(Copying::Stopped) => Err(Failure::Interrupted),
        Err(Copying::Reading(e)) => Err(Failure::Machine(format!("{}: {e}", part.path))),
        Err(Copying::Writing(e)) => Err(failed(e)),
    }
}

/// ro-crate-metadata.json of these files.
pub fn metadata(bundle: &Bundle<'_>, parts: &[Sealed]) -> Result<String, Failure> {
    let about = bundle.about();
    let runs = runs(bundle.study);
    let (authors, persons) = person::authors(about);
    let (licence, licensing) = person::licence(about);
    let data = sources::entities(&bundle.needed);
    let described: Vec<Json> = parts.iter().map(files::entity).collect();
    let spec = format!("{}/experiment.toml", experiment(&bundle.spec.name));
    let Some(published) = about.date.clone().or_else(|| last_day(&runs)) else {
        return Err("nothing is recorded of when the experiment ran: add `date` to `[about]`".to_string().into());
    };
    let has_part = [ids(&described), ids(&data.files)].concat();
    let mentions = [numbered("#run", runs.len()), ids(&data.sets)].concat();
    let mut root = json!({
        "@id": "./", "@type": "Dataset", "conformsTo": { "@id": PROFILE },
        "name": bundle.spec.title, "description": description(bundle), "datePublished": published,
        "license": licence, "mainEntity": { "@id": files::id(&spec) },
        "hasPart": has_part, "mentions": mentions,
    });
    let doi = about.doi.as_ref().map(|doi| format!("https://doi.org/{doi}"));
    let optional = [("url", &about.url), ("version", &about.version), ("codeRepository", &about.repository)];
    for (key, value) in optional.into_iter().chain([("identifier", &doi)]) {
        if let Some(value) = value {
            root[key] = value.clone().into();
        }
    }
    for (key, list) in [("author", json!(authors)), ("keywords", json!(about.keywords))] {
        if list.as_array().is_some_and(|list| !list.is_empty()) {
            root[key] = list;
        }
    }
    let mut graph = vec![
        json!({
            "@id": METADATA, "@type": "CreativeWork", "about": { "@id": "./" },
            "conformsTo": { "@id": "https://w3id.org/ro/crate/1.1" },
        }),
        json!({ "@id": PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5" }),
    ];
    if let Some(text) = &about.citation {
        root["citation"] = json!({ "@id": "#citation" });
        graph.push(json!({ "@id": "#citation", "@type": "CreativeWork", "name": text }));
    }
    graph.insert(1, root);
    graph.extend(persons.into_iter().chain(licensing));
    let read = [ids(&files::read(parts)), ids(&data.sets)].concat();
    let written = ids(&files::written(parts));
    for (number, run) in runs.iter().enumerate() {
        graph.extend(action(bundle, number + 1, run, (&read, &written, &authors)));
    }
    graph.extend(described.into_iter().chain(data.files).chain(data.sets).chain(data.hashes));
    let mut known = std::collections::HashSet::new();
    graph.retain(|entity| known.insert(entity["@id"].to_string()));
    let terms = TERMS.map(|term| (term.to_string(), format!("https://w3id.org/ro/terms/workflow-run#{term}").into()));
    let terms: serde_json::Map<String, Json> = terms.into_iter().collect();
    let whole = json!({ "@context": ["https://w3id.org/ro/crate/1.1/context", terms], "@graph": graph });
    Ok(format!("{whole:#}\n"))
}

/// References to entities.
fn ids(of: &[Json]) -> Vec<Json> {
    of.iter().map(|entity| json!({ "@id": entity["@id"] })).collect()
}

fn description(bundle: &Bundle<'_>) -> String {
    let what = "A lottery-ticket experiment with its results, run by Tombola";
    match bundle.spec.question.trim() {
        "" => format!("{what}."),
        question => format!("{question} ({what}.)"),
    }
}

fn numbered(name: &str, n: usize) -> Vec<Json> {
    (1..=n).map(|number| json!({ "@id": format!("{name}-{number}") })).collect()
}

/// A run as an action, with the programs and the machine that it took.
fn action(
    bundle: &Bundle<'_>,
    number: usize,
    run: &Run<'_>,
    (read, written, authors): (&[Json], &[Json], &[Json]),
) -> Vec<Json> {
    let of = run.provenance;
    let id = format!("#run-{number}");
    let program = |name: &str, version: &str, url: Option<&str>| {
        let mut program = json!({
            "@id": format!("#{}", files::id(&format!("{name}-{version}").to_lowercase().replace(' ', "-"))),
            "@type": "SoftwareApplication", "name": name, "softwareVersion": version,
        });
        if let Some(url) = url {
            program["url"] = url.into();
        }
        program
    };
    let (compiler, version) = of.rust.split_once(' ').unwrap_or(("rustc", &of.rust));
    let needs = [
        program("Burn", &of.burn, Some("https://burn.dev")),
        program(compiler, version, Some("https://rust-lang.org")),
    ];
    let mut tombola = program("Tombola", &of.tombola, None);
    tombola["description"] = "Runs lottery-ticket experiments: a folder of TOML in, a report out.".into();
    tombola["softwareRequirements"] = ids(&needs).into();
    let environment = environment(&id, run);
    let mut action = json!({
        "@id": id, "@type": "CreateAction", "name": format!("Run of {}", bundle.spec.name),
        "description": format!("`{}`, on {}", bundle.header().command, of.device),
        "instrument": { "@id": tombola["@id"] }, "object": read, "result": written,
        "startTime": run.started, "endTime": run.ended,
        "environment": ids(&environment),
    });
    if !authors.is_empty() {
        action["agent"] = authors.into();
    }
    match outcome(bundle.study) {
        Ok(true) => action["actionStatus"] = "http://schema.org/CompletedActionStatus".into(),
        Ok(false) => {}
        Err(why) => {
            action["actionStatus"] = "http://schema.org/FailedActionStatus".into();
            action["error"] = why.into();
        }
    }
    [action, tombola].into_iter().chain(needs).chain(environment).collect()
}

/// What a result depends on besides what was read: the machine.
fn environment(run_id: &str, run: &Run<'_>) -> Vec<Json> {
    let of = run.provenance;
    let host = &of.host;
    let facts = [
        ("device", of.device.clone()),
        ("rust", of.rust.clone()),
        ("burn", of.burn.clone()),
        ("processor", host.cpu.clone()),
        ("cores", host.cores.to_string()),
        ("memory, GiB", host.memory_gib.to_string()),
        ("system", host.system.clone()),
        ("commit", of.commit.clone().unwrap_or_default()),
    ];
    let said = facts.into_iter().filter(|(_, value)| !value.is_empty() && value != "0");
    let value = |(name, value): (&str, String)| {
        let id = format!("{run_id}-{}", name.split(',').next().unwrap_or(name));
        json!({ "@id": id, "@type": "PropertyValue", "name": name, "value": value })
    };
    said.map(value).collect()
}
