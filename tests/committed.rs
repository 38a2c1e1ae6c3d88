//! What is committed below reports/, and the gallery: each file is what its records give, by the command that is documented.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use tombola::record::Study;
use tombola::registry::{Kind, Registry};
use tombola::report::{Content, Entry, File, index, render};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The folders of committed reports, and their studies.
fn reports() -> Vec<(PathBuf, Study)> {
    let mut folders: Vec<PathBuf> = fs::read_dir(root().join("reports")).unwrap().map(|e| e.unwrap().path()).collect();
    folders.retain(|folder| folder.is_dir());
    folders.sort();
    assert!(!folders.is_empty());
    let study = |folder: &PathBuf| Study::read(text(&folder.join("records.jsonl")).as_bytes()).unwrap();
    folders.into_iter().map(|folder| (folder.clone(), study(&folder))).collect()
}

/// Panics at the first file that is not what it would be.
fn assert_fresh(files: &[File], folder: &Path) {
    for file in files {
        if let Content::Text(fresh) = &file.content {
            let path = folder.join(&file.path);
            let command = "tombola report --from-records";
            assert!(text(&path) == *fresh, "{} is not what its records give: run `{command}`", path.display());
        }
    }
}

#[test]
fn every_committed_report_is_what_its_records_give() {
    for (folder, study) in reports() {
        let files = render(&study, &Registry::builtin(), None).unwrap();
        assert_fresh(&files, &folder);
        let known: BTreeSet<PathBuf> = files.iter().map(|file| folder.join(&file.path)).collect();
        let drawn = fs::read_dir(folder.join("figures")).into_iter().flatten().map(|entry| entry.unwrap().path());
        let stale: Vec<PathBuf> = drawn.filter(|path| !known.contains(path)).collect();
        assert!(stale.is_empty(), "{stale:?} are no figures of this report");
    }
}

#[test]
fn the_index_of_committed_reports_is_what_their_records_give() {
    let name = |folder: &Path| folder.file_name().unwrap().to_str().unwrap().to_string();
    let entries: Vec<Entry> = reports().iter().map(|(folder, study)| Entry::of(&name(folder), study)).collect();
    assert_fresh(&index(&entries).unwrap(), &root().join("reports"));
}

#[test]
fn a_report_is_rendered_again_from_its_records_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (own, committed) = (folder.path().join("reports/quickstart"), root().join("reports/quickstart"));
    fs::create_dir_all(&own).unwrap();
    fs::copy(committed.join("records.jsonl"), own.join("records.jsonl")).unwrap();
    let told = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tombola"));
        let output = command.current_dir(folder.path()).args(arguments).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, said, _) = told(&["report", "--from-records", "reports/quickstart"]);
    assert_eq!((code, said.as_str()), (Some(0), "reports/quickstart/index.html\n"));
    for path in ["index.html", "report.md", "results.csv", "records.jsonl", "figures/accuracy.svg"] {
        assert!(text(&own.join(path)) == text(&committed.join(path)), "{path}");
    }
    let (code, said, _) = told(&["report"]);
    assert_eq!((code, said.as_str()), (Some(0), "reports/index.html\n"));
    assert!(text(&folder.path().join("reports/index.md")).contains("](quickstart/report.md)"));
    let (code, said, _) = told(&["report", "--from-records", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &json["reports"][0]["experiment"]), (Some(0), &"quickstart".into()));

    let (code, _, said) = told(&["report", "--reports", "none"]);
    assert!(code == Some(2) && said.contains("there is no report in none: `tombola run"), "{said}");
    let (code, _, said) = told(&["report", "--from-records", "elsewhere"]);
    assert!(code == Some(2) && said.contains("elsewhere/records.jsonl: "), "{said}");
    fs::write(own.join("records.jsonl"), "{}\n").unwrap();
    let (code, _, said) = told(&["report"]);
    assert!(code == Some(1) && said.contains("reports/quickstart/records.jsonl: line 1: "), "{said}");
}

/// The text of an element of an SVG.
fn element<'a>(svg: &'a str, name: &str) -> &'a str {
    let start = svg.find(&format!("<{name} ")).unwrap();
    let content = &svg[start + svg[start..].find('>').unwrap() + 1..];
    &content[..content.find("</").unwrap()]
}

fn unescaped(text: &str) -> String {
    let signs = [("&gt;", ">"), ("&lt;", "<"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    signs.iter().fold(text.to_string(), |text, (entity, sign)| text.replace(entity, sign))
}

#[test]
fn the_gallery_shows_every_kind_of_figure_with_what_is_seen_and_how_it_is_made() {
    let page = text(&root().join("docs/gallery.md"));
    let shown: BTreeSet<&str> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let kinds: BTreeSet<&str> = Registry::builtin().abouts(Kind::Figure).iter().map(|about| about.name).collect();
    assert_eq!(shown, kinds);
    for section in page.split("\n## ").skip(1) {
        let name = section.lines().next().unwrap();
        let image = section.lines().find_map(|line| line.strip_prefix("![")?.strip_suffix(".svg)"));
        let (alternative, path) = image.and_then(|image| image.split_once("](../")).expect(name);
        let (report, figure) = path.split_once("/figures/").unwrap();
        assert_eq!(figure, name);
        let svg = text(&root().join(format!("{path}.svg")));
        let seen = unescaped(element(&svg, "desc"));
        assert_eq!(alternative.replace('\\', ""), seen, "the text alternative of {name}");
        assert!(section.contains(&format!("`tombola report --from-records {report}`")), "the command of {name}");
    }
}
