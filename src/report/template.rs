//! The templates: shipped in the program, each overridden by a file of the same name in an experiment's `templates/`.

use std::path::Path;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};

use super::context::Context;

const SHIPPED: [(&str, &str); 3] = [
    ("report.html.j2", include_str!("../../templates/report.html.j2")),
    ("report.md.j2", include_str!("../../templates/report.md.j2")),
    ("style.css.j2", include_str!("../../templates/style.css.j2")),
];

/// Renders a template by name; an error names the template and the line.
pub fn render(name: &str, context: &Context<'_>, overrides: Option<&Path>) -> Result<String, String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    environment.set_syntax(syntax.build().map_err(|e| told(&e))?);
    environment.set_auto_escape_callback(|name| match name.ends_with(".html.j2") {
        true => AutoEscape::Html,
        false => AutoEscape::None,
    });
    environment.add_filter("md", |text: String| markdown(&text));
    for (name, shipped) in SHIPPED {
        let own = overrides.map(|folder| folder.join(name)).filter(|path| path.exists());
        let text = match &own {
            Some(path) => std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?,
            None => shipped.to_string(),
        };
        environment.add_template_owned(name, text).map_err(|e| told(&e))?;
    }
    let template = environment.get_template(name).map_err(|e| told(&e))?;
    template.render(Serde(context)).map_err(|e| told(&e))
}

fn told(error: &minijinja::Error) -> String {
    let place = error.name().zip(error.line()).map_or(String::new(), |(name, line)| format!("{name}:{line}: "));
    format!("template {place}{error}")
}

/// Escapes what Markdown, or the HTML within it, would take for markup; a line break becomes a space.
fn markdown(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\\' | '|' | '*' | '_' | '`' | '[' | ']' | '#' => escaped.extend(['\\', c]),
            '\n' | '\r' => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_break_a_markdown_table_or_bring_markup() {
        assert_eq!(markdown("a|b <script> *x*"), "a\\|b &lt;script&gt; \\*x\\*");
    }
}
