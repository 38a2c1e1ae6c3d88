//! Data sets as entities of an RO-Crate: where their files are on the web, and the hashes that they must have.

use serde_json::{Value as Json, json};

use super::data::{Needed, NeededFile};
use super::files::id;

pub struct Sources {
    /// The data sets.
    pub sets: Vec<Json>,
    /// Their files on the web.
    pub files: Vec<Json>,
    /// Hashes, and files that are nowhere on the web.
    pub hashes: Vec<Json>,
}

pub fn entities(sets: &[Needed]) -> Sources {
    let mut sources = Sources { sets: Vec::new(), files: Vec::new(), hashes: Vec::new() };
    for set in sets {
        let mut parts = Vec::new();
        for file in &set.files {
            let (hash, entity) = (hash(set, file), entity(set, file));
            parts.push(json!({ "@id": entity["@id"] }));
            if file.addresses.is_empty() { &mut sources.hashes } else { &mut sources.files }.push(entity);
            sources.hashes.push(hash);
        }
        let mut whole = json!({
            "@id": format!("#data-{}", id(&set.name)), "@type": "Collection", "name": set.name,
            "description": format!("To get it: {}.", set.remedy),
        });
        if let Some(first) = parts.first() {
            whole["mainEntity"] = first.clone();
            whole["hasPart"] = parts.into();
        }
        let homepage = set.homepage.clone().unwrap_or_default();
        for (key, value) in [("license", &set.licence), ("citation", &set.citation), ("url", &homepage)] {
            if !value.is_empty() {
                whole[key] = value.clone().into();
            }
        }
        if let Some(content) = &set.content {
            let hash =
                named(format!("#data-{}-content", id(&set.name)), "SHA-256 of all that is in its folder", content);
            whole["identifier"] = json!({ "@id": hash["@id"] });
            sources.hashes.push(hash);
        }
        sources.sets.push(whole);
    }
    sources
}

/// A file where it is downloaded from; one that is in the program only has a name here.
fn entity(set: &Needed, file: &NeededFile) -> Json {
    let hash = hash_id(set, file);
    match &file.addresses[..] {
        [] => json!({
            "@id": format!("#data-{}/{}", id(&set.name), id(&file.name)), "@type": "CreativeWork", "name": file.name,
            "identifier": { "@id": hash },
        }),
        [first, ..] => {
            let mut entity = json!({
                "@id": first, "@type": "File", "name": file.name, "contentUrl": file.addresses,
                "encodingFormat": "application/octet-stream", "identifier": { "@id": hash },
            });
            if let (true, Some(sha256)) = (file.as_downloaded, bare(&file.hash)) {
                entity["sha256"] = sha256.into();
            }
            if file.is_plain {
                entity["contentSize"] = file.bytes.to_string().into();
            }
            entity
        }
    }
}

/// A SHA-256 without what says of what it is; `None` of another hash.
fn bare(hash: &str) -> Option<&str> {
    hash.strip_prefix("gz-sha256:").or(Some(hash).filter(|hash| !hash.contains(':')))
}

fn hash_id(set: &Needed, file: &NeededFile) -> String {
    format!("#data-{}/{}-hash", id(&set.name), id(&file.name))
}

fn hash(set: &Needed, file: &NeededFile) -> Json {
    let (name, value) = match (file.hash.strip_prefix("md5:"), file.hash.strip_prefix("gz-sha256:")) {
        (Some(md5), _) => ("MD5 of the decompressed file", md5),
        (_, Some(sha256)) => ("SHA-256 of the .gz", sha256),
        _ => ("SHA-256 of the decompressed file", file.hash.as_str()),
    };
    named(hash_id(set, file), name, value)
}

fn named(id: String, name: &str, value: &str) -> Json {
    json!({ "@id": id, "@type": "PropertyValue", "name": name, "value": value })
}
