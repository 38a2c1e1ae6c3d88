//! The templates, two of a report and two of the index of all reports: embedded, and those of a report replaced by a file of the same name where a folder holds one.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

const HTML: (&str, &str) = ("report.html.j2", include_str!("../../templates/report.html.j2"));
const MARKDOWN: (&str, &str) = ("report.md.j2", include_str!("../../templates/report.md.j2"));
const INDEX: [(&str, &str); 2] = [
    ("index.html.j2", include_str!("../../templates/index.html.j2")),
    ("index.md.j2", include_str!("../../templates/index.md.j2")),
];
const CSS: &str = include_str!("../../templates/style.css");

/// The page and the Markdown. Errors name the template and the line.
pub(super) fn render(context: &impl Serialize, folder: Option<&Path>) -> Result<(String, String), String> {
    let environment = environment()?;
    let fill = |(name, shipped): (&'static str, &'static str)| {
        let source = source(name, shipped, folder)?;
        environment.render_named_str(name, &source, Serde(context)).map_err(|e| format!("template {name}: {e:#}"))
    };
    Ok((fill(HTML)?, fill(MARKDOWN)?))
}

/// The same of the index.
pub(super) fn index(context: &impl Serialize) -> Result<[String; 2], String> {
    let environment = environment()?;
    let fill = |(name, source): (&'static str, &'static str)| {
        environment.render_named_str(name, source, Serde(context)).map_err(|e| format!("template {name}: {e:#}"))
    };
    let [page, markdown] = INDEX;
    Ok([fill(page)?, fill(markdown)?])
}

fn source(name: &str, shipped: &str, folder: Option<&Path>) -> Result<String, String> {
    let Some(folder) = folder else { return Ok(shipped.into()) };
    let path = folder.join(name);
    let place = match path.canonicalize() {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(shipped.into()),
        place => place,
    };
    let own = || {
        let (place, folder) = (place?, folder.canonicalize()?);
        let about = fs::metadata(&place)?;
        let why = match (place.starts_with(folder), about.is_file(), about.len()) {
            (false, ..) => "this link leads out of the folder of templates: copy the file into it",
            (_, false, _) => "not a plain file",
            (.., BYTES..) => "larger than a megabyte, which no template is",
            _ => return fs::read_to_string(place),
        };
        Err(std::io::Error::other(why))
    };
    own().map_err(|e| format!("{}: {e}", path.display()))
}

const BYTES: u64 = 1 << 20;

/// Steps of a template: what goes round and round ends in an error, not never.
const FUEL: u64 = 1_000_000_000;

/// A name that the context does not have is an error; the page escapes every value, the Markdown those through `md`.
fn environment() -> Result<Environment<'static>, String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    environment.set_syntax(syntax.map_err(|e| format!("the templates' syntax: {e}"))?);
    environment.set_auto_escape_callback(|name| match name.contains(".html") {
        true => AutoEscape::Html,
        false => AutoEscape::None,
    });
    environment.add_filter("md", markdown);
    environment.add_filter("line", one_line);
    environment.add_filter("code", code);
    environment.add_filter("sentence", sentence);
    environment.add_filter("path", path);
    environment.add_global("style", CSS);
    Ok(environment)
}

/// Text that Markdown shows as it is, in a paragraph or in a table.
fn markdown(text: String) -> String {
    let text = one_line(text);
    let mut escaped = String::with_capacity(text.len());
    let text = match begins_a_list(&text) {
        Some(at) => {
            escaped.extend([&text[..at], "\\", &text[at..=at]]);
            &text[at + 1..]
        }
        None => &text,
    };
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' => escaped.extend(['\\', character]),
            plain => escaped.push(plain),
        }
    }
    escaped
}

/// Of a text that Markdown would take for an item of a list, or for a line across the page, the sign that makes it one.
fn begins_a_list(text: &str) -> Option<usize> {
    let number = text.bytes().take_while(u8::is_ascii_digit).count();
    let sign = text[number..].chars().next()?;
    let alone = text[number + sign.len_utf8()..].chars().next().is_none_or(|next| next == ' ');
    let begins = match (sign, number) {
        ('.' | ')', 1..) | ('+', 0) => alone,
        ('-', 0) => alone || text.starts_with("--"),
        _ => false,
    };
    begins.then_some(number)
}

/// A text as code, whatever backticks it has.
fn code(text: String) -> String {
    let text = one_line(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    match longest {
        0 => format!("`{text}`"),
        _ => format!("{fence} {text} {fence}"),
    }
}

/// Line breaks become spaces: inside a table and a code block they would end it.
fn one_line(text: String) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A folder's name within an address.
fn path(name: String) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    name.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Text that ends as a sentence does.
fn sentence(text: String) -> String {
    let text = text.trim();
    match text.is_empty() || text.ends_with(['.', '!', '?']) {
        true => text.into(),
        false => format!("{text}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_shows_hostile_text_as_it_is() {
        assert_eq!(markdown("a|b <i>*x*\n# [y](z)".into()), r"a\|b &lt;i&gt;\*x\* \# \[y\](z)");
    }

    #[test]
    fn text_that_begins_like_a_list_begins_none_and_backticks_end_no_code() {
        let shown = ["- a", "--", "+ a", "12. a", "3)", "-0.5", "1.2e-3", "+5", "a - b"].map(|t| markdown(t.into()));
        assert_eq!(shown, [r"\- a", r"\--", r"\+ a", r"12\. a", r"3\)", "-0.5", "1.2e-3", "+5", "a - b"]);
        assert_eq!(path("a b)é".into()), "a%20b%29%C3%A9");
        let coded = ["a\nb", "a`<img>``b", "`"].map(|t| code(t.into()));
        assert_eq!(coded, ["`a b`", "``` a`<img>``b ```", "`` ` ``"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_template_that_leads_out_of_its_folder_or_is_no_plain_file_is_refused() {
        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::NamedTempFile::new().unwrap());
        let context = serde_json::json!({});
        std::os::unix::fs::symlink(outside.path(), folder.path().join(HTML.0)).unwrap();
        let error = render(&context, Some(folder.path())).unwrap_err();
        assert!(error.contains("report.html.j2: this link leads out of the folder of templates"), "{error}");
        fs::remove_file(folder.path().join(HTML.0)).unwrap();
        fs::create_dir(folder.path().join(HTML.0)).unwrap();
        assert!(render(&context, Some(folder.path())).unwrap_err().contains("not a plain file"));
    }

    #[test]
    fn a_folder_replaces_the_template_that_it_holds_and_an_unknown_name_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(HTML.0), "{{ a }}").unwrap();
        fs::write(folder.path().join(MARKDOWN.0), "{{ a|md }}").unwrap();
        let context = serde_json::json!({ "a": "<b>" });
        assert_eq!(render(&context, Some(folder.path())), Ok(("&lt;b&gt;".into(), "&lt;b&gt;".into())));
        fs::write(folder.path().join(MARKDOWN.0), "\n{{ missing }}").unwrap();
        let error = render(&context, Some(folder.path())).unwrap_err();
        assert!(error.contains("report.md.j2:2"), "{error}");
    }
}
