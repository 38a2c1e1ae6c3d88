//! The tutorials do what they say: their files are written, their commands run, from top to bottom.

use std::path::Path;
use std::process::Command;

use regex::Regex;
use tempfile::TempDir;

/// A page, and the program that it builds: what it calls it, and the example that has its source.
struct Page {
    text: &'static str,
    program: Option<(&'static str, &'static str)>,
}

impl Page {
    /// A folder of programs: ours, and the page's own.
    fn programs(&self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        let ours = Path::new(env!("CARGO_BIN_EXE_tombola"));
        std::os::unix::fs::symlink(ours, folder.path().join("tombola")).unwrap();
        if let Some((name, example)) = self.program {
            // `cargo test` builds the examples beside the program.
            let built = ours.with_file_name("examples").join(example);
            std::os::unix::fs::symlink(built, folder.path().join(name)).unwrap();
        }
        folder
    }

    /// The source of the page's program, without the comment at its head.
    fn source(&self) -> String {
        let (_, example) = self.program.expect("a page with Rust says which example it is");
        let path = format!("{}/examples/{example}.rs", env!("CARGO_MANIFEST_DIR"));
        let source = std::fs::read_to_string(path).unwrap();
        let code = source.lines().skip_while(|line| line.starts_with("//!") || line.is_empty());
        code.map(|line| format!("{line}\n")).collect()
    }

    /// Does all that it says; what came out otherwise.
    fn differences(&self) -> Vec<String> {
        let (folder, programs) = (tempfile::tempdir().unwrap(), self.programs());
        let run = |(command, said): (&str, String)| run(folder.path(), programs.path(), command, &said);
        let mut different = Vec::new();
        for block in blocks(self.text) {
            match block {
                Block::File { label, text } => write(folder.path(), label, &text),
                Block::Rust(text) if text == self.source() => {}
                Block::Rust(text) => different.push(format!("this is not the example's source:\n{text}")),
                Block::Console(text) => different.extend(commands(&text).into_iter().filter_map(run)),
                Block::Other(language) => panic!("a block of {language:?} is run by nobody"),
            }
        }
        different
    }
}

fn assert_does_what_it_says(text: &'static str, program: Option<(&'static str, &'static str)>) {
    let different = Page { text, program }.differences();
    assert!(different.is_empty(), "{}", different.join("\n\n"));
}

/// What stands for text that is left out: in a line, of that line; alone, of any number of lines.
const ANYTHING: &str = "…";

#[derive(Debug, PartialEq)]
enum Block<'a> {
    File { label: &'a str, text: String },
    Rust(String),
    Console(String),
    Other(&'a str),
}

/// The fenced blocks, each with the line before it.
fn blocks(guide: &str) -> Vec<Block<'_>> {
    let (mut blocks, mut label) = (Vec::new(), "");
    let mut lines = guide.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let text: String =
                lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
            blocks.push(match language {
                "toml" | "sh" => Block::File { label, text },
                "rust" => Block::Rust(text),
                "console" => Block::Console(text),
                other => Block::Other(other),
            });
        }
        if !line.is_empty() {
            label = line;
        }
    }
    blocks
}

/// Writes or changes the file that the label names.
fn write(folder: &Path, label: &str, text: &str) {
    let form = Regex::new("^(?:(At the end of|In) )?`([^`]+)`(?:, instead of `([^`]+)`)?:$").unwrap();
    let parts = form.captures(label).unwrap_or_else(|| panic!("{label:?} names no file for\n{text}"));
    let path = folder.join(&parts[2]);
    let old = std::fs::read_to_string(&path);
    let whole = match (parts.get(1).map(|how| how.as_str()), parts.get(3)) {
        (None, None) => text.to_string(),
        (Some("At the end of"), None) => format!("{}\n{text}", old.unwrap()),
        (Some("In"), Some(table)) => instead(&old.unwrap(), table.as_str(), text),
        _ => panic!("{label:?} says no change"),
    };
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, whole).unwrap();
}

/// The file with the text in the place of its tables of this header.
fn instead(file: &str, header: &str, text: &str) -> String {
    let (mut kept, mut within, mut found) = (String::new(), false, false);
    for line in file.lines() {
        if line.starts_with('[') {
            within = line.split(" #").next().unwrap().trim() == header;
            if within && !found {
                kept += &format!("{text}\n");
            }
            found |= within;
        }
        if !within {
            kept += &format!("{line}\n");
        }
    }
    assert!(found, "there is no {header} in\n{file}");
    kept
}

