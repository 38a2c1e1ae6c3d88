//! The two templates: embedded, and replaced by a file of the same name where a folder holds one.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

const HTML: (&str, &str) = ("report.html.j2", include_str!("../../templates/report.html.j2"));
const MARKDOWN: (&str, &str) = ("report.md.j2", include_str!("../../templates/report.md.j2"));
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

fn source(name: &str, shipped: &str, folder: Option<&Path>) -> Result<String, String> {
    let Some(folder) = folder else { return Ok(shipped.into()) };
    let path = folder.join(name);
    match fs::read_to_string(&path) {
        Ok(own) => Ok(own),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(shipped.into()),
        Err(e) => Err(format!("{}: {e}", path.display())),
    }
}

/// A name that the context does not have is an error; the page escapes every value, the Markdown those through `md`.
fn environment() -> Result<Environment<'static>, String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    environment.set_syntax(syntax.map_err(|e| format!("the templates' syntax: {e}"))?);
    environment.set_auto_escape_callback(|name| match name.contains(".html") {
        true => AutoEscape::Html,
        false => AutoEscape::None,
    });
    environment.add_filter("md", markdown);
    environment.add_filter("line", one_line);
    environment.add_filter("sentence", sentence);
    environment.add_global("style", CSS);
    Ok(environment)
}

/// Text that Markdown shows as it is, in a paragraph or in a table.
fn markdown(text: String) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in one_line(text).chars() {
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

/// Line breaks become spaces: inside a table and a code block they would end it.
fn one_line(text: String) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
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
