//! Places inside a TOML string: where each part of its value was written, escapes and trimmed line ends included.

use std::ops::Range;

use super::node::{Error, Node, Origin};
use crate::prediction::Fault;

/// A string's value and the places of its bytes in the source's text.
#[derive(Clone, Debug, PartialEq)]
pub struct Quoted {
    /// The whole string, quotes included.
    origin: Origin,
    /// For each byte of the value, what it was written as; `None` where the value was not written as a string here.
    written: Option<Vec<Range<usize>>>,
}

impl Quoted {
    pub fn of(node: &Node, value: &str) -> Quoted {
        let origin = node.origin.clone();
        let raw = origin.text();
        let written = match raw == value {
            // An override without quotes.
            true => Some((0..value.len()).map(|byte| byte..byte + 1).collect()),
            false => places(raw, value),
        };
        let start = origin.span.start;
        let shift = |places: Vec<Range<usize>>| places.into_iter().map(|p| p.start + start..p.end + start).collect();
        Quoted { written: written.map(shift), origin }
    }

    /// Where a part of the value was written; the whole string where that is unknown.
    pub fn origin(&self, span: &Range<usize>) -> Origin {
        let Some(written) = &self.written else { return self.origin.clone() };
        let last = written.last().map_or(self.origin.span.start + 1, |place| place.end);
        let start = written.get(span.start).map_or(last, |place| place.start);
        let end = span.end.checked_sub(1).and_then(|byte| written.get(byte)).map_or(start, |place| place.end);
        Origin { span: start..end.max(start), ..self.origin.clone() }
    }

    /// Errors at their places within the string. Of one in a base, which nobody can change there, the first is enough.
    pub fn errors(&self, faults: Vec<Fault>) -> Vec<Error> {
        let of_a_base = self.origin.source.extended.is_some();
        let count = if of_a_base { 1 } else { faults.len() };
        faults.into_iter().take(count).map(|fault| self.error(fault, of_a_base)).collect()
    }

    fn error(&self, fault: Fault, of_a_base: bool) -> Error {
        let error = Error { missing: fault.missing, ..Error::new(&self.origin(&fault.span), fault.message) };
        match fault.hint {
            Some(hint) if of_a_base => error.help(format!("{LEAVE_OUT}; {}", hint.text)),
            hint => Error { hint, ..error },
        }
    }
}

const LEAVE_OUT: &str = "`without = [\"prediction\"]` leaves out the base's predictions";

/// What each byte of the value was written as; `None` where reading the string anew does not give the value.
fn places(raw: &str, value: &str) -> Option<Vec<Range<usize>>> {
    let (quote, escapes) = [("\"\"\"", true), ("'''", false), ("\"", true), ("'", false)]
        .into_iter()
        .find(|(quote, _)| raw.starts_with(quote) && raw.ends_with(quote) && raw.len() >= 2 * quote.len())?;
    let end = raw.len() - quote.len();
    let mut at = quote.len();
    if quote.len() == 3 {
        // A line end right after the quotes is no part of the value.
        at += ["\r\n", "\n"].into_iter().find(|line| raw[at..end].starts_with(line)).map_or(0, str::len);
    }
    let mut places = Vec::with_capacity(value.len());
    let mut read = String::with_capacity(value.len());
    while at < end {
        let (character, length) = match raw[at..end].strip_prefix('\\').filter(|_| escapes) {
            Some(rest) => escape(rest)?,
            None => raw[at..end].chars().next().map(|c| (Some(c), c.len_utf8()))?,
        };
        if let Some(character) = character {
            read.push(character);
            places.extend(std::iter::repeat_n(at..at + length, character.len_utf8()));
        }
        at += length;
    }
    (read == value).then_some(places)
}

/// What follows a backslash: the character that it means, or none for a line end, and the length with the backslash.
fn escape(rest: &str) -> Option<(Option<char>, usize)> {
    let first = rest.chars().next()?;
    let hexadecimal = |digits: usize| {
        let code = u32::from_str_radix(rest.get(1..1 + digits)?, 16).ok()?;
        Some((Some(char::from_u32(code)?), 2 + digits))
    };
    let meant = match first {
        'b' => '\u{8}',
        't' => '\t',
        'n' => '\n',
        'f' => '\u{c}',
        'r' => '\r',
        'e' => '\u{1b}',
        '"' | '\\' => first,
        'x' => return hexadecimal(2),
        'u' => return hexadecimal(4),
        'U' => return hexadecimal(8),
        _ if first.is_ascii_whitespace() => {
            let space = rest.find(|c: char| !c.is_ascii_whitespace()).unwrap_or(rest.len());
            return Some((None, 1 + space));
        }
        _ => return None,
    };
    Some((Some(meant), 2))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::spec::diagnostic::Diagnostics;
    use crate::spec::node::Source;
    use crate::spec::parse::parse;

    fn node(string: &str) -> Node {
        let source = Arc::new(Source::new("test", format!("x = {string}")));
        let mut diagnostics = Diagnostics::default();
        let root = parse(&source, &mut diagnostics);
        assert!(diagnostics.is_empty(), "{diagnostics}");
        root.table().unwrap()["x"].1.clone()
    }

    /// What the word "here" of a string's value was written as.
    fn here(string: &str) -> String {
        let node = node(string);
        let value = node.string().unwrap();
        let at = value.find("here").unwrap();
        Quoted::of(&node, value).origin(&(at..at + 4)).text().to_string()
    }

    #[test]
    fn a_part_of_a_string_is_found_as_it_was_written() {
        assert_eq!(here("'a here b'"), "here");
        assert_eq!(here(r#""\t\"é\u00e9 here b""#), "here");
        assert_eq!(here(r#""\u0068e\x72e b""#), r"\u0068e\x72e");
        assert_eq!(here("\"\"\"\n é\n here\"\"\""), "here");
        assert_eq!(here("\"\"\"a \\\n   \n  here \\\n  b\"\"\""), "here");
        assert_eq!(here("'''\na \\ here'''"), "here");
        assert_eq!(here("'''\r\na\r\n here'''"), "here");
    }

    #[test]
    fn the_end_of_a_string_is_before_its_quote() {
        let node = node("'ab'");
        let end = Quoted::of(&node, "ab").origin(&(2..2));
        assert_eq!(end.span, 7..7);
        assert_eq!(node.origin.span, 4..8);
    }

    proptest! {
        #[test]
        fn every_character_of_a_string_has_its_place(text in "[a-z\\\\\"\n\té]{0,12}") {
            let written = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\t', "\\t");
            let node = node(&format!("\"{written}\""));
            let quoted = Quoted::of(&node, &text);
            let again: String = text.char_indices().map(|(at, c)| quoted.origin(&(at..at + c.len_utf8())).text().to_string()).collect();
            prop_assert_eq!(again, written);
        }
    }
}
