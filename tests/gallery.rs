//! The gallery: experiments that are wrong, each a folder of tests/gallery/ with what its author sees beside it.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use tombola::cli::planned;
use tombola::registry::Registry;
use tombola::spec::Diagnostics;
use tombola::spec::node::Error;
use walkdir::WalkDir;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/gallery");

/// The folders, in order.
fn entries() -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(ROOT).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

fn name(entry: &Path) -> String {
    entry.file_name().unwrap().to_string_lossy().into_owned()
}

/// What the command line adds to an entry, one a line in its arguments.txt.
fn arguments(entry: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(entry.join("arguments.txt")).unwrap_or_default();
    text.lines().map(str::to_string).collect()
}

fn overrides(entry: &Path) -> Vec<String> {
    arguments(entry).into_iter().filter(|argument| argument != "--set").collect()
}

/// The exit code and everything printed, on a terminal without colours.
fn seen(entry: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tombola"));
    let command = command.current_dir(ROOT).env("NO_COLOR", "1").args(["check", &name(entry)]).args(arguments(entry));
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap();
    format!("{}{}\nexit code {code}", text(output.stdout), text(output.stderr))
}

#[test]
fn every_entry_shows_what_its_author_sees() {
    for entry in entries() {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(&entry);
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!("seen", seen(&entry)));
    }
}

fn errors(entry: &Path, overrides: &[String]) -> Diagnostics {
    planned(entry, &Registry::builtin(), overrides, "any").err().unwrap_or_default()
}

#[test]
fn errors_are_in_the_order_of_a_reader_each_with_a_help_line_of_at_most_80_columns() {
    for entry in entries() {
        let found = errors(&entry, &overrides(&entry));
        let place = |error: &Error| error.origin.as_ref().map(|at| (at.source.name.clone(), at.span.start));
        let places: Vec<_> = found.errors().iter().filter_map(place).collect();
        for pair in places.windows(2) {
            assert!(pair[0].0 != pair[1].0 || pair[0].1 <= pair[1].1, "{}: {found}", name(&entry));
        }
        for error in found.errors() {
            assert!(error.help_line().is_some(), "{}: no help with: {}", name(&entry), error.message);
        }
        let text = found.to_string();
        let help = text.split("\n\n").flat_map(|error| error.lines().skip_while(|line| !line.contains("= help: ")));
        let wide = help.into_iter().find(|line| line.chars().count() > 80);
        assert_eq!(wide, None, "{}", name(&entry));
    }
}

/// Replaces what was meant in the entry's own files, and gives the overrides with what was meant.
fn mend(found: &Diagnostics, overrides: &[String]) -> (usize, Vec<String>) {
    let mut mended: Vec<(&Error, String)> =
        found.errors().iter().filter_map(|error| Some((error, error.mended()?))).collect();
    // From the end on, so that places before it stay where they are.
    mended.sort_by_key(|(error, _)| std::cmp::Reverse(error.origin.as_ref().map(|origin| origin.span.start)));
    let mut overrides = overrides.to_vec();
    for (error, right) in &mended {
        let origin = error.origin.as_ref().unwrap();
        let replaced = |text: &str| [&text[..origin.span.start], right, &text[origin.span.end..]].concat();
        match origin.source.is_override() {
            true => overrides.iter_mut().filter(|text| **text == origin.source.text).for_each(|t| *t = replaced(t)),
            false => {
                let text = std::fs::read_to_string(&origin.source.name).unwrap();
                std::fs::write(&origin.source.name, replaced(&text)).unwrap();
            }
        }
    }
    (mended.len(), overrides)
}

