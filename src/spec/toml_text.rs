//! TOML as text, a comment beside each value.

use serde_json::Value as Json;

/// Comments begin no further right than this, where the values before them let them.
const COLUMN: usize = 60;

#[derive(Default)]
pub struct Text {
    lines: Vec<(String, String)>,
    last_header: String,
}

impl Text {
    pub fn header(&mut self, header: &str, comment: &str) {
        // What an element of a list is stands with it: `[[stage]]`, `[stage.train]`.
        let element = self.last_header.strip_prefix("[[").map(|header| header.trim_end_matches(']'));
        let same = element.is_some_and(|element| header.trim_start_matches('[').starts_with(&format!("{element}.")));
        if !self.lines.is_empty() && !same {
            self.push(String::new(), String::new());
        }
        self.last_header = header.to_string();
        self.push(header.to_string(), comment.to_string());
    }

    pub fn push(&mut self, line: String, comment: String) {
        self.lines.push((line, comment));
    }

    pub fn finish(self) -> String {
        let width = self.lines.iter().map(|(line, _)| line.chars().count()).filter(|width| *width <= COLUMN).max();
        let width = width.unwrap_or(0);
        let line = |(line, comment): (String, String)| match comment.is_empty() {
            true => format!("{line}\n"),
            false => format!("{line:width$}  # {}\n", comment.replace(char::is_control, " ")),
        };
        self.lines.into_iter().map(line).collect()
    }
}

/// A key, quoted where it must be.
pub fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match !name.is_empty() && name.chars().all(bare) {
        true => name.to_string(),
        false => string(name),
    }
}

/// A value in one line.
pub fn value(json: &Json) -> String {
    match json {
        Json::String(text) => string(text),
        Json::Array(items) => format!("[{}]", items.iter().map(value).collect::<Vec<_>>().join(", ")),
        Json::Object(entries) => {
            let entry = |(name, json): (&String, &Json)| format!("{} = {}", key(name), value(json));
            let entries: Vec<String> = entries.iter().filter(|(_, json)| !json.is_null()).map(entry).collect();
            if entries.is_empty() { "{}".into() } else { format!("{{ {} }}", entries.join(", ")) }
        }
        other => other.to_string(),
    }
}

/// JSON's escapes are TOML's, but for one character that TOML escapes and JSON does not.
fn string(text: &str) -> String {
    Json::from(text).to_string().replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use serde_json::json;

    use super::super::diagnostic::Diagnostics;
    use super::super::node::Source;
    use super::super::parse::parse;
    use super::*;

    fn read(text: String) -> Json {
        let mut diagnostics = Diagnostics::default();
        let node = parse(&Arc::new(Source::new("written", text)), &mut diagnostics);
        assert!(diagnostics.is_empty(), "{diagnostics}");
        node.deserialize().unwrap()
    }

    #[test]
    fn numbers_lists_and_tables_are_read_as_they_were() {
        let told = json!({ "a": 1, "b": 1.0, "c": 1e-8, "d": [1, "x", {}], "e": { "f": true, "g h": -3 }, "i": 1e300 });
        assert_eq!(read(format!("x = {}", value(&told))), json!({ "x": told }));
    }

    proptest! {
        #[test]
        fn any_text_is_read_as_it_was(text in any::<String>(), name in any::<String>()) {
            prop_assert_eq!(read(format!("{} = {}", key(&name), string(&text))), json!({ name: text }));
        }

        #[test]
        fn no_comment_says_anything(comment in any::<String>()) {
            let mut text = Text::default();
            text.push("a = 1".into(), comment);
            prop_assert_eq!(read(text.finish()), json!({ "a": 1 }));
        }
    }
}