/// Commands, each with what the guide says that it prints.
fn commands(console: &str) -> Vec<(&str, String)> {
    let mut commands: Vec<(&str, String)> = Vec::new();
    for line in console.lines() {
        match line.strip_prefix("$ ") {
            Some(command) => commands.push((command, String::new())),
            None => commands.last_mut().unwrap().1 += &format!("{line}\n"),
        }
    }
    commands
}

/// Whether a text is as the guide says.
fn is_as_said(text: &str, said: &str) -> bool {
    let line = |line: &str| match line {
        ANYTHING => "(?:.*\n)*?".to_string(),
        line => line.split(ANYTHING).map(regex::escape).collect::<Vec<_>>().join(".*") + " *\n",
    };
    let pattern: String = said.lines().map(line).collect();
    Regex::new(&format!("^{pattern}$")).unwrap().is_match(text)
}

/// Runs a command; what it prints, where that is not what the guide says.
fn run(folder: &Path, programs: &Path, command: &str, said: &str) -> Option<String> {
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
    let mut shell = Command::new("sh");
    let output = shell
        .arg("-c")
        .arg(format!("{command} 2>&1"))
        .current_dir(folder)
        .env("PATH", path)
        .env_remove("TOMBOLA_DATA")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let succeeded = output.status.success();
    let fits = is_as_said(&text, said) && succeeded != said.contains("error: ");
    (!fits).then(|| format!("$ {command}\n{text}\n{}; the guide says:\n{said}", output.status))
}

#[test]
fn writing_an_experiment_does_what_it_says() {
    assert_does_what_it_says(include_str!("../docs/writing-an-experiment.md"), None);
}

#[test]
fn adding_a_model_does_what_it_says() {
    assert_does_what_it_says(include_str!("../docs/adding-a-model.md"), None);
}

#[test]
fn adding_a_data_set_does_what_it_says() {
    assert_does_what_it_says(include_str!("../docs/adding-a-data-set.md"), None);
}

#[test]
fn adding_a_layer_does_what_it_says_and_its_program_is_the_example() {
    assert_does_what_it_says(include_str!("../docs/adding-a-layer.md"), Some(("leaky", "own_layer")));
}

#[test]
fn adding_a_criterion_does_what_it_says_and_its_program_is_the_example() {
    assert_does_what_it_says(include_str!("../docs/adding-a-criterion.md"), Some(("smallest", "own_criterion")));
}

#[test]
fn a_guide_that_says_something_else_is_found_out() {
    let text = "a: 3 steps\nb\nc\nd\n";
    for said in [text, "a: … steps\nb\nc\nd\n", "…\nd\n", "a…\n…\n", "…\n"] {
        assert!(is_as_said(text, said), "{said}");
    }
    for said in ["", "a: 4 steps\nb\nc\nd\n", "a: 3 steps\nd\n", "a…\nc\nd\n", "…\nc\n", "a: 3 steps\nb\nc\n"] {
        assert!(!is_as_said(text, said), "{said}");
    }
    let file = "a = 1\n[b] # two\nc = 2\n\n[d]\n";
    assert_eq!(instead(file, "[b]", "[b]\ne = 3\n"), "a = 1\n[b]\ne = 3\n\n[d]\n");
}

/// The experiments of the README: blocks that begin with a title, or with what they extend.
#[test]
fn the_readmes_experiments_are_right() {
    let folder = tempfile::tempdir().unwrap();
    let page = Page { text: include_str!("../README.md"), program: None };
    let (readme, programs) = (blocks(page.text), page.programs());
    let toml = readme.into_iter().filter_map(|block| match block {
        Block::File { text, .. } => Some(text),
        _ => None,
    });
    let whole = toml.filter(|text| text.starts_with("title") || text.starts_with("extends"));
    let mut checked = 0;
    for text in whole {
        write(folder.path(), "`readme/experiment.toml`:", &text);
        assert_eq!(run(folder.path(), programs.path(), "tombola check readme", "readme: …: nothing is wrong\n"), None);
        checked += 1;
    }
    assert_eq!(checked, 2);
}
