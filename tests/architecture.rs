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
    let for_tests = ["fixture.rs", "gallery.rs", "testing.rs", "tests.rs"];
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

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether a path stands in the code whole: `crate::run` is not in `crate::runner`, and is in `crate::{mask, run::Store}`.
fn names(code: &str, path: &str) -> bool {
    let whole = code.match_indices(path).any(|(at, _)| {
        let (before, after) = (code[..at].chars().next_back(), code[at + path.len()..].chars().next());
        !before.is_some_and(is_word) && (path.ends_with(':') || !after.is_some_and(is_word))
    });
    whole || path.strip_prefix("crate::").is_some_and(|module| in_braces(code).contains(module))
}

/// The modules that `use crate::{…}` lists.
fn in_braces(code: &str) -> BTreeSet<String> {
    let word = |rest: &str| rest.trim_start().chars().take_while(|c| is_word(*c)).collect::<String>();
    let mut found = BTreeSet::new();
    for list in code.split("crate::{").skip(1) {
        found.insert(word(list));
        let mut depth = 1;
        for (at, c) in list.char_indices() {
            depth += i32::from(c == '{') - i32::from(c == '}');
            match (depth, c) {
                (0, _) => break,
                (1, ',') => drop(found.insert(word(&list[at + 1..]))),
                _ => {}
            }
        }
    }
    found
}

#[test]
fn braces_hide_no_import_and_a_longer_name_is_another() {
    let code = "use crate::{mask::{Mask, Other}, run::Store,\n plan};";
    assert!(["crate::mask", "crate::run", "crate::plan"].iter().all(|module| names(code, module)));
    assert!(!names(code, "crate::cli") && !names("use crate::runner;", "crate::run"));
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
            &[
                "augment/",
                "criterion/",
                "init/",
                "optimizer/",
                "schedule/",
                "learn/",
                "stage/",
                "loss.rs",
                "dataset/",
                "figure/",
            ],
            &["burn::", "crate::run", "crate::cli", "crate::train", "crate::device"],
        ),
        (
            &["prediction/", "nearest.rs", "unseen.rs"],
            &["burn::", "crate::spec", "crate::plan", "crate::run", "crate::report", "crate::cli", "std::fs"],
        ),
        (
            &["plan/"],
            &["burn::", "crate::run", "crate::cli", "crate::train", "crate::device", "std::fs", "std::time", "jiff"],
        ),
        (
            &["spec/"],
            &["burn::", "crate::run", "crate::cli", "crate::plan", "crate::train", "fs::write", "File::create"],
        ),
        (
            &["fetch/"],
            &["burn::", "crate::run", "crate::cli", "crate::plan", "crate::train", "crate::device", "crate::report"],
        ),
        (&["report/"], &["burn::", "crate::run", "crate::cli", "crate::plan", "crate::train", "crate::spec"]),
        (&["graph.rs", "train/", "layer/"], &["crate::run", "crate::cli", "crate::plan", "Device::flex"]),
        (&["run/"], &["burn::", "crate::cli", "crate::report"]),
        (&["lock/", "verify/"], &["burn::", "crate::run", "crate::cli", "crate::report", "crate::device"]),
        (&["share/"], &["burn::", "crate::run", "crate::cli", "crate::plan", "crate::report", "crate::train"]),
        (&["cli/"], &["burn::"]),
    ];
    let mut breaches = Vec::new();
    for (path, code) in sources() {
        for (owners, banned) in forbidden {
            if owners.iter().any(|owner| path.starts_with(owner)) {
                breaches.extend(banned.iter().filter(|n| names(&code, n)).map(|n| format!("src/{path} names {n}")));
            }
        }
    }
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn only_graph_train_layer_and_device_name_burn_and_what_lies_lowest_names_nothing_above_it() {
    const LOWEST: [&[&str]; 2] = [&["units", "mask", "ticket", "seed", "range", "record"], &["kernel"]];
    let library = text("src/lib.rs");
    let modules: Vec<&str> =
        library.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert!(LOWEST.concat().iter().all(|lowest| modules.contains(lowest)), "{modules:?}");
    for (path, code) in sources() {
        let owner = path.split(['/', '.']).next().unwrap();
        assert!(["graph", "train", "layer", "device"].contains(&owner) || !names(&code, "burn::"), "src/{path}");
        let Some(known) = LOWEST.iter().find(|known| known.contains(&owner)) else { continue };
        let above = modules.iter().find(|module| !known.contains(module) && names(&code, &format!("crate::{module}")));
        assert_eq!(above, None, "src/{path}");
    }
}

#[test]
fn one_folder_names_backends_a_file_each_and_one_file_names_plotters() {
    let naming = |word: &str| {
        let files = sources().into_iter().filter(|(_, code)| names(code, word));
        files.map(|(path, _)| path).collect::<Vec<_>>()
    };
    assert_eq!(naming("Device::flex"), ["device/bridge/flex.rs"]);
    for (word, file) in [("Device::libtorch", "libtorch"), ("tch::", "libtorch"), ("Device::wgpu_options", "wgpu")] {
        assert_eq!(naming(word), [format!("device/bridge/{file}.rs")], "{word}");
    }
    assert_eq!(naming("plotters"), ["report/svg.rs"]);
}

/// So that nothing that a spec says is downloaded but by the command that is for it.
#[test]
fn one_file_reads_a_network_and_only_the_command_line_asks_it_to() {
    for word in ["ureq::", "std::net", "TcpStream"] {
        let naming: Vec<String> = sources().into_iter().filter(|(_, code)| names(code, word)).map(|(p, _)| p).collect();
        assert!(naming.iter().all(|path| path == "fetch/exchange.rs"), "{word}: {naming:?}");
    }
    let ask = sources().into_iter().filter(|(_, code)| names(code, "crate::fetch")).map(|(path, _)| path);
    assert_eq!(ask.collect::<Vec<_>>(), ["cli/fetch/bar.rs", "cli/fetch/mod.rs"]);
}
