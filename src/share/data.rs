//! Data sets that are not in what is shared: what they must hold, and where to get them.

use serde::{Deserialize, Serialize};

use crate::dataset::files::is_built_in;
use crate::spec::{Checksum, DatasetSpec, FileSpec, Spec};

/// A data set as a manifest has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Needed {
    pub name: String,
    pub licence: String,
    pub citation: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub homepage: Option<String>,
    /// How to get it, in a sentence.
    pub remedy: String,
    /// Of a data set that is one folder: the hash of all that is in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    pub files: Vec<NeededFile>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct NeededFile {
    pub name: String,
    /// Of the decompressed file.
    pub bytes: u64,
    /// SHA-256 of its decompressed bytes, or "md5:…" of them, or "gz-sha256:…" of the .gz.
    pub hash: String,
    /// Where it is, or the archive that holds it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// Whether the addresses give the file itself, neither compressed nor in an archive.
    pub is_plain: bool,
    /// Whether the hash is of what these addresses give.
    pub as_downloaded: bool,
}

/// The data sets of all variants, each once.
pub fn needed(spec: &Spec, experiment: &str) -> Vec<Needed> {
    let mut all: Vec<Needed> = Vec::new();
    for set in spec.variants.iter().map(|variant| &variant.dataset) {
        let one = of(set, experiment);
        if !all.contains(&one) {
            all.push(one);
        }
    }
    all
}

fn of(spec: &DatasetSpec, experiment: &str) -> Needed {
    let remedy = match (is_built_in(spec), spec.files.is_empty(), spec.mirrors.is_empty()) {
        (true, ..) => "nothing to do: it is built into the program".to_string(),
        (_, true, _) if spec.content.is_none() => "nothing to do: the program generates it".to_string(),
        (_, _, false) => format!("`tombola fetch {experiment}` downloads what is missing, and checks it"),
        _ => match &spec.debian_package {
            Some(package) => format!("the Debian package {package} has it; or put its files into a data directory"),
            None => format!("put its files into {}/ of a data directory (`--data DIR`)", spec.folder),
        },
    };
    Needed {
        // In a manifest each is a line, as on a page.
        name: line(&spec.name),
        licence: line(&spec.licence),
        citation: line(&spec.citation),
        homepage: spec.homepage.clone(),
        remedy: line(&remedy),
        content: spec.content.clone(),
        files: spec.files.iter().map(|file| needed_file(spec, file)).collect(),
    }
}

fn needed_file(spec: &DatasetSpec, file: &FileSpec) -> NeededFile {
    let name = file.distributed();
    let is_plain = file.archive.is_none() && !name.ends_with(".gz");
    NeededFile {
        name: file.name.clone(),
        bytes: file.bytes,
        hash: file.hash(),
        addresses: spec.mirrors.iter().map(|mirror| format!("{mirror}{name}")).collect(),
        is_plain,
        as_downloaded: is_plain || matches!(file.checksum(), Some(Checksum::Compressed(_))),
    }
}

/// DATA.md: the same for a person.
pub fn page(title: &str, sets: &[Needed]) -> String {
    let mut text = format!("# Data of \"{}\"\n\nNone of it is in this folder.\n", line(title));
    for set in sets {
        text += &format!("\n## {}\n\n- To get it: {}.\n", line(&set.name), line(&set.remedy));
        let homepage = set.homepage.clone().unwrap_or_default();
        for (label, value) in [("Licence", &set.licence), ("To cite it", &set.citation), ("Page", &homepage)] {
            if !value.is_empty() {
                text += &format!("- {label}: {}\n", line(value));
            }
        }
        if let Some(content) = &set.content {
            text += &format!("- All that is in its folder: SHA-256 {content}\n");
        }
        if !set.files.is_empty() {
            text += "\n| file | bytes, decompressed | hash | from |\n| --- | ---: | --- | --- |\n";
        }
        for file in &set.files {
            let from = file.addresses.join(" ");
            text += &format!("| {} | {} | {} | {} |\n", cell(&file.name), file.bytes, cell(&file.hash), cell(&from));
        }
    }
    let said = "\nA bare hash is SHA-256 of a file's decompressed bytes; `gz-sha256:` is that of the .gz.\n";
    if sets.iter().any(|set| !set.files.is_empty()) { text + said } else { text }
}

fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn cell(text: &str) -> String {
    line(text).replace('|', "\\|")
}
