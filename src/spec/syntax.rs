//! What TOML's parser says, in an author's words: the value that it is about, and how to mend it.

use std::ops::Range;

use crate::nearest::Hint;

/// A mistake in a text's syntax.
pub struct Told {
    pub span: Range<usize>,
    pub message: String,
    pub hint: Hint,
}

/// What the parser says of a place, told better where the value there shows what was meant.
pub fn told(text: &str, span: Range<usize>, message: &str) -> Told {
    let value = value(text, span.start);
    let written = &text[value.clone()];
    let unquoted = message.contains("string values must be quoted");
    let (message, meant, help) = match () {
        _ if unquoted && written.is_empty() => ("this has no value", None, "write `key = value`"),
        _ if is_value(message) || unquoted => match meant(written) {
            Some((meant, help)) => ("this is no value", Some(meant), help),
            None if unquoted => ("this is no value", None, "a text stands in quotes, on one line"),
            None => (message, None, remedy(message)),
        },
        _ => return Told { span, message: message.to_string(), hint: plain(remedy(message)) },
    };
    let hint = meant.map_or_else(|| plain(help), |meant| Hint::meant(written, &meant, help));
    Told { span: value, message: message.to_string(), hint }
}

fn plain(text: &str) -> Hint {
    Hint { text: text.to_string(), meant: None }
}

fn is_value(message: &str) -> bool {
    ["boolean", "mantissa", "exponent", "fraction", "float", "integer", "leading zero"]
        .iter()
        .any(|word| message.contains(word))
}

/// The value at a place: to the end of its line, or of its own in a list or an inline table.
fn value(text: &str, at: usize) -> Range<usize> {
    let at = (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let key = text[line..at].find('=').map_or(line, |equals| line + equals + 1);
    let nested = text[key..at].contains(['[', '{']);
    let ends = |c: char| matches!(c, '\n' | '\r' | '#') || (nested && matches!(c, ',' | ']' | '}'));
    // The parser points at a number's first digit, or at what is wrong in it.
    let before = |c: char| c.is_whitespace() || matches!(c, '=' | '[' | '{' | ',');
    let start = text[key..at].char_indices().rev().find(|(_, c)| before(*c));
    let start = start.map_or(key, |(space, c)| key + space + c.len_utf8());
    let rest = &text[start..];
    let rest = rest[..rest.find(ends).unwrap_or(rest.len())].trim_end();
    start..start + rest.len()
}

/// What a value without quotes was probably meant as, and why.
fn meant(written: &str) -> Option<(String, &'static str)> {
    let (number, quotes) = ("a number has digits before and after its point", "a text stands in quotes");
    let curly = ['“', '”', '„', '‘', '’'];
    let percent = written.strip_suffix('%').map(str::trim).and_then(fraction);
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let plain = written.trim_start_matches('0');
    match written.split_once('.') {
        _ if digits(written) => {
            let number = if plain.is_empty() { "0" } else { plain };
            return Some((number.to_string(), "a number begins with no zero"));
        }
        _ if percent.is_some() => return Some((percent?, "shares are fractions from 0 to 1")),
        Some(("", part)) if digits(part) => return Some((format!("0{written}"), number)),
        Some((part, "")) if digits(part) => return Some((format!("{written}0"), number)),
        _ => {}
    }
    match written.to_ascii_lowercase().as_str() {
        word @ ("true" | "false") => return Some((word.to_string(), "true and false are written small")),
        "yes" | "on" => return Some(("true".to_string(), "a switch is true or false")),
        "no" | "off" => return Some(("false".to_string(), "a switch is true or false")),
        _ => {}
    }
    let bare = written.trim_matches(curly);
    let is_text = !bare.contains(['"', '\\', '=']) && !bare.starts_with('\'') && !bare.chars().any(char::is_control);
    let why = if bare == written { quotes } else { "TOML knows straight quotes only" };
    (is_text && !bare.is_empty()).then(|| (format!("{bare:?}"), why))
}

/// A percentage as a fraction, in as many decimals as it needs.
fn fraction(percent: &str) -> Option<String> {
    let decimals = percent.split_once('.').map_or(0, |(_, decimals)| decimals.len()) + 2;
    let fraction = percent.parse::<f64>().ok().filter(|value| value.is_finite() && decimals < 20)? / 100.0;
    Some(format!("{fraction:.decimals$}").trim_end_matches('0').trim_end_matches('.').to_string())
}

/// How to mend what needs no look at the text.
fn remedy(message: &str) -> &'static str {
    match message {
        _ if message.contains("twice") => "leave one of them out",
        _ if message.contains("unquoted key") => "a name has letters from a to z, digits, `-` and `_`",
        _ if message.contains("string") => "a text ends with the quote that it begins with, on its line",
        _ if message.contains("unclosed") => "close the bracket that is opened",
        _ => "TOML is `key = value` below a `[table]`, texts in quotes, lists in `[ … ]`",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(text: &str, at: usize) -> Option<String> {
        let told = told(text, at..at + 1, "string values must be quoted, expected literal string");
        let meant = told.hint.meant?;
        assert_eq!(meant.written, text[told.span.clone()]);
        Some([&text[..told.span.start], &meant.meant, &text[told.span.end..]].concat())
    }

    #[test]
    fn a_value_without_quotes_is_given_them_alone() {
        assert_eq!(mended("use = mnist-10k # data", 6).unwrap(), "use = \"mnist-10k\" # data");
        assert_eq!(mended("title = Two words\n", 8).unwrap(), "title = \"Two words\"\n");
        assert_eq!(mended("x = { use = adam, rate = 1 }", 12).unwrap(), "x = { use = \"adam\", rate = 1 }");
        assert_eq!(mended("x = [a, b]", 5).unwrap(), "x = [\"a\", b]");
        assert_eq!(mended("title = “T”", 8).unwrap(), "title = \"T\"");
        assert_eq!(mended("x =\u{a0}adam", 6).unwrap(), "x =\u{a0}\"adam\"");
        assert_eq!(mended("x = a \"b\"", 4), None);
    }

    #[test]
    fn a_number_or_a_switch_as_others_write_them_is_told_as_toml_has_it() {
        let meant = |text: &str| meant(text).map(|(meant, _)| meant);
        let cases = [
            ("50%", "0.5"),
            ("12.3 %", "0.123"),
            ("100%", "1"),
            (".5", "0.5"),
            ("05", "5"),
            ("00", "0"),
            ("5.", "5.0"),
            ("True", "true"),
            ("off", "false"),
        ];
        for (written, right) in cases {
            assert_eq!(meant(written).as_deref(), Some(right));
        }
    }
}
