//! A new experiment passes `check` as it is, and nothing is ever overwritten.

use std::path::Path;

use assert_cmd::Command;

fn tombola(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tombola"));
    let output = command.current_dir(folder).args(arguments).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_new_experiment_passes_check_and_says_what_to_do_next() {
    let folder = tempfile::tempdir().unwrap();
    let (code, said) = tombola(folder.path(), &["new", "experiments/first"]);
    assert_eq!(code, 0, "{said}");
    for next in ["tombola check experiments/first", "tombola run experiments/first", "experiments/first/README.md"] {
        assert!(said.contains(next), "{said}");
    }
    assert_eq!(tombola(folder.path(), &["check", "experiments/first"]), (0, String::new()));
    // What it offers is right, too.
    let spec = folder.path().join("experiments/first/experiment.toml");
    let text = std::fs::read_to_string(&spec).unwrap();
    let offered = "# [pipeline.edge-popup]";
    assert!(text.contains(offered), "{text}");
    let (before, after) = text.split_at(text.find(offered).unwrap());
    let about = before.lines().skip_while(|line| *line != "# [about]").take_while(|line| !line.is_empty());
    let about: String = about.map(|line| format!("{line}\n")).collect();
    assert!(about.contains("authors") && about.contains("licence"), "{text}");
    let before = before.replace(&about, &about.replace("# ", ""));
    std::fs::write(&spec, format!("{before}{}", after.replace("# ", ""))).unwrap();
    assert_eq!(tombola(folder.path(), &["check", "experiments/first"]), (0, String::new()));
    let readme = std::fs::read_to_string(folder.path().join("experiments/first/README.md")).unwrap();
    assert!(readme.contains("**Question.**") && !readme.contains('{'), "{readme}");
}

#[test]
fn a_copy_of_a_shipped_experiment_or_of_a_folder_passes_check() {
    let folder = tempfile::tempdir().unwrap();
    for (name, from) in [("a", "quickstart"), ("b", "lenet-mnist"), ("c", "a")] {
        assert_eq!(tombola(folder.path(), &["new", name, "--from", from]).0, 0);
        assert_eq!(tombola(folder.path(), &["check", name]), (0, String::new()));
    }
    // A folder's own plugins come with it.
    std::fs::create_dir_all(folder.path().join("a/models/deep")).unwrap();
    std::fs::write(folder.path().join("a/models/deep/mine.toml"), "[[layer]]\nflatten = {}\n").unwrap();
    std::fs::write(folder.path().join("a/models/notes.md"), "").unwrap();
    assert_eq!(tombola(folder.path(), &["new", "d", "--from", "a"]).0, 0);
    assert!(
        folder.path().join("d/models/deep/mine.toml").exists() && !folder.path().join("d/models/notes.md").exists()
    );
}

#[test]
fn an_editor_finds_the_schema_where_a_folder_above_has_one() {
    let folder = tempfile::tempdir().unwrap();
    let first = |name: &str| {
        let text = std::fs::read_to_string(folder.path().join(name).join("experiment.toml")).unwrap();
        text.lines().next().unwrap().to_string()
    };
    tombola(folder.path(), &["new", "without"]);
    assert!(!first("without").contains("#:schema"));
    assert_eq!(tombola(folder.path(), &["schema", "--dir", "schema"]).0, 0);
    tombola(folder.path(), &["new", "with"]);
    tombola(folder.path(), &["new", "my/experiments/copy", "--from", "quickstart"]);
    assert_eq!(first("with"), "#:schema ../schema/experiment.schema.json");
    assert_eq!(first("my/experiments/copy"), "#:schema ../../../schema/experiment.schema.json");
}

#[test]
fn nothing_is_overwritten_and_a_name_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("taken"), "mine").unwrap();
    for (name, told) in [("taken", "is there already"), ("a b", "letters, digits"), ("..", "no name"), ("-", "no name")]
    {
        let (code, said) = tombola(folder.path(), &["new", "--", name]);
        assert!(code == 2 && said.contains(told), "{name}: {code} {said}");
    }
    assert_eq!(std::fs::read_to_string(folder.path().join("taken")).unwrap(), "mine");
    let (code, said) = tombola(folder.path(), &["new", "x", "--from", "quickstrat"]);
    assert!(code == 2 && said.contains("did you mean `quickstart`?"), "{said}");
    std::fs::create_dir(folder.path().join("broken")).unwrap();
    std::fs::write(folder.path().join("broken/experiment.toml"), "titel = 'x'").unwrap();
    let (code, said) = tombola(folder.path(), &["new", "x", "--from", "broken"]);
    assert!(code == 2 && said.contains("did you mean `title`?"), "{said}");
    assert!(!folder.path().join("x").exists());
}