#[test]
fn what_is_suggested_mends_the_error_and_where_all_have_a_suggestion_the_check_passes() {
    let mut passing = 0;
    for entry in entries() {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join(name(&entry));
        for file in WalkDir::new(&entry).into_iter().flatten().filter(|file| file.file_type().is_file()) {
            let to = copy.join(file.path().strip_prefix(&entry).unwrap());
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(file.path(), to).unwrap();
        }
        let found = errors(&copy, &overrides(&entry));
        for error in found.errors() {
            let asks = error.help_line().is_some_and(|help| help.starts_with("did you mean"));
            assert_eq!(asks, error.mended().is_some(), "{}: {}", name(&entry), error.message);
        }
        let (mended, overrides) = mend(&found, &overrides(&entry));
        let left = errors(&copy, &overrides);
        assert_eq!(left.len(), found.len() - mended, "{}, mended: {left}", name(&entry));
        passing += usize::from(mended > 0 && left.is_empty());
    }
    assert!(passing >= 10, "{passing}");
}

/// Where the sentences stand that `check` may say.
const SAYING: [&str; 11] = [
    "spec",
    "prediction",
    "plan",
    "model",
    "layer",
    "learn",
    "stage",
    "schedule",
    "range.rs",
    "units.rs",
    "registry.rs",
];

/// What is said elsewhere: the catalogue and schemas' own words, and what a resolved experiment is printed with.
const ELSEWHERE: [&str; 9] = [
    "spec/catalogue/",
    "spec/schema/",
    "spec/resolved.rs",
    "spec/toml_text.rs",
    "plan/header.rs",
    "plan/recipe.rs",
    "prediction/print.rs",
    "layer/sparse.rs",
    "stage/shrink.rs",
];

