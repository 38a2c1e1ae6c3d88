//! docs/writing-an-experiment.md does what it says: its files are written, its commands run, from top to bottom.

use std::path::Path;
use std::process::Command;

use regex::Regex;

const GUIDE: &str = include_str!("../docs/writing-an-experiment.md");

/// What stands for text that is left out: in a line, of that line; alone, of any number of lines.
const ANYTHING: &str = "…";

#[derive(Debug, PartialEq)]
enum Block<'a> {
    Toml { label: &'a str, text: String },
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
                "toml" => Block::Toml { label, text },
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
fn run(folder: &Path, command: &str, said: &str) -> Option<String> {
    let program = Path::new(env!("CARGO_BIN_EXE_tombola")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
    let mut shell = Command::new("sh");
    let output = shell.arg("-c").arg(format!("{command} 2>&1")).current_dir(folder).env("PATH", path).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let succeeded = output.status.success();
    let fits = is_as_said(&text, said) && succeeded != said.contains("error: ");
    (!fits).then(|| format!("$ {command}\n{text}\n{}; the guide says:\n{said}", output.status))
}

#[test]
fn every_block_of_the_guide_does_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let run = |(command, said): (&str, String)| run(folder.path(), command, &said);
    let mut different = Vec::new();
    for block in blocks(GUIDE) {
        match block {
            Block::Toml { label, text } => write(folder.path(), label, &text),
            Block::Console(text) => different.extend(commands(&text).into_iter().filter_map(run)),
            Block::Other(language) => panic!("a block of {language:?} is run by nobody"),
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n\n"));
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
    let readme = blocks(include_str!("../README.md"));
    let toml = readme.into_iter().filter_map(|block| match block {
        Block::Toml { text, .. } => Some(text),
        _ => None,
    });
    let whole = toml.filter(|text| text.starts_with("title") || text.starts_with("extends"));
    let mut checked = 0;
    for text in whole {
        write(folder.path(), "`readme/experiment.toml`:", &text);
        assert_eq!(run(folder.path(), "tombola check readme", "readme: …: nothing is wrong\n"), None);
        checked += 1;
    }
    assert_eq!(checked, 2);
}
