//! ARCHITECTURE.md names the modules that exist, and imports run downward only.

use std::collections::BTreeSet;
use std::path::Path;

use walkdir::WalkDir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn text(path: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Each source file's path below src/ and its code without comments and without what only tests see.
fn sources() -> Vec<(String, String)> {
    let src = Path::new(ROOT).join("src");
    let files = WalkDir::new(&src).sort_by_file_name().into_iter().map(Result::unwrap);
    let for_tests = ["fixture.rs", "gallery.rs"];
    let rust = files.filter(|entry| entry.path().extension().is_some_and(|e| e == "rs"));
    let rust = rust.filter(|entry| !for_tests.iter().any(|name| entry.file_name() == *name));
    rust.map(|entry| {
        let path = entry.path().strip_prefix(&src).unwrap().to_string_lossy().into_owned();
        let whole = std::fs::read_to_string(entry.path()).unwrap();
        let code = whole.split("#[cfg(test)]\nmod tests").next().unwrap();
        let code = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        (path, code)
    })
    .collect()
}

#[test]
fn the_map_names_exactly_the_modules_that_exist() {
    let library = text("src/lib.rs");
    let declared = library.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let exist: BTreeSet<&str> = declared.chain(["main"]).collect();
    let map = text("ARCHITECTURE.md");
    let section = map.split("## Modules").nth(1).expect("a section \"## Modules\"").split("\n## ").next().unwrap();
    let named: BTreeSet<&str> =
        section.lines().filter_map(|line| line.strip_prefix("- `")?.split('`').next()).collect();
    assert_eq!(named, exist);
}

#[test]
fn imports_run_downward_only() {
    // Of files that begin with the first, none may name the second.
    let forbidden: &[(&[&str], &[&str])] = &[
        (
            &["units.rs", "mask.rs", "ticket.rs", "seed.rs", "range.rs", "record.rs"],
            &["burn::", "crate::run", "crate::plan", "crate::stage", "crate::registry", "crate::cli"],
        ),
        (
            &["criterion/", "init/", "optimizer/", "schedule/", "learn/", "stage/", "loss.rs", "dataset/", "figure/"],
            &["burn::", "crate::run", "crate::cli", "crate::train", "crate::device"],
        ),
        (&["plan/"], &["burn::", "crate::run", "crate::cli", "crate::train", "crate::device", "std::fs", "std::time"]),
        (
            &["spec/"],
            &["burn::", "crate::run", "crate::cli", "crate::plan", "crate::train", "fs::write", "File::create"],
        ),
        (&["report/"], &["burn::", "crate::run", "crate::cli", "crate::plan", "crate::train", "crate::spec"]),
        (&["graph.rs", "train.rs", "layer/"], &["crate::run", "crate::cli", "crate::plan", "Device::flex"]),
        (&["run/"], &["burn::", "crate::cli", "crate::report"]),
        (&["cli/"], &["burn::"]),
    ];
    let mut breaches = Vec::new();
    for (path, code) in sources() {
        for (owners, names) in forbidden {
            if owners.iter().any(|owner| path.starts_with(owner)) {
                breaches.extend(names.iter().filter(|n| code.contains(**n)).map(|n| format!("src/{path} names {n}")));
            }
        }
    }
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn one_file_names_a_backend_and_one_names_plotters() {
    let naming = |word: &str| {
        let files = sources().into_iter().filter(|(_, code)| code.contains(word));
        files.map(|(path, _)| path).collect::<Vec<_>>()
    };
    assert_eq!(naming("Device::flex"), ["device.rs"]);
    assert_eq!(naming("Device::libtorch"), ["device.rs"]);
    assert_eq!(naming("use plotters"), ["report/svg.rs"]);
}