/// Sentences that no spec makes `check` say, and why.
const NOT_IN_THE_GALLERY: [(&str, &str); 82] = [
    ("what learns here cannot go on from a checkpoint", "of a run"),
    ("it does not say how often it was pruned", "of a run"),
    ("{bytes} B", "a part of a sentence"),
    ("1 value", "a part of a sentence"),
    ("best of s, predicted", "a figure's name"),
    ("best of s, {name}", "a figure's name"),
    ("deviation, {name}", "a figure's name"),
    ("lottery, {pool}, {number}: {param}", "a stream's name"),
    ("lottery, {pool}: {name}", "a stream's name"),
    ("a nonzero u32", "serde's words"),
    ("a nonzero u64", "serde's words"),
    ("a nonzero usize", "serde's words"),
    ("a whole number, 1 or more", "of plugins of one's own with such fields"),
    ("an array of length 3", "serde's words"),
    ("a sequence", "serde's words"),
    ("expected an empty table, found {}", "of plugins of one's own with such fields"),
    ("expected one key, found {}", "of plugins of one's own with such fields"),
    ("expected a string or a table with one key, found {}", "of plugins of one's own with such fields"),
    ("a value was asked for before its key", "a mistake in a plugin's source"),
    ("1 error", "the count after the errors"),
    ("{n} errors, the first {SHOWN} shown", "the count after the errors"),
    ("{n} errors", "the count after the errors"),
    ("there are no {sort}", "nothing is named yet: tested in src/spec/"),
    (
        "{}: the folder's name is the experiment's, and must be a name",
        "no folder of the gallery: tested in src/spec/reading.rs",
    ),
    ("an experiment is a folder with experiment.toml", "no folder of the gallery"),
    ("an experiment is a folder, and this is a file", "no folder of the gallery"),
    ("give the folder that holds experiment.toml", "no folder of the gallery"),
    ("a spec reads nothing outside its folder: copy the file into it", "a link: tested in src/spec/reading.rs"),
    ("{}: it cannot be read: {why}", "a link to nothing: tested in src/spec/folder.rs"),
    ("is it a link to nothing, or may only others read it?", "a link to nothing"),
    ("not a plain file", "a device or a pipe"),
    ("larger than {BYTES} bytes, which no spec is", "a megabyte: tested in src/spec/reading.rs"),
    ("line {line} is not UTF-8 text", "no text: tested in tests/evil.rs"),
    ("save the file as UTF-8", "no text"),
    ("{}: no experiment.toml", "no folder of the gallery"),
    ("the model `{name}`", "a part of a sentence"),
    ("the pipeline `{uses}`", "a part of a sentence"),
    ("duplicate key", "the TOML parser's words"),
    ("string values must be quoted", "the TOML parser's words"),
    ("leading zero", "the TOML parser's words"),
    ("a rule", "never shown"),
    ("this {kind} needs `use`, its name", "a part of several"),
    ("divide it among several experiments", "a thousand tables"),
    ("a [[variant]]", "a part of a sentence"),
    ("let it evaluate one: end it with `train = {}`", "the plan refuses it before"),
    ("{} tickets of `{pipeline}` are at {place}", "tested in src/prediction/tests.rs"),
    ("say which: {}", "tested in src/prediction/tests.rs"),
    ("a difference of fractions", "a part of a sentence"),
    ("a loss", "a part of a sentence"),
    ("a number of weights", "a part of a sentence"),
    ("an expression of {} bytes: at most {LONGEST}", "too long to show: tested in src/prediction/tests.rs"),
    ("make several predictions of it", "too long to show"),
    ("{experiment:?} plans more than {LIMIT} steps, shared ones included", "slow: tested in tests/outcomes.rs"),
    ("fewer variants, replicates, levels, branches or draws", "slow: tested in tests/outcomes.rs"),
    ("stride = 0 never gets anywhere", "for layers built without a spec"),
    ("what learns {} here does so in the host's memory only: use `--device cpu`", "while running"),
    ("{name} level {} draw {}", "a stream's name"),
    ("no initialiser is named, neither by the stage nor by the model", "for stages built without a spec"),
    ("the weights at {} are not there", "while running"),
    ("the weights to restore are not there", "while running"),
    ("no plugin is named {:?}", "for plugins built without a spec"),
    ("the base", "a part of a sentence"),
    ("an override is one line", "no line of arguments.txt: tested in src/spec/set.rs"),
    ("give several as `--set` each", "no line of arguments.txt: tested in src/spec/set.rs"),
    ("{} pipelines, and an experiment has {PIPELINES} at most", "too long to show: tested in tests/evil.rs"),
    ("compare fewer, or make several experiments of it", "too long to show"),
    ("{}: more than {FILES} TOML files", "a thousand files"),
    ("is it an experiment's folder?", "a thousand files"),
    ("it was replaced while it was opened: try again", "another program's doing"),
    ("with it, this spec has more than {ALL_BYTES} bytes", "megabytes: tested in tests/evil.rs"),
    ("{}: this link leads out of the experiment's folder", "a link: tested in tests/evil.rs"),
    (
        "the variants of this sweep, written out, have more than {VALUES} values together",
        "slow: tested in tests/evil.rs",
    ),
    ("compare fewer variants, or give them fewer layers and stages", "slow: tested in tests/evil.rs"),
    ("[vary] varies {} fields, and {AXES} are the most", "too long to show: tested in tests/evil.rs"),
    ("the names of these variants would have more than {LONGEST} bytes", "too long to show: tested in tests/evil.rs"),
    ("a variant sets {} fields, and {AXES} are the most", "too long to show"),
    ("make an experiment of its own of it, that `extends` this one", "too long to show"),
    ("an expression of {} parts: at most {TOKENS}", "too long to show"),
    ("{replicates} replicates of a model of {} tensors are too many", "slow: tested in tests/evil.rs"),
    ("fewer variants, replicates or layers", "slow: tested in tests/evil.rs"),
    ("{experiment:?} plans more than {KEPT} layers and stop rules, steps taken together", "slow: a million of them"),
    ("more than {DEEPEST} parentheses and signs within each other", "tested in src/prediction/tests.rs"),
];

