//! A folder's files → a spec, or diagnostics; then its plan, and the same steps from what it resolves to.

use std::path::{Component, Path, PathBuf};

use tempfile::TempDir;
use tombola::plan::{header, plan};
use tombola::spec::{Diagnostics, Spec, load, resolved};

use super::{assert_harmless, registry};

/// Files larger than this are no spec, and so no print of one is read again.
const READ: usize = 1 << 20;

const REPLICATES: u32 = 2;
const VARIANTS: usize = 8;

/// An input is text: `--- models/own.toml` begins a file, `--- set` overrides, one a line, `--- link a.toml` a symbolic
/// link to what follows. What stands before is experiment.toml.
pub fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let Ok(folder) = TempDir::new() else { return };
    let (root, again) = (folder.path().join("fuzzed"), folder.path().join("again"));
    let overrides = write(&text, &root);
    let mut spec = match load(&root, registry(), &overrides) {
        Ok(spec) => spec,
        Err(errors) => return shown(&errors),
    };
    // What goes wrong in some goes wrong in few, and is found sooner.
    spec.replicates = spec.replicates.min(REPLICATES);
    spec.variants.truncate(VARIANTS);
    let planned = match plan(&spec, registry(), "any") {
        Ok(planned) => planned,
        Err(errors) => return shown(&errors),
    };
    header(&spec, &planned, "tombola run fuzzed");
    let print = resolved(&spec);
    if print.len() <= READ {
        write(&print, &again);
        let same = reload(&again, &print);
        let same = plan(&same, registry(), "any").unwrap_or_else(|errors| panic!("{errors}\n{print}"));
        assert!(planned.steps.iter().map(|step| &step.id).eq(same.steps.iter().map(|step| &step.id)), "{print}");
    }
}

fn reload(folder: &Path, print: &str) -> Spec {
    load(folder, registry(), &[]).unwrap_or_else(|errors| panic!("{errors}\n{print}"))
}

fn shown(errors: &Diagnostics) {
    assert!(!errors.is_empty());
    assert_harmless(&errors.render(false));
    errors.render(true);
}

/// Puts the files where they belong, and gives the overrides. Nothing is written outside the folder.
fn write(text: &str, root: &Path) -> Vec<String> {
    let _ = std::fs::create_dir_all(root);
    let mut overrides = Vec::new();
    let (mut name, mut content) = ("experiment.toml", String::new());
    for line in text.split_inclusive('\n').chain(["--- "]) {
        match line.strip_prefix("--- ") {
            None => content.push_str(line),
            Some(next) => {
                put(root, name, &content, &mut overrides);
                (name, content) = (next.trim(), String::new());
            }
        }
    }
    overrides
}

fn put(root: &Path, name: &str, content: &str, overrides: &mut Vec<String>) {
    if name == "set" {
        return overrides.extend(content.lines().map(str::to_string));
    }
    let (name, link) = match name.strip_prefix("link ") {
        Some(name) => (name, true),
        None => (name, false),
    };
    let Some(path) = below(root, name) else { return };
    let _ = path.parent().map(std::fs::create_dir_all);
    // What cannot be written, as a file below a file, is not there.
    let _ = match link {
        #[cfg(unix)]
        true => std::os::unix::fs::symlink(content.trim(), path),
        // A link that was written before leads elsewhere.
        _ if path.is_symlink() => Ok(()),
        _ => std::fs::write(path, content),
    };
}

/// No part of the path leads out, be it by a link.
fn below(root: &Path, name: &str) -> Option<PathBuf> {
    let mut path = root.to_path_buf();
    for part in Path::new(name).components() {
        let Component::Normal(part) = part else { return None };
        if path.is_symlink() {
            return None;
        }
        path.push(part);
    }
    (path != root).then_some(path)
}