/// What a stage says while it runs is blank, as are the names of what it measures: `check` asks what it foresees.
fn without_applying(code: &str) -> String {
    let body =
        regex::Regex::new(r"(?s)\n    fn apply\(&self.*?\n    \}\n|\n    const MEASURES: .*?\n    \];\n").unwrap();
    body.replace_all(code, |found: &regex::Captures<'_>| "\n".repeat(found[0].matches('\n').count())).into_owned()
}

/// The texts of a source's string literals outside its tests, attributes and what describes plugins, each with its line.
fn literals(code: &str) -> Vec<(usize, String)> {
    let code = code.split("#[cfg(test)]\nmod tests").next().unwrap();
    let code = &without_applying(code);
    let token = concat!(
        r#"(?s)//[^\n]*|#!?\[(?:[^\[\]"]|"(?:[^"\\]|\\.)*"|\[[^\]]*\])*\]|const (?:SUMMARY|SOURCE|EXAMPLE): &'static str =\s*"[^"]*";"#,
        r##"|const EXAMPLE: &'static str =\s*r#".*?"#;|\.expect\("[^"]*"\)|unreachable!\("[^"]*"\)|r#"(.*?)"#|'(?:[^'\\\n]|\\[^\n']*)'|"((?:[^"\\]|\\.)*)""##
    );
    let token = regex::Regex::new(token).unwrap();
    let escape = regex::Regex::new(r#"(?s)\\(\n\s*|.)"#).unwrap();
    let found = token.captures_iter(code).filter_map(|found| {
        let text = found.get(2).or(found.get(1))?;
        let line = code[..text.start()].matches('\n').count() + 1;
        let plain = escape.replace_all(text.as_str(), |escaped: &regex::Captures<'_>| match &escaped[1] {
            "n" => "\n".to_string(),
            gap if gap.starts_with('\n') => String::new(),
            other => other.to_string(),
        });
        Some((line, plain.into_owned()))
    });
    found.collect()
}

/// Matches whatever a format string may become.
fn pattern(literal: &str) -> regex::Regex {
    let placeholder = regex::Regex::new(r"\{[^{} ]*\}").unwrap();
    let mut pattern = String::new();
    let literal = literal.replace("{{", "\u{1}").replace("}}", "\u{2}");
    let mut at = 0;
    for found in placeholder.find_iter(&literal) {
        pattern += &regex::escape(&literal[at..found.start()]);
        pattern += ".+";
        at = found.end();
    }
    pattern += &regex::escape(&literal[at..]);
    let pattern = pattern.replace('\u{1}', r"\{").replace('\u{2}', r"\}");
    regex::Regex::new(&pattern).unwrap()
}

/// Each message, help line and label that the gallery shows, help lines in one piece.
fn shown() -> Vec<String> {
    let mut shown = Vec::new();
    for entry in entries() {
        let found = errors(&entry, &overrides(&entry));
        for error in found.errors() {
            shown.push(error.message.clone());
            shown.extend(error.help_line().map(str::to_string));
            shown.extend(error.help_line().iter().map(|help| format!("{}: {help}", error.message)));
            shown.extend(error.context.iter().map(|(_, label)| label.clone()));
        }
        // Where an experiment extends another is a label of the printed error only.
        shown.extend(found.to_string().contains("extended here").then(|| "extended here".to_string()));
    }
    shown
}

#[test]
fn every_sentence_that_check_may_say_is_in_the_gallery() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let shown = shown();
    let mut lacking = Vec::new();
    let files = SAYING.iter().flat_map(|part| WalkDir::new(src.join(part)).sort_by_file_name()).flatten();
    for file in files.filter(|file| file.path().extension().is_some_and(|ending| ending == "rs")) {
        let path = file.path().strip_prefix(&src).unwrap().display().to_string();
        let for_tests = ["fixture.rs", "gallery.rs", "testing.rs", "tests.rs"];
        if ELSEWHERE.iter().any(|part| path.starts_with(part)) || for_tests.iter().any(|name| path.ends_with(name)) {
            continue;
        }
        for (line, text) in literals(&std::fs::read_to_string(file.path()).unwrap()) {
            let is_sentence = text.trim().contains(' ') && text.chars().any(char::is_alphabetic);
            let allowed = NOT_IN_THE_GALLERY.iter().any(|(sentence, _)| *sentence == text);
            let pattern = pattern(text.trim());
            if is_sentence && !allowed && !shown.iter().any(|shown| pattern.is_match(shown)) {
                lacking.push(format!("src/{path}:{line}: {text:?}"));
            }
        }
    }
    assert!(lacking.is_empty(), "no entry of tests/gallery shows\n{}", lacking.join("\n"));
}
